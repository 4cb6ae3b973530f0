//! What parts of a book are called, and how they are numbered in words, by language. rustfmt counts bytes, and
//! would give most of these words a line of their own.

/// What parts of a book are called, before or after their number.
#[rustfmt::skip]
pub(super) const DIVISIONS: &[&str] = &[
    // English
    "chapter", "part", "book", "volume", "canto", "act", "scene", "stave", "letter", "section",
    // Spanish and Portuguese
    "capítulo", "capitulo", "parte", "libro", "livro", "acto", "ato", "escena", "cena", "tomo",
    "sección", "carta",
    // French
    "chapitre", "partie", "livre", "tome", "acte", "scène", "chant", "lettre",
    // German
    "kapitel", "teil", "buch", "band", "akt", "aufzug", "szene", "auftritt", "gesang", "abschnitt",
    "brief",
    // Italian
    "capitolo", "atto", "scena", "lettera", "sezione",
    // Russian
    "глава", "часть", "книга", "том", "действие", "явление", "раздел", "письмо", "песнь",
    // Dutch, Polish, Ukrainian
    "hoofdstuk", "deel", "rozdział", "część", "розділ", "частина",
    // Swedish
    "kapitlet",
];

/// What stands alone, or before a title.
#[rustfmt::skip]
pub(super) const ALONE: &[&str] = &[
    "prologue", "epilogue", "preface", "introduction", "foreword", "afterword", "conclusion",
    "dedication", "appendix", "interlude", "acknowledgements", "acknowledgments", "prólogo",
    "epílogo", "prefacio", "introducción", "conclusión", "apéndice", "dedicatoria", "prefácio",
    "introdução", "conclusão", "posfácio", "épilogue", "préface", "avant-propos", "postface",
    "annexe", "prolog", "epilog", "vorwort", "nachwort", "einleitung", "einführung", "anhang",
    "schluss", "prologo", "epilogo", "prefazione", "introduzione", "postfazione", "appendice",
    "пролог", "эпилог", "предисловие", "послесловие", "введение", "вступление", "заключение",
    "プロローグ", "エピローグ", "まえがき", "あとがき", "楔子", "引子", "尾声", "序章",
];

/// Chinese and Japanese parts that stand alone or before a title.
#[rustfmt::skip]
pub(super) const ALONE_EAST_ASIAN: &[&str] = &[
    "番外", "序章", "终章", "終章", "楔子", "尾声", "尾聲", "后记", "後記", "前言",
];

/// Numbers in words, as they stand behind what a part is called (`Chapter Two`, `Часть первая`).
#[rustfmt::skip]
pub(super) const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "first",
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "last",
    "primero", "primera", "segundo", "segunda", "tercero", "tercera", "cuarto", "cuarta", "quinto",
    "quinta", "sexto", "sexta", "séptimo", "séptima", "octavo", "octava", "noveno", "novena",
    "décimo", "décima", "uno", "dos", "tres", "cuatro", "cinco", "primeiro", "primeira",
    "terceiro", "terceira", "quarto", "quarta", "um", "dois", "três", "quatro", "premier",
    "première", "deuxième", "seconde", "troisième", "quatrième", "cinquième", "sixième",
    "septième", "huitième", "neuvième", "dixième", "un", "deux", "trois", "quatre", "cinq",
    "erster", "erste", "erstes", "zweiter", "zweite", "zweites", "dritter", "dritte", "drittes",
    "vierter", "vierte", "viertes", "fünfter", "fünfte", "fünftes", "sechstes", "siebtes",
    "siebentes", "achtes", "neuntes", "zehntes", "eins", "zwei", "drei", "vier", "fünf", "primo",
    "prima", "secondo", "seconda", "terzo", "terza", "due", "tre", "первый", "первая", "первое",
    "второй", "вторая", "второе", "третий", "третья", "третье", "четвёртый", "четвертый",
    "четвёртая", "четвертая", "пятый", "пятая", "шестой", "шестая", "седьмая", "восьмая",
    "девятая", "десятая", "последняя",
];

/// English puts its numbers behind; `First part.` is prose.
#[rustfmt::skip]
pub(super) const ENGLISH_ORDINALS: &[&str] = &[
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "last",
];
