//! Words of books that are made ready ahead.

use crate::model::{NarrationOutput, NarrationState};

/// Making a whole book ready to be heard.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Narrations {
    pub title: &'static str,
    pub lead: &'static str,
    pub none: &'static str,
    pub make: &'static str,
    pub make_lead: &'static str,
    pub all_of_them: &'static str,
    pub chapters: &'static str,
    pub chapters_hint: &'static str,
    pub look: &'static str,
    pub missing: fn(missing: u64, sentences: u64) -> String,
    pub nothing_missing: &'static str,
    pub lasts: fn(minutes: u64, megabytes: u64) -> String,
    pub takes: fn(minutes: u64) -> String,
    pub costs: fn(cost: &str) -> String,
    pub costs_nothing: &'static str,
    pub when: &'static str,
    pub hours: fn(hours: u64) -> String,
    pub in_quiet_hours: fn(hours: &str) -> String,
    pub file: &'static str,
    pub file_hint: &'static str,
    pub output: fn(output: NarrationOutput) -> &'static str,
    pub download: fn(output: NarrationOutput, megabytes: u64) -> String,
    pub podcasts: &'static str,
    pub shelf: &'static str,
    pub shelf_hint: &'static str,
    pub shelf_make: &'static str,
    pub begin: &'static str,
    pub agree: fn(cost: &str) -> String,
    pub state: fn(state: NarrationState) -> &'static str,
    pub place: fn(first: u32, last: u32) -> String,
    pub failed: fn(failed: u64) -> String,
    pub spent: fn(cost: &str) -> String,
    pub soon: &'static str,
    pub left_template: &'static str,
    pub later: fn(hours: u64) -> String,
    pub packing: &'static str,
    pub pause: &'static str,
    pub resume: &'static str,
    pub cancel: &'static str,
    pub retry: &'static str,
    pub open: &'static str,
    pub being_made: fn(title: &str, percent: u32) -> String,
    pub is_ready: fn(title: &str) -> String,
    pub everybodys: &'static str,
    pub only_mine: &'static str,
}

pub(super) const ENGLISH: Narrations = Narrations {
    title: "Made ready",
    lead: "Books that are spoken ahead and kept, so that nothing has to be made while you listen. Whoever listens now goes first.",
    none: "Nothing is being made ready. The page of a book begins it.",
    make: "Make the book ready",
    make_lead: "Every sentence is spoken now and kept. Then listening begins at once, chapters are files, and nothing is made on the way.",
    all_of_them: "All of them",
    chapters: "Chapters",
    chapters_hint: "3, or 3-7; all of them when it is empty",
    look: "See what it takes",
    missing: |missing, sentences| match missing {
        1 => format!("One of {sentences} sentences is to be made."),
        _ => format!("{missing} of {sentences} sentences are to be made."),
    },
    nothing_missing: "All of it is there already.",
    lasts: |minutes, megabytes| {
        format!("About {} of sound, {megabytes} MB.", duration(minutes, " h ", " min"))
    },
    takes: |minutes| format!("It takes about {}.", duration(minutes.max(1), " h ", " min")),
    costs: |cost| format!("It costs {cost}."),
    costs_nothing: "It costs nothing.",
    when: "Begin",
    hours: |hours| match hours {
        0 => "now".to_owned(),
        1 => "in an hour".to_owned(),
        hours => format!("in {hours} hours"),
    },
    in_quiet_hours: |hours| format!("in the quiet hours ({hours})"),
    file: "File",
    file_hint: "A file is kept for 14 days, to be downloaded when it is done.",
    output: |output| match output {
        NarrationOutput::None => "No file: listen here",
        NarrationOutput::M4b => "Audiobook with chapters (M4B): Apple Books, Audiobookshelf, Voice",
        NarrationOutput::Epub => "EPUB that reads aloud: Storyteller, Thorium, Readest, BookFusion",
        NarrationOutput::Mp3 => "One MP3 with chapters: podcast apps, most players",
        NarrationOutput::Zip => "An MP3 for each chapter, in a ZIP: cars, old players",
        NarrationOutput::Audiobookshelf => "Send it to Audiobookshelf",
    },
    download: |output, megabytes| {
        format!("Download {} ({megabytes} MB)", output.name().to_uppercase())
    },
    podcasts: "Podcast addresses",
    shelf: "All that you read",
    shelf_hint: "One address for all: your podcast app gets the chapters that are made of the books you read or added last, and of those you add. Whoever has the address hears them all, your own too. It is shown once.",
    shelf_make: "One address for all that you read",
    begin: "Make it ready",
    agree: |cost| format!("Make it ready for {cost}"),
    state: |state| match state {
        NarrationState::Queued => "waits for its turn",
        NarrationState::Running => "being made",
        NarrationState::Paused => "stopped",
        NarrationState::Completed => "ready",
        NarrationState::Failed => "could not be made",
        NarrationState::Cancelled => "called off",
    },
    place: |first, last| match first == last {
        true => format!("chapter {first}"),
        false => format!("chapters {first} to {last}"),
    },
    failed: |failed| match failed {
        1 => "one sentence could not be spoken".to_owned(),
        failed => format!("{failed} sentences could not be spoken"),
    },
    spent: |cost| format!("cost {cost}"),
    soon: "less than a minute left",
    left_template: "about {} min left",
    later: |hours| format!("begins in about {} h", hours.max(1)),
    packing: "the file is being written",
    pause: "Stop",
    resume: "Go on",
    cancel: "Call off",
    retry: "Try again",
    open: "Read and listen",
    being_made: |title, percent| format!("“{title}” is being made ready: {percent} %"),
    is_ready: |title| format!("“{title}” is ready to be heard."),
    everybodys: "Everybody’s",
    only_mine: "Only mine",
};

