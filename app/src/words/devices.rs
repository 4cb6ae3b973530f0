//! What the browser says of files on their way, and of books that are kept on a device.
//!
//! It has those of every language: they are fewer bytes than a way to send them would be.

/// What becomes of a file that is added.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Importing {
    pub waiting: &'static str,
    pub queued: &'static str,
    pub reading: fn(percent: u64) -> String,
    pub storing: &'static str,
    pub left_out: &'static str,
    pub unreachable: &'static str,
    pub unsendable: &'static str,
}

/// What is said of keeping a book on a device.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Keeping {
    pub keep: &'static str,
    pub keeping: fn(chapter: u32, chapters: u32) -> String,
    pub kept: fn(size: &str) -> String,
    pub remove: &'static str,
    pub failed: fn(reason: &str) -> String,
    pub hint: &'static str,
    pub outdated: &'static str,
}

impl Importing {
    /// Those of a language by its BCP 47 tag, as it stands on the page's root.
    pub fn of(tag: &str) -> &'static Self {
        super::in_language(tag, [&ENGLISH_IMPORTING, &SPANISH_IMPORTING, &GERMAN_IMPORTING])
    }
}

impl Keeping {
    /// Those of a language by its BCP 47 tag, as it stands on the page's root.
    pub fn of(tag: &str) -> &'static Self {
        super::in_language(tag, [&ENGLISH_KEEPING, &SPANISH_KEEPING, &GERMAN_KEEPING])
    }
}

const ENGLISH_IMPORTING: Importing = Importing {
    waiting: "waiting",
    queued: "waiting for other books…",
    reading: |percent| format!("reading the book… {percent} %"),
    storing: "putting it on the shelf…",
    left_out: "Added. Some parts were left out or mended; the book’s details say which.",
    unreachable: "The server cannot be reached.",
    unsendable: "The file could not be sent.",
};

const ENGLISH_KEEPING: Keeping = Keeping {
    keep: "Keep on this device",
    keeping: |chapter, chapters| format!("Keeping… {chapter}/{chapters}"),
    kept: |size| format!("Kept: {size}"),
    remove: "Remove from this device",
    failed: |reason| format!("It could not be kept: {reason}"),
    hint: "Read and hear it without a connection.",
    outdated: "The book’s file was read anew. Keep it again, so that text and sound match.",
};

const SPANISH_IMPORTING: Importing = Importing {
    waiting: "en espera",
    queued: "esperando a otros libros…",
    reading: |percent| format!("leyendo el libro… {percent} %"),
    storing: "poniéndolo en la estantería…",
    left_out: "Añadido. Algunas partes se han omitido o reparado; los detalles del libro dicen cuáles.",
    unreachable: "No se puede conectar con el servidor.",
    unsendable: "No se pudo enviar el archivo.",
};

const SPANISH_KEEPING: Keeping = Keeping {
    keep: "Guardar en este dispositivo",
    keeping: |chapter, chapters| format!("Guardando… {chapter}/{chapters}"),
    kept: |size| format!("Guardado: {size}"),
    remove: "Quitar de este dispositivo",
    failed: |reason| format!("No se pudo guardar: {reason}"),
    hint: "Léelo y escúchalo sin conexión.",
    outdated: "El archivo del libro se ha leído de nuevo. Guárdalo otra vez para que texto y sonido coincidan.",
};

const GERMAN_IMPORTING: Importing = Importing {
    waiting: "wartet",
    queued: "wartet auf andere Bücher…",
    reading: |percent| format!("das Buch wird gelesen… {percent} %"),
    storing: "es wird ins Regal gestellt…",
    left_out: "Hinzugefügt. Manches wurde weggelassen oder ausgebessert; was, steht bei den Einzelheiten des Buchs.",
    unreachable: "Der Server ist nicht zu erreichen.",
    unsendable: "Die Datei konnte nicht gesendet werden.",
};

const GERMAN_KEEPING: Keeping = Keeping {
    keep: "Auf diesem Gerät behalten",
    keeping: |chapter, chapters| format!("Wird geladen… {chapter}/{chapters}"),
    kept: |size| format!("Auf diesem Gerät: {size}"),
    remove: "Von diesem Gerät entfernen",
    failed: |reason| format!("Das Buch ließ sich nicht behalten: {reason}"),
    hint: "Lies und höre es auch ohne Verbindung.",
    outdated: "Die Datei des Buchs wurde neu gelesen. Behalte es noch einmal, damit Text und Ton zusammenpassen.",
};
