//! Portuguese.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "pt",
    titles: &[
        "sr", "sra", "srs", "sras", "srta", "srtas", "snr", "snra", "exmo", "exma", "exmos",
        "exmas", "ilmo", "ilma", "dr", "dra", "drs", "dras", "prof", "profa", "profs", "eng",
        "engo", "arq", "des", "dep", "sen", "gov", "cap", "cmdt", "cmte", "com", "ten", "cel",
        "maj", "sgt", "sarg", "gen", "gal", "brig", "alm", "pe", "fr", "mons", "card", "rev",
        "revmo", "sto", "sta", "visc", "mr", "mrs", "mme", "mlle", "av", "trav", "pç", "pça", "lg",
        "estr", "rod", "apto", "apt", "cx", "bl", "p.ex", "cf", "cfr", "v.g", "i.e", "e.g", "vs",
        "lat", "ingl",
    ],
    // One letter: a part of what is written with spaces (`p. ex.`, `d. C.`), or a word like `rua`.
    soft: &[
        "etc", "cia", "co", "ltda", "ltd", "s.a", "inc", "jr", "v.exa", "s.exa", "v.ex", "exa",
        "ex", "a.c", "d.c", "a.m", "p.m", "séc", "sécs", "al", "pres", "min", "dir", "asp", "jd",
        "vl", "pq", "ed", "esq", "dto", "aprox", "ca", "obs", "ibid", "ib", "id", "cit", "loc",
        "trad", "org", "orgs", "coord", "dept", "depto", "dpto", "univ", "fac", "inst", "col",
        "bras", "port", "b", "c", "d", "p", "r", "s",
    ],
    before_number: &[
        "p", "pp", "pág", "págs", "pag", "pags", "vol", "vols", "t", "tom", "liv", "cap", "caps",
        "art", "arts", "fig", "figs", "est", "n", "nº", "n°", "nr", "no", "núm", "par", "sec", "v",
        "vv", "fl", "fls", "fol", "f", "doc", "docs", "tab", "op", "ref", "tel", "telef", "cód",
        "km", "jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez",
    ],
    after_number: &["cts", "seg", "hab", "págs", "pág"],
    starters: &[
        "a", "à", "agora", "ah", "ainda", "algo", "alguém", "alguns", "ali", "ao", "aos", "apenas",
        "após", "aquela", "aquele", "aqui", "aquilo", "as", "às", "assim", "até", "cada", "com",
        "como", "contudo", "de", "depois", "desde", "durante", "e", "é", "ela", "elas", "ele",
        "eles", "em", "embora", "enfim", "enquanto", "então", "entre", "era", "eram", "essa",
        "esse", "esta", "está", "estava", "este", "eu", "foi", "foram", "há", "havia", "hoje",
        "isso", "isto", "já", "lá", "logo", "mais", "mas", "meu", "minha", "muito", "muitos", "na",
        "não", "nas", "nem", "nenhum", "ninguém", "no", "nos", "nós", "nossa", "nosso", "num",
        "numa", "nunca", "o", "onde", "os", "ou", "para", "pela", "pelo", "pois", "por", "porém",
        "porque", "quando", "quase", "que", "quem", "se", "segundo", "sem", "sempre", "seu",
        "seus", "sim", "só", "sob", "sobre", "sua", "suas", "talvez", "também", "tanto", "tinha",
        "toda", "todas", "todo", "todos", "tudo", "um", "uma", "você",
    ],
    time_prepositions: &["às", "pelas", "até", "desde"],
    ..NONE
};
