//! Words of looking words up.

/// What the page of a word says.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct DictionaryWords {
    pub title: &'static str,
    pub word: &'static str,
    pub find: &'static str,
    pub nothing: fn(&str) -> String,
    pub elsewhere: &'static str,
}

pub(super) const ENGLISH: DictionaryWords = DictionaryWords {
    title: "Dictionary",
    word: "Word",
    find: "Look up",
    nothing: |word| format!("“{word}” is in no dictionary here."),
    elsewhere: "Look in Wiktionary",
};

pub(super) const SPANISH: DictionaryWords = DictionaryWords {
    title: "Diccionario",
    word: "Palabra",
    find: "Consultar",
    nothing: |word| format!("«{word}» no está en ningún diccionario de aquí."),
    elsewhere: "Buscar en Wikcionario",
};

pub(super) const GERMAN: DictionaryWords = DictionaryWords {
    title: "Wörterbuch",
    word: "Wort",
    find: "Nachschlagen",
    nothing: |word| format!("„{word}“ steht hier in keinem Wörterbuch."),
    elsewhere: "Im Wiktionary nachsehen",
};
