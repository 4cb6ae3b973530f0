//! Words of how long somebody reads and listens.

/// The page that the reader alone sees.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Statistics {
    pub title: &'static str,
    pub lead: &'static str,
    pub today: &'static str,
    pub in_a_row: &'static str,
    pub days: fn(u32) -> String,
    pub read: &'static str,
    pub listened: &'static str,
    pub finished: &'static str,
    pub picture: &'static str,
    pub erase: &'static str,
    pub erase_hint: &'static str,
    pub erase_now: &'static str,
    pub in_figures: &'static str,
}

pub(super) const ENGLISH: Statistics = Statistics {
    title: "Your reading",
    lead: "How long you have read and listened. Nobody else sees it, admins neither.",
    today: "Today",
    in_a_row: "In a row",
    days: |days| if days == 1 { "1 day".to_owned() } else { format!("{days} days") },
    read: "Read",
    listened: "Listened",
    finished: "Books finished",
    picture: "The last 30 days",
    erase: "Erase all of it…",
    erase_now: "Erase it now",
    in_figures: "In figures",
    erase_hint: "Counting begins anew. Your places and notes stay.",
};

pub(super) const SPANISH: Statistics = Statistics {
    title: "Tu lectura",
    lead: "Cuánto has leído y escuchado. No lo ve nadie más, tampoco quien administra.",
    today: "Hoy",
    in_a_row: "Seguidos",
    days: |days| if days == 1 { "1 día".to_owned() } else { format!("{days} días") },
    read: "Leído",
    listened: "Escuchado",
    finished: "Libros terminados",
    picture: "Los últimos 30 días",
    erase: "Borrarlo todo…",
    erase_now: "Borrarlo ahora",
    in_figures: "En cifras",
    erase_hint: "La cuenta empieza de nuevo. Tus posiciones y notas se quedan.",
};

pub(super) const GERMAN: Statistics = Statistics {
    title: "Deine Lesezeit",
    lead: "Wie lange du gelesen und gehört hast. Sonst sieht das niemand, auch kein Verwalter.",
    today: "Heute",
    in_a_row: "In Folge",
    days: |days| if days == 1 { "1 Tag".to_owned() } else { format!("{days} Tage") },
    read: "Gelesen",
    listened: "Gehört",
    finished: "Ausgelesene Bücher",
    picture: "Die letzten 30 Tage",
    erase: "Alles löschen …",
    erase_now: "Jetzt löschen",
    in_figures: "In Zahlen",
    erase_hint: "Es wird von vorn gezählt. Deine Stellen und Notizen bleiben.",
};
