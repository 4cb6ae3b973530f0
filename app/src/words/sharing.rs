//! Words of whose a book is, and of links by which others read one.

/// Books of one's own, and links to a book.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Sharing {
    pub only_me: &'static str,
    pub is_own: &'static str,
    pub own_mark: &'static str,
    pub give_away: &'static str,
    pub give_away_hint: &'static str,
    pub share: &'static str,
    pub share_hint: &'static str,
    pub good_for: &'static str,
    pub days: fn(days: u64) -> String,
    pub make: &'static str,
    pub made: &'static str,
    pub links: &'static str,
    pub others_own: &'static str,
    pub guests: fn(guests: u64) -> String,
    pub lent: &'static str,
    pub lent_lead: fn(from: &str) -> String,
    pub until: fn(days: u64) -> String,
    pub read: &'static str,
    pub ended: &'static str,
    pub ended_lead: &'static str,
}

pub(super) const ENGLISH: Sharing = Sharing {
    only_me: "only for me",
    is_own: "Only you see this book",
    own_mark: "only for you",
    give_away: "Show it to everybody here",
    give_away_hint: "It stays so: others may be in the middle of it.",
    share: "Share by link",
    share_hint: "Whoever has the link reads and listens to this book without an account, and sees nothing else. Voices that cost money do not speak for them.",
    good_for: "The link is good for",
    days: |days| match days {
        1 => "a day".to_owned(),
        7 => "a week".to_owned(),
        30 => "a month".to_owned(),
        365 => "a year".to_owned(),
        days => format!("{days} days"),
    },
    make: "Make a link",
    made: "Copy this address and send it. It is shown this once.",
    links: "Shared by link",
    others_own: "a book of their own",
    guests: |guests| match guests {
        0 => "nobody came yet".to_owned(),
        1 => "one browser came".to_owned(),
        guests => format!("{guests} browsers came"),
    },
    lent: "A book for you",
    lent_lead: |from| {
        format!("{from} shares this book with you. You read and listen without an account.")
    },
    until: |days| match days {
        0 => "The link ends today.".to_owned(),
        1 => "The link ends tomorrow.".to_owned(),
        days => format!("The link is good for {days} more days."),
    },
    read: "Open the book",
    ended: "This link is no longer good",
    ended_lead: "It has ended or was withdrawn. Ask whoever sent it for another.",
};

pub(super) const SPANISH: Sharing = Sharing {
    only_me: "solo para mí",
    is_own: "Solo tú ves este libro",
    own_mark: "solo para ti",
    give_away: "Mostrarlo a todos aquí",
    give_away_hint: "Así se queda: otros pueden estar leyéndolo.",
    share: "Compartir con un enlace",
    share_hint: "Quien tiene el enlace lee y escucha este libro sin cuenta, y no ve nada más. Las voces de pago no hablan para esas personas.",
    good_for: "El enlace vale",
    days: |days| match days {
        1 => "un día".to_owned(),
        7 => "una semana".to_owned(),
        30 => "un mes".to_owned(),
        365 => "un año".to_owned(),
        days => format!("{days} días"),
    },
    make: "Crear un enlace",
    made: "Copia esta dirección y envíala. Se muestra solo esta vez.",
    links: "Compartido con un enlace",
    others_own: "un libro propio",
    guests: |guests| match guests {
        0 => "aún no ha venido nadie".to_owned(),
        1 => "ha venido un navegador".to_owned(),
        guests => format!("han venido {guests} navegadores"),
    },
    lent: "Un libro para ti",
    lent_lead: |from| {
        format!("{from} comparte este libro contigo. Lees y escuchas sin tener cuenta.")
    },
    until: |days| match days {
        0 => "El enlace acaba hoy.".to_owned(),
        1 => "El enlace acaba mañana.".to_owned(),
        days => format!("El enlace vale {days} días más."),
    },
    read: "Abrir el libro",
    ended: "Este enlace ya no vale",
    ended_lead: "Ha acabado o se ha retirado. Pide otro a quien te lo envió.",
};

pub(super) const GERMAN: Sharing = Sharing {
    only_me: "nur für mich",
    is_own: "Nur du siehst dieses Buch",
    own_mark: "nur für dich",
    give_away: "Allen hier zeigen",
    give_away_hint: "Das bleibt so: Andere könnten mittendrin sein.",
    share: "Als Link teilen",
    share_hint: "Wer den Link hat, liest und hört dieses Buch ohne Konto und sieht sonst nichts. Stimmen, die Geld kosten, sprechen für Gäste nicht.",
    good_for: "Der Link gilt",
    days: |days| match days {
        1 => "einen Tag".to_owned(),
        7 => "eine Woche".to_owned(),
        30 => "einen Monat".to_owned(),
        365 => "ein Jahr".to_owned(),
        days => format!("{days} Tage"),
    },
    make: "Link erzeugen",
    made: "Kopiere diese Adresse und sende sie. Sie wird nur dieses eine Mal gezeigt.",
    links: "Als Link geteilt",
    others_own: "ein eigenes Buch",
    guests: |guests| match guests {
        0 => "noch kam niemand".to_owned(),
        1 => "ein Browser kam".to_owned(),
        guests => format!("{guests} Browser kamen"),
    },
    lent: "Ein Buch für dich",
    lent_lead: |from| {
        format!("{from} teilt dieses Buch mit dir. Du liest und hörst es ohne Konto.")
    },
    until: |days| match days {
        0 => "Der Link endet heute.".to_owned(),
        1 => "Der Link endet morgen.".to_owned(),
        days => format!("Der Link gilt noch {days} Tage."),
    },
    read: "Buch öffnen",
    ended: "Dieser Link gilt nicht mehr",
    ended_lead: "Er ist abgelaufen oder wurde zurückgezogen. Bitte die Person, die ihn dir geschickt hat, um einen neuen.",
};