pub(super) const SPANISH: Narrations = Narrations {
    title: "Preparados",
    lead: "Libros que se leen por adelantado y se guardan, para que no haya que hacer nada mientras escuchas. Quien escucha ahora va primero.",
    none: "No se prepara nada. Se empieza en la página de un libro.",
    make: "Preparar el libro",
    make_lead: "Cada frase se lee ahora y se guarda. Después se escucha al momento, los capítulos son archivos y no se hace nada por el camino.",
    all_of_them: "Todos",
    chapters: "Capítulos",
    chapters_hint: "3, o 3-7; todos si está vacío",
    look: "Ver qué hace falta",
    missing: |missing, sentences| format!("Hay que hacer {missing} de {sentences} frases."),
    nothing_missing: "Ya está todo.",
    lasts: |minutes, megabytes| {
        format!("Unos {} de sonido, {megabytes} MB.", duration(minutes, " h ", " min"))
    },
    takes: |minutes| format!("Tarda unos {}.", duration(minutes.max(1), " h ", " min")),
    costs: |cost| format!("Cuesta {cost}."),
    costs_nothing: "No cuesta nada.",
    when: "Empezar",
    hours: |hours| match hours {
        0 => "ahora".to_owned(),
        1 => "en una hora".to_owned(),
        hours => format!("en {hours} horas"),
    },
    in_quiet_hours: |hours| format!("en las horas tranquilas ({hours})"),
    file: "Archivo",
    file_hint: "El archivo se guarda 14 días, para descargarlo cuando esté hecho.",
    output: |output| match output {
        NarrationOutput::None => "Sin archivo: escuchar aquí",
        NarrationOutput::M4b => {
            "Audiolibro con capítulos (M4B): Apple Books, Audiobookshelf, Voice"
        }
        NarrationOutput::Epub => {
            "EPUB que se lee en voz alta: Storyteller, Thorium, Readest, BookFusion"
        }
        NarrationOutput::Mp3 => {
            "Un MP3 con capítulos: aplicaciones de pódcast, casi todos los reproductores"
        }
        NarrationOutput::Zip => "Un MP3 por capítulo, en un ZIP: coches, reproductores antiguos",
        NarrationOutput::Audiobookshelf => "Enviarlo a Audiobookshelf",
    },
    download: |output, megabytes| {
        format!("Descargar {} ({megabytes} MB)", output.name().to_uppercase())
    },
    podcasts: "Direcciones de pódcast",
    shelf: "Todo lo que lees",
    shelf_hint: "Una dirección para todo: tu app de pódcast recibe los capítulos hechos de los libros que leíste o añadiste últimamente, y de los que añadas. Quien tiene la dirección los oye todos, también los tuyos. Se muestra una sola vez.",
    shelf_make: "Una dirección para todo lo que lees",
    begin: "Prepararlo",
    agree: |cost| format!("Prepararlo por {cost}"),
    state: |state| match state {
        NarrationState::Queued => "espera su turno",
        NarrationState::Running => "se está haciendo",
        NarrationState::Paused => "detenido",
        NarrationState::Completed => "listo",
        NarrationState::Failed => "no se ha podido hacer",
        NarrationState::Cancelled => "cancelado",
    },
    place: |first, last| match first == last {
        true => format!("capítulo {first}"),
        false => format!("capítulos {first} a {last}"),
    },
    failed: |failed| match failed {
        1 => "una frase no se ha podido leer".to_owned(),
        failed => format!("{failed} frases no se han podido leer"),
    },
    spent: |cost| format!("ha costado {cost}"),
    soon: "queda menos de un minuto",
    left_template: "quedan unos {} min",
    later: |hours| format!("empieza en unas {} h", hours.max(1)),
    packing: "se escribe el archivo",
    pause: "Detener",
    resume: "Seguir",
    cancel: "Cancelar",
    retry: "Intentarlo de nuevo",
    open: "Leer y escuchar",
    being_made: |title, percent| format!("«{title}» se está preparando: {percent} %"),
    is_ready: |title| format!("«{title}» está listo para escuchar."),
    everybodys: "De todos",
    only_mine: "Solo los míos",
};

