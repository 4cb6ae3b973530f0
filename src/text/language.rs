//! What sentence splitting must know about a language, as data.
//!
//! Lists are lower case and without the final stop. They are small on purpose: a word belongs
//! here only when a sentence seldom ends with it, or when the word after it tells.

/// One language's abbreviations and the words that tell a new sentence from an old one.
#[derive(Debug)]
pub struct LanguageRules {
    /// Primary language subtag (BCP 47).
    pub tag: &'static str,
    /// Always followed by more of the same sentence: titles before a name (`Mr. Smith`).
    pub titles: &'static [&'static str],
    /// May end a sentence; it does when a [starter](Self::starters) follows (`& Co. They …`).
    pub soft: &'static [&'static str],
    /// Abbreviations only in front of a number (`p. 55`, `Nov. 12`); a plain word otherwise.
    pub before_number: &'static [&'static str],
    /// Capitalised words that begin a sentence far more often than they stand inside one.
    pub starters: &'static [&'static str],
    /// Prepositions of a time phrase that opens a sentence (`At 5 a.m. Mr. Smith …`).
    pub time_prepositions: &'static [&'static str],
    /// What may follow a closing quotation mark inside a sentence, in scripts without case
    /// (`「どこ？」と彼は聞いた`).
    pub after_quote: &'static [&'static str],
}

impl LanguageRules {
    /// The rules for a BCP 47 tag such as `en-GB`; rules without any list when unknown.
    pub fn for_tag(tag: &str) -> &'static Self {
        let primary = primary_subtag(tag);
        LANGUAGES.iter().find(|rules| rules.tag.eq_ignore_ascii_case(primary)).unwrap_or(&UNKNOWN)
    }
}

/// `en` of `en-GB` or `en_GB`.
pub fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// Whether the language is written from right to left.
pub fn is_right_to_left(tag: &str) -> bool {
    matches!(
        primary_subtag(tag).to_ascii_lowercase().as_str(),
        "ar" | "he" | "fa" | "ur" | "yi" | "dv" | "ps" | "syr" | "ckb"
    )
}

/// Abbreviations most European languages share: degrees, initial-like forms, references.
const UNKNOWN: LanguageRules = LanguageRules {
    tag: "und",
    titles: &["dr", "prof", "st", "mr", "mrs", "ms"],
    soft: &["etc", "co", "ltd", "inc"],
    before_number: &["p", "pp", "no", "nr", "n°", "nº", "vol", "fig", "cf", "art", "cap"],
    starters: &[],
    time_prepositions: &[],
    after_quote: &[],
};

