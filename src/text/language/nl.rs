//! Dutch.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "nl",
    titles: &[
        "dhr", "hr", "mevr", "mw", "mej", "mr", "mrs", "ms", "dr", "drs", "ir", "ing", "prof",
        "prof.dr", "ds", "pr", "zr", "mgr", "kard", "st", "jhr", "jkvr", "jkh", "geb", "kapt",
        "lt", "sgt", "serg", "adm", "cdt", "insp", "joh", "th", "ph", "zgn", "z.g", "n.l", "nl",
        "bijv", "d.w.z", "t.w", "m.a.w", "m.n", "o.a", "o.m", "i.h.b", "i.h.a", "i.p.v", "i.t.t",
        "i.v.m", "d.m.v", "m.b.t", "m.b.v", "m.i.v", "n.a.v", "a.h.v", "o.l.v", "t.a.v", "t.b.v",
        "t.g.v", "t.o.v", "resp", "vgl", "cf", "incl", "excl", "evt", "event", "i.e", "e.g", "fr",
    ],
    // One letter: a part of what is also written with spaces (`o. a.`, `n. Chr.`).
    soft: &[
        "enz", "enzv", "etc", "e.d", "e.a", "a.u.b", "s.v.p", "a.s", "jl", "jr", "sr", "co", "cie",
        "ltd", "inc", "b.v", "n.v", "chr", "v.chr", "n.chr", "br", "gen", "maj", "burg", "min",
        "afd", "gem", "prov", "dept", "str", "pl", "ong", "ca", "mln", "mld", "red", "vert",
        "uitg", "ed", "ibid", "id", "art", "a", "b", "d", "h", "m", "p", "v", "z", "wed", "kap",
        "kol", "luit", "bv", "n",
    ],
    before_number: &[
        "p", "pp", "pag", "blz", "bl", "nr", "nrs", "no", "dl", "vol", "jrg", "hfst", "hs", "afb",
        "fig", "tab", "bijl", "par", "reg", "r", "vs", "aant", "f", "ff", "fol", "tel", "toest",
        "fl", "jan", "feb", "febr", "mrt", "apr", "jun", "jul", "aug", "sep", "sept", "okt", "nov",
        "dec",
    ],
    after_number: &["u", "ct", "cts", "fl", "gld", "fr", "frs", "sec", "pct", "pag", "blz", "kol"],
    starters: &[
        "aan", "achter", "al", "alle", "alleen", "alles", "als", "altijd", "beide", "bij",
        "binnen", "daar", "daarna", "daarom", "dan", "dat", "de", "deze", "die", "dit", "door",
        "dus", "echter", "een", "eens", "eerst", "elk", "elke", "en", "er", "geen", "gisteren",
        "haar", "had", "heb", "heeft", "heel", "het", "hier", "hij", "hoe", "hoewel", "hun",
        "iedereen", "iemand", "ik", "in", "is", "ja", "je", "jij", "jullie", "kan", "maar", "men",
        "met", "mijn", "na", "naar", "nadat", "nee", "niemand", "niet", "niets", "nog", "nooit",
        "nu", "of", "om", "omdat", "onder", "ons", "onze", "ook", "op", "opeens", "over", "soms",
        "te", "terwijl", "toch", "toen", "tot", "tussen", "uit", "uw", "veel", "volgens", "voor",
        "waar", "waarom", "wanneer", "want", "waren", "was", "wat", "we", "wel", "welke", "wie",
        "wij", "ze", "zelfs", "zij", "zijn", "zo", "zodra", "zonder", "zou",
    ],
    time_prepositions: &["om", "rond", "tegen", "vanaf"],
    ..NONE
};