/// Minutes, with hours from the first on.
fn duration(minutes: u64, hour: &str, minute: &str) -> String {
    match minutes / 60 {
        0 => format!("{minutes}{minute}"),
        hours => format!("{hours}{hour}{}{minute}", minutes % 60),
    }
}

pub(super) const GERMAN: Narrations = Narrations {
    title: "Vorbereitet",
    lead: "Bücher, die im Voraus gesprochen und behalten werden, damit beim Hören nichts mehr gemacht werden muss. Wer jetzt zuhört, geht vor.",
    none: "Gerade wird nichts vorbereitet. Auf der Seite eines Buchs beginnt es.",
    make: "Buch vorbereiten",
    make_lead: "Jeder Satz wird jetzt gesprochen und behalten. Danach beginnt das Hören sofort, Kapitel sind Dateien, und unterwegs wird nichts mehr gemacht.",
    all_of_them: "Alle",
    chapters: "Kapitel",
    chapters_hint: "3 oder 3-7; leer heißt alle",
    look: "Nachsehen, was es braucht",
    missing: |missing, sentences| {
        format!("{missing} von {sentences} Sätzen sind noch zu sprechen.")
    },
    nothing_missing: "Es ist schon alles da.",
    lasts: |minutes, megabytes| {
        format!("Etwa {} Ton, {megabytes} MB.", duration(minutes, " h ", " min"))
    },
    takes: |minutes| format!("Es dauert etwa {}.", duration(minutes.max(1), " h ", " min")),
    costs: |cost| format!("Es kostet {cost}."),
    costs_nothing: "Es kostet nichts.",
    when: "Anfangen",
    hours: |hours| match hours {
        0 => "jetzt".to_owned(),
        1 => "in einer Stunde".to_owned(),
        hours => format!("in {hours} Stunden"),
    },
    in_quiet_hours: |hours| format!("in den ruhigen Stunden ({hours})"),
    file: "Datei",
    file_hint: "Eine Datei bleibt 14 Tage, um sie herunterzuladen, wenn sie fertig ist.",
    output: |output| match output {
        NarrationOutput::None => "Keine Datei: hier anhören",
        NarrationOutput::M4b => "Hörbuch mit Kapiteln (M4B): Apple Books, Audiobookshelf, Voice",
        NarrationOutput::Epub => "EPUB, das vorliest: Storyteller, Thorium, Readest, BookFusion",
        NarrationOutput::Mp3 => "Eine MP3 mit Kapiteln: Podcast-Apps, die meisten Player",
        NarrationOutput::Zip => "Eine MP3 je Kapitel, als ZIP: Autos, alte Player",
        NarrationOutput::Audiobookshelf => "An Audiobookshelf senden",
    },
    download: |output, megabytes| {
        format!("{} herunterladen ({megabytes} MB)", output.name().to_uppercase())
    },
    podcasts: "Podcast-Adressen",
    shelf: "Alles, was du liest",
    shelf_hint: "Eine Adresse für alles: Deine Podcast-App bekommt die fertigen Kapitel der Bücher, die du zuletzt gelesen oder hinzugefügt hast, und derer, die du hinzufügst. Wer die Adresse hat, hört sie alle, auch deine eigenen. Sie wird nur einmal gezeigt.",
    shelf_make: "Eine Adresse für alles, was du liest",
    begin: "Vorbereiten",
    agree: |cost| format!("Für {cost} vorbereiten"),
    state: |state| match state {
        NarrationState::Queued => "wartet, bis es dran ist",
        NarrationState::Running => "in Arbeit",
        NarrationState::Paused => "angehalten",
        NarrationState::Completed => "fertig",
        NarrationState::Failed => "ließ sich nicht machen",
        NarrationState::Cancelled => "abgebrochen",
    },
    place: |first, last| match first == last {
        true => format!("Kapitel {first}"),
        false => format!("Kapitel {first} bis {last}"),
    },
    failed: |failed| match failed {
        1 => "ein Satz ließ sich nicht sprechen".to_owned(),
        failed => format!("{failed} Sätze ließen sich nicht sprechen"),
    },
    spent: |cost| format!("kostete {cost}"),
    soon: "noch weniger als eine Minute",
    left_template: "noch etwa {} Min.",
    later: |hours| format!("beginnt in etwa {} Std.", hours.max(1)),
    packing: "die Datei wird geschrieben",
    pause: "Anhalten",
    resume: "Weiter",
    cancel: "Abbrechen",
    retry: "Noch einmal",
    open: "Lesen und hören",
    being_made: |title, percent| format!("„{title}“ wird vorbereitet: {percent} %"),
    is_ready: |title| format!("„{title}“ ist bereit zum Hören."),
    everybodys: "Von allen",
    only_mine: "Nur meine",
};