static LANGUAGES: [LanguageRules; 8] = [
    LanguageRules {
        tag: "en",
        titles: &[
            "mr", "mrs", "ms", "messrs", "mme", "mlle", "dr", "prof", "rev", "revd", "hon", "gen",
            "col", "capt", "cpt", "lt", "lieut", "maj", "sgt", "cmdr", "adm", "gov", "sen", "rep",
            "pres", "supt", "insp", "st", "ste", "mt", "ft", "fr", "sr", "srta", "vs", "viz",
            "e.g", "i.e", "cf", "esq",
        ],
        soft: &[
            "jr", "snr", "jun", "sen", "co", "corp", "inc", "ltd", "bros", "etc", "a.m", "p.m",
            "am", "pm", "ave", "blvd", "rd", "dept", "est", "al", "ph.d", "m.d", "b.a", "m.a",
            "b.c", "a.d", "ibid", "approx",
        ],
        before_number: &[
            "p", "pp", "no", "nos", "n°", "nº", "vol", "vols", "fig", "figs", "ch", "chap", "sec",
            "art", "par", "pt", "bk", "v", "vv", "l", "ll", "op", "ex", "c", "ca", "circa", "jan",
            "feb", "mar", "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec",
        ],
        starters: &[
            "a",
            "after",
            "all",
            "although",
            "an",
            "and",
            "another",
            "are",
            "as",
            "at",
            "because",
            "before",
            "both",
            "but",
            "by",
            "can",
            "could",
            "did",
            "do",
            "does",
            "don't",
            "during",
            "each",
            "even",
            "every",
            "finally",
            "first",
            "for",
            "from",
            "had",
            "has",
            "have",
            "he",
            "her",
            "here",
            "his",
            "how",
            "however",
            "i",
            "if",
            "i'm",
            "in",
            "indeed",
            "is",
            "it",
            "it's",
            "its",
            "let",
            "let's",
            "many",
            "may",
            "meanwhile",
            "mr",
            "mrs",
            "ms",
            "my",
            "never",
            "next",
            "no",
            "nor",
            "not",
            "nothing",
            "now",
            "of",
            "oh",
            "on",
            "once",
            "one",
            "only",
            "or",
            "our",
            "please",
            "she",
            "should",
            "since",
            "so",
            "some",
            "sometimes",
            "soon",
            "still",
            "such",
            "suddenly",
            "that",
            "the",
            "their",
            "then",
            "there",
            "these",
            "they",
            "this",
            "those",
            "though",
            "thus",
            "to",
            "today",
            "two",
            "under",
            "until",
            "was",
            "we",
            "well",
            "were",
            "what",
            "when",
            "where",
            "which",
            "while",
            "who",
            "whose",
            "why",
            "will",
            "with",
            "would",
            "yes",
            "yet",
            "you",
            "your",
        ],
        time_prepositions: &[
            "at", "by", "around", "about", "before", "after", "until", "till", "since", "from",
            "towards",
        ],
        after_quote: &[],
    },
    LanguageRules {
        tag: "es",
        titles: &[
            "sr", "sra", "srta", "sres", "dr", "dra", "dres", "lic", "ing", "arq", "prof", "profa",
            "d", "dña", "fr", "sto", "sta", "gral", "cnel", "cap", "tte", "mons", "mt", "ee", "ff",
            "admón", "avda", "av", "núm", "tel", "pág", "págs", "párr", "párrf", "p.ej", "vs",
        ],
        soft: &["ud", "uds", "vd", "vds", "etc", "cía", "co", "ltda", "s.a", "a.m", "p.m", "jr"],
        before_number: &[
            "p", "pp", "no", "nº", "n°", "núms", "art", "arts", "vol", "fig", "cap", "caps", "ene",
            "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "sept", "set", "oct", "nov",
            "dic", "lun", "mié", "jue", "vie", "sáb", "dom",
        ],
        starters: &[
            "a", "al", "algo", "algunos", "así", "aunque", "como", "con", "cuando", "de",
            "después", "donde", "el", "ella", "ellos", "en", "entonces", "entre", "era", "es",
            "esa", "ese", "esta", "está", "este", "esto", "hay", "la", "las", "le", "lo", "los",
            "luego", "más", "me", "mi", "mientras", "muy", "no", "nos", "nunca", "o", "para",
            "pero", "por", "porque", "pues", "que", "se", "según", "si", "sí", "sin", "sobre",
            "su", "sus", "también", "tal", "todo", "todos", "tras", "un", "una", "y", "ya", "yo",
        ],
        time_prepositions: &["a", "hacia", "desde", "hasta", "sobre"],
        after_quote: &[],
    },
    LanguageRules {
        tag: "fr",
        titles: &[
            "m", "mm", "mme", "mmes", "mlle", "mlles", "me", "dr", "pr", "prof", "mgr", "st",
            "ste", "gén", "col", "cap", "c.-à-d", "p.ex", "cf",
        ],
        soft: &["etc", "cie", "jr", "av", "j.-c", "s.a"],
        before_number: &["p", "pp", "n", "n°", "nº", "vol", "fig", "chap", "art", "t", "éd", "env"],
        starters: &[
            "alors", "après", "au", "aussi", "avec", "bien", "ce", "ceci", "cela", "celui", "ces",
            "cet", "cette", "comme", "comment", "dans", "de", "depuis", "des", "donc", "du",
            "elle", "elles", "en", "enfin", "est", "et", "ici", "il", "ils", "je", "la", "le",
            "les", "leur", "lui", "mais", "mon", "ne", "non", "nous", "on", "or", "ou", "où",
            "oui", "par", "pas", "pendant", "pour", "pourquoi", "puis", "quand", "que", "quel",
            "qui", "sa", "sans", "ses", "si", "son", "sur", "tout", "tu", "un", "une", "vous",
        ],
        time_prepositions: &[],
        after_quote: &[],
    },
    LanguageRules {
        tag: "de",
        titles: &[
            "hr", "fr", "frl", "dr", "prof", "st", "hl", "ing", "dipl", "z.b", "d.h", "u.a", "bzw",
            "vgl", "sog", "ca", "evtl", "ggf", "inkl", "z", "b",
        ],
        soft: &["usw", "etc", "u.s.w", "co", "chr", "jh", "str", "jr"],
        before_number: &[
            "s", "nr", "bd", "kap", "abb", "art", "abs", "jan", "feb", "apr", "aug", "sept", "okt",
            "nov", "dez",
        ],
        starters: &[
            "aber", "alle", "als", "am", "an", "auch", "auf", "aus", "bei", "da", "dann", "das",
            "dass", "denn", "der", "des", "die", "dies", "diese", "dieser", "doch", "du", "ein",
            "eine", "er", "es", "für", "hier", "ich", "ihr", "im", "in", "ist", "ja", "jetzt",
            "kein", "man", "mein", "mit", "nach", "nein", "nicht", "nun", "nur", "ob", "oder",
            "schon", "sein", "sie", "so", "und", "unser", "vom", "von", "vor", "war", "warum",
            "was", "wenn", "wer", "wie", "wir", "wo", "zu", "zum", "zur",
        ],
        time_prepositions: &["um", "gegen", "ab", "bis"],
        after_quote: &[],
    },
    LanguageRules {
        tag: "it",
        titles: &[
            "sig", "sigg", "sig.ra", "sig.na", "dott", "dr", "dott.ssa", "prof", "prof.ssa", "ing",
            "avv", "on", "mons", "s", "gen", "cap",
        ],
        soft: &["ecc", "etc", "co", "s.p.a", "s.r.l"],
        before_number: &["p", "pp", "pag", "n", "n°", "nº", "vol", "fig", "cap", "art"],
        starters: &[
            "allora", "anche", "che", "chi", "come", "con", "così", "cosa", "da", "dopo", "dove",
            "e", "ecco", "era", "gli", "ha", "i", "il", "in", "io", "la", "le", "lei", "lo", "lui",
            "ma", "mentre", "mi", "nel", "noi", "non", "ora", "per", "perché", "poi", "qui",
            "quando", "quella", "quello", "questa", "questo", "se", "si", "sono", "tutti", "un",
            "una", "voi",
        ],
        time_prepositions: &["alle", "verso", "dalle"],
        after_quote: &[],
    },
    LanguageRules {
        tag: "vi",
        titles: &["ts", "ths", "gs", "pgs", "ks", "bs", "tp", "tx", "ô", "bà", "st"],
        soft: &["v.v", "tcn"],
        before_number: &["tr", "số", "t", "q", "p"],
        starters: &[],
        time_prepositions: &[],
        after_quote: &[],
    },
    LanguageRules {
        tag: "ja",
        titles: &[],
        soft: &[],
        before_number: &[],
        starters: &[],
        time_prepositions: &[],
        after_quote: &["と", "って", "という", "など", "の", "を", "に", "は"],
    },
    LanguageRules {
        tag: "zh",
        titles: &[],
        soft: &[],
        before_number: &[],
        starters: &[],
        time_prepositions: &[],
        after_quote: &["说", "道", "说道", "他说", "她说", "我说", "問", "问", "說"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_does_not_matter() {
        assert_eq!(LanguageRules::for_tag("en-GB").tag, "en");
        assert_eq!(LanguageRules::for_tag("ES_mx").tag, "es");
        assert_eq!(LanguageRules::for_tag("tlh").tag, "und");
        assert_eq!(LanguageRules::for_tag("").tag, "und");
    }

    #[test]
    fn right_to_left_scripts() {
        assert!(is_right_to_left("ar"));
        assert!(is_right_to_left("he-IL"));
        assert!(!is_right_to_left("en"));
    }
}
