//! Spanish.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "es",
    titles: &[
        "sr", "sra", "srta", "sres", "dr", "dra", "dres", "lic", "ing", "arq", "prof", "profa",
        "d", "dña", "fr", "sto", "sta", "gral", "cnel", "cap", "tte", "mons", "mt", "ee", "ff",
        "admón", "avda", "av", "núm", "tel", "pág", "págs", "párr", "párrf", "p.ej", "vs",
    ],
    soft: &["ud", "uds", "vd", "vds", "etc", "cía", "co", "ltda", "s.a", "a.m", "p.m", "jr"],
    before_number: &[
        "p", "pp", "no", "nº", "n°", "núms", "art", "arts", "vol", "fig", "cap", "caps", "ene",
        "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "sept", "set", "oct", "nov", "dic",
        "lun", "mié", "jue", "vie", "sáb", "dom",
    ],
    starters: &[
        "a", "al", "algo", "algunos", "así", "aunque", "como", "con", "cuando", "de", "después",
        "donde", "el", "ella", "ellos", "en", "entonces", "entre", "era", "es", "esa", "ese",
        "esta", "está", "este", "esto", "hay", "la", "las", "le", "lo", "los", "luego", "más",
        "me", "mi", "mientras", "muy", "no", "nos", "nunca", "o", "para", "pero", "por", "porque",
        "pues", "que", "se", "según", "si", "sí", "sin", "sobre", "su", "sus", "también", "tal",
        "todo", "todos", "tras", "un", "una", "y", "ya", "yo",
    ],
    time_prepositions: &["a", "hacia", "desde", "hasta", "sobre"],
    ..NONE
};
