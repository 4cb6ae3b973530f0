//! French.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "fr",
    titles: &[
        "m", "mm", "mme", "mmes", "mlle", "mlles", "me", "mr", "dr", "drs", "pr", "prof", "mgr",
        "mgrs", "st", "ste", "sts", "stes", "vve", "cte", "ctesse", "vte", "gén", "gal", "cdt",
        "cne", "lt", "sgt", "amb", "blvd", "boul", "fg", "fbg", "rte", "sq", "th", "ph", "chr",
        "c.-à-d", "p.ex", "cf", "apr", "vs", "i.e", "e.g", "angl", "allem", "lat",
    ],
    // One letter: a part of `c. à d.`, or what `c.-à-d.` is after its last hyphen.
    soft: &[
        "etc", "cie", "co", "jr", "av", "j.-c", "s.a", "ltd", "inc", "ch", "ex", "col", "cap",
        "adj", "fr", "pl", "imp", "arr", "arrdt", "dép", "ibid", "id", "cit", "coll", "éd", "trad",
        "dir", "réf", "al", "sqq", "suiv", "n.d.l.r", "n.d.t", "c", "d", "s", "bd",
    ],
    before_number: &[
        "p", "pp", "n", "n°", "nº", "no", "nos", "num", "vol", "fig", "chap", "art", "t", "tom",
        "éd", "env", "liv", "l", "sect", "par", "paragr", "alin", "ill", "f", "ff", "fol", "fo",
        "ms", "v", "vv", "op", "tab", "tél", "bât", "apt", "app", "janv", "févr", "fév", "avr",
        "juil", "juill", "sept", "oct", "nov", "déc",
    ],
    after_number: &["f", "ff", "frs", "cent", "ct", "cts", "hab", "min", "sq"],
    starters: &[
        "à", "ah", "ainsi", "alors", "après", "au", "aucun", "aucune", "aussi", "avec", "beaucoup",
        "bien", "bientôt", "c'est", "c'était", "car", "ce", "ceci", "cela", "celle", "celui",
        "ces", "cet", "cette", "ceux", "chaque", "chez", "comme", "comment", "d'abord", "dans",
        "de", "depuis", "dès", "des", "donc", "du", "elle", "elles", "en", "encore", "enfin",
        "ensuite", "entre", "est", "et", "ici", "il", "ils", "j'ai", "j'avais", "jamais", "je",
        "la", "là", "le", "les", "leur", "lorsque", "lui", "ma", "mais", "malgré", "mes", "moi",
        "mon", "ne", "non", "notre", "nous", "on", "or", "ou", "où", "oui", "par", "parfois",
        "pas", "pendant", "personne", "peu", "plus", "pour", "pourquoi", "puis", "puisque",
        "quand", "que", "quel", "quelle", "quelque", "qui", "rien", "sa", "sans", "se", "ses",
        "seul", "si", "son", "soudain", "sous", "souvent", "sur", "surtout", "tandis", "tous",
        "tout", "toute", "très", "tu", "un", "une", "vers", "voici", "voilà", "votre", "vous", "y",
    ],
    ..NONE
};
