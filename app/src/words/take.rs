//! Words of a book that is taken elsewhere.

use crate::model::NarrationOutput;

/// A book as a file, in a podcast app, in a reading app.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Take {
    pub title: &'static str,
    pub ready: &'static str,
    pub files: &'static str,
    /// What a form of file is called, and who plays it.
    pub way: fn(output: NarrationOutput) -> (&'static str, &'static str),
    pub podcast: &'static str,
    pub podcast_hint: &'static str,
    pub podcast_make: &'static str,
    pub podcast_made: &'static str,
    pub apps: &'static str,
    pub apps_hint: &'static str,
    pub catalogue: &'static str,
    pub sync: &'static str,
    pub password: &'static str,
    pub phone: &'static str,
    pub phone_hint: &'static str,
    pub phone_local: &'static str,
}

pub(super) const ENGLISH: Take = Take {
    title: "Take it with you",
    ready: "Ready to download",
    files: "As a file",
    way: |output| match output {
        NarrationOutput::M4b => {
            ("Audiobook (M4B)", "with chapters: Apple Books, Audiobookshelf, BookPlayer, Voice")
        }
        NarrationOutput::Epub => {
            ("EPUB that reads aloud", "text and sound: Storyteller, Thorium, Readest, BookFusion")
        }
        NarrationOutput::Mp3 => ("One MP3", "with chapters: podcast apps, most players"),
        NarrationOutput::Audiobookshelf => {
            ("To Audiobookshelf", "as an audiobook in the library of that server")
        }
        NarrationOutput::Zip | NarrationOutput::None => {
            ("MP3 files in a ZIP", "one for each chapter: cars, old players")
        }
    },
    podcast: "In a podcast app",
    podcast_hint: "An address that your podcast app subscribes to: the chapters are its episodes, in order, as they are made. Whoever has the address hears the book. Apps that fetch from their own servers, as Overcast and Pocket Casts do, need an address that can be reached from the internet.",
    podcast_make: "Make an address",
    podcast_made: "Subscribe to this address. It is shown once:",
    apps: "In a reading app",
    apps_hint: "KOReader, Thorium, Readest and others list your library by its catalogue (OPDS). KOReader also keeps your place here: as “custom sync server”, with documents matched by their content.",
    catalogue: "Catalogue",
    sync: "KOReader sync server",
    password: "Make a password for reading apps",
    phone: "On your phone",
    phone_hint: "Its camera opens this page:",
    phone_local: "You have opened Earmark by an address of this computer alone. Open it by one that your phone reaches, and its camera opens this page:",
};

pub(super) const SPANISH: Take = Take {
    title: "Llévatelo",
    ready: "Listo para descargar",
    files: "Como archivo",
    way: |output| match output {
        NarrationOutput::M4b => {
            ("Audiolibro (M4B)", "con capítulos: Apple Books, Audiobookshelf, BookPlayer, Voice")
        }
        NarrationOutput::Epub => (
            "EPUB que se lee en voz alta",
            "texto y sonido: Storyteller, Thorium, Readest, BookFusion",
        ),
        NarrationOutput::Mp3 => {
            ("Un solo MP3", "con capítulos: apps de pódcast, casi todos los reproductores")
        }
        NarrationOutput::Audiobookshelf => {
            ("A Audiobookshelf", "como audiolibro en la biblioteca de ese servidor")
        }
        NarrationOutput::Zip | NarrationOutput::None => {
            ("MP3 en un ZIP", "uno por capítulo: coches, reproductores antiguos")
        }
    },
    podcast: "En una app de pódcast",
    podcast_hint: "Una dirección a la que tu app de pódcast se suscribe: los capítulos son sus episodios, en orden, según se hacen. Quien tiene la dirección oye el libro. Las apps que descargan desde sus propios servidores, como Overcast y Pocket Casts, necesitan una dirección accesible desde internet.",
    podcast_make: "Crear una dirección",
    podcast_made: "Suscríbete a esta dirección. Se muestra una sola vez:",
    apps: "En una app de lectura",
    apps_hint: "KOReader, Thorium, Readest y otras muestran tu biblioteca por su catálogo (OPDS). KOReader guarda también aquí por dónde vas: como «servidor de sincronización propio», comparando los documentos por su contenido.",
    catalogue: "Catálogo",
    sync: "Servidor de sincronización de KOReader",
    password: "Crear una contraseña para apps de lectura",
    phone: "En tu teléfono",
    phone_hint: "Su cámara abre esta página:",
    phone_local: "Has abierto Earmark con una dirección que solo vale en este ordenador. Ábrelo con una que alcance tu teléfono, y su cámara abrirá esta página:",
};

pub(super) const GERMAN: Take = Take {
    title: "Mitnehmen",
    ready: "Bereit zum Herunterladen",
    files: "Als Datei",
    way: |output| match output {
        NarrationOutput::M4b => {
            ("Hörbuch (M4B)", "mit Kapiteln: Apple Books, Audiobookshelf, BookPlayer, Voice")
        }
        NarrationOutput::Epub => {
            ("EPUB, das vorliest", "Text und Ton: Storyteller, Thorium, Readest, BookFusion")
        }
        NarrationOutput::Mp3 => ("Eine MP3", "mit Kapiteln: Podcast-Apps, die meisten Player"),
        NarrationOutput::Audiobookshelf => {
            ("An Audiobookshelf", "als Hörbuch in der Bibliothek jenes Servers")
        }
        NarrationOutput::Zip | NarrationOutput::None => {
            ("MP3-Dateien in einem ZIP", "eine je Kapitel: Autos, alte Player")
        }
    },
    podcast: "In einer Podcast-App",
    podcast_hint: "Eine Adresse, die deine Podcast-App abonniert: Die Kapitel sind ihre Folgen, der Reihe nach, sobald sie fertig sind. Wer die Adresse hat, hört das Buch. Apps, die über eigene Server laden, wie Overcast und Pocket Casts, brauchen eine Adresse, die aus dem Internet zu erreichen ist.",
    podcast_make: "Adresse erzeugen",
    podcast_made: "Abonniere diese Adresse. Sie wird nur einmal gezeigt:",
    apps: "In einer Lese-App",
    apps_hint: "KOReader, Thorium, Readest und andere zeigen deine Bibliothek über ihren Katalog (OPDS). KOReader behält hier auch deine Stelle: als „eigener Sync-Server“, mit Dokumenten, die am Inhalt erkannt werden.",
    catalogue: "Katalog",
    sync: "Sync-Server für KOReader",
    password: "Passwort für Lese-Apps erzeugen",
    phone: "Auf dem Telefon",
    phone_hint: "Seine Kamera öffnet diese Seite:",
    phone_local: "Du hast Earmark unter einer Adresse geöffnet, die nur für diesen Rechner gilt. Öffne es unter einer, die dein Telefon erreicht, und seine Kamera öffnet diese Seite:",
};
