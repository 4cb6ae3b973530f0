//! Italian.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "it",
    titles: &[
        "sig", "sigg", "sig.ra", "sig.na", "sig.re", "sig.rina", "sigg.ri", "dott", "dott.ri",
        "dr", "dott.ssa", "prof", "proff", "prof.ssa", "ing", "ingg", "avv", "avv.ti", "arch",
        "geom", "rag", "on", "on.le", "sen", "dep", "cav", "comm", "gr", "march", "mons", "mgr",
        "card", "rev", "rev.do", "rev.mo", "s", "gen", "gen.le", "col", "ten", "ten.col", "magg",
        "cap", "com.te", "serg", "amm", "brig", "spett", "egr", "gent", "gent.ma", "gent.mo",
        "preg.mo", "ill.mo", "c.so", "p.za", "p.zza", "v.le", "l.go", "p.le", "fraz", "loc",
        "giov", "gius", "ferd", "batt", "p.es", "es", "cfr", "cf", "vs", "i.e", "e.g", "ingl",
        "lat",
    ],
    soft: &[
        "ecc", "etc", "co", "s.p.a", "s.r.l", "jr", "ltd", "inc", "ss", "sg", "sgg", "seg", "segg",
        "sec", "secc", "ca", "uff", "min", "mar", "pres", "dir", "prov", "ed", "ediz", "trad",
        "ibid", "id", "op", "cit", "al", "ndr", "ndt", "fr", "app", "p", "v", "n", "r",
    ],
    before_number: &[
        "p", "pp", "pag", "pagg", "n", "nn", "num", "n°", "nº", "vol", "voll", "tom", "t", "lib",
        "l", "fig", "figg", "tav", "tavv", "tab", "cap", "capp", "art", "artt", "sez", "par", "c",
        "cc", "f", "ff", "r", "rr", "v", "vv", "col", "coll", "ms", "all", "op", "rif", "tel",
        "lit", "genn", "gen", "febb", "feb", "mar", "apr", "magg", "mag", "giu", "lugl", "lug",
        "ago", "sett", "set", "ott", "nov", "dic",
    ],
    after_number: &["cent", "doll", "ab"],
    starters: &[
        "a", "ad", "adesso", "al", "alla", "allora", "anche", "anzi", "appena", "aveva", "c'è",
        "c'era", "che", "chi", "come", "con", "così", "cosa", "da", "dopo", "dove", "dunque", "e",
        "è", "ecco", "eppure", "era", "erano", "essa", "essi", "esso", "forse", "fu", "già", "gli",
        "ha", "hanno", "ho", "i", "ieri", "il", "in", "infatti", "intanto", "invece", "io", "la",
        "le", "lei", "lo", "loro", "lui", "ma", "mai", "mentre", "mi", "nei", "nel", "nella",
        "nelle", "nessuno", "niente", "noi", "non", "nulla", "o", "oggi", "ogni", "oppure", "ora",
        "per", "perché", "però", "più", "poco", "poi", "prima", "può", "qualche", "qualcuno",
        "quando", "quanto", "quei", "quel", "quella", "quelle", "quelli", "quello", "questa",
        "queste", "questi", "questo", "qui", "quindi", "se", "sempre", "senza", "si", "sì", "solo",
        "sono", "spesso", "sua", "sul", "sulla", "suo", "suoi", "tra", "troppo", "tu", "tutta",
        "tutte", "tutti", "tuttavia", "tutto", "un", "una", "uno", "voi",
    ],
    time_prepositions: &["alle", "verso", "dalle"],
    ..NONE
};
