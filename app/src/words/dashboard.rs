//! Words of the page that shows what goes on.

/// What goes on, for whoever runs the place.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Dashboard {
    pub title: &'static str,
    pub lead: &'static str,
    pub now: &'static str,
    pub prefetch: &'static str,
    pub chapter: &'static str,
    pub background: &'static str,
    pub in_flight: &'static str,
    pub retry: &'static str,
    pub dead: &'static str,
    pub workers: &'static str,
    pub waiters: &'static str,
    pub locks: &'static str,
    pub waiting: &'static str,
    pub waiting_now: fn(sentences: u64) -> String,
    pub waiting_longest: fn(seconds: u64) -> String,
    pub local: &'static str,
    pub awaited: &'static str,
    pub working: fn(name: &str, in_flight: u64) -> String,
    pub seen: fn(seconds: u64) -> String,
    pub day: &'static str,
    pub at_last: &'static str,
    pub queue_chart: &'static str,
    pub clips_chart: &'static str,
    pub made: &'static str,
    pub heard: &'static str,
    pub hits: &'static str,
    pub hit_rate: &'static str,
    pub on_time: fn(share: u64, waits: u64) -> String,
    pub no_waits: &'static str,
    pub lock_waits: fn(count: u64) -> String,
    pub engines: &'static str,
    pub speaks: &'static str,
    pub rests: fn(reason: &str, seconds: u64) -> String,
    pub today: &'static str,
    pub month: &'static str,
    pub spent: &'static str,
    pub saved: &'static str,
    pub by_engine: &'static str,
    pub by_voice: &'static str,
    pub by_book: &'static str,
    pub by_person: &'static str,
    pub others_book: &'static str,
    pub narrations: &'static str,
    pub narrations_now:
        fn(pending: u64, processing: u64, completed_today: u64, failed: u64) -> String,
    pub narrations_waits: fn(p50: u64, p95: u64) -> String,
    pub of_members: fn(in_time: u64, begun: u64, minutes: u64) -> String,
    pub of_listeners: fn(in_time: u64, begun: u64, minutes: u64) -> String,
    pub failed_narrations: &'static str,
    pub letters: &'static str,
    pub letters_none: &'static str,
    pub letters_retry: &'static str,
    pub letters_discard: &'static str,
    pub problems: &'static str,
}

pub(super) const ENGLISH: Dashboard = Dashboard {
    title: "What goes on",
    lead: "It changes by itself while it is open. Times are those of UTC, months too.",
    now: "Sentences now",
    prefetch: "for open pages",
    chapter: "for open chapters",
    background: "for books made ready",
    in_flight: "being made",
    retry: "tried again later",
    dead: "failed for good",
    workers: "workers",
    waiters: "listeners who wait",
    locks: "locked, so that nobody pays twice",
    waiting: "What waits for whom",
    waiting_now: |sentences| match sentences {
        1 => "1 sentence".to_owned(),
        _ => format!("{sentences} sentences"),
    },
    waiting_longest: |seconds| format!("the longest wait for a turn {seconds} s"),
    local: "voices of this machine",
    awaited: "that somebody waits for",
    working: |name, in_flight| format!("{name}: {in_flight} being made"),
    seen: |seconds| format!("heard of {seconds} s ago"),
    day: "The last 24 hours",
    at_last: "now",
    queue_chart: "Sentences that waited, the most in each ten minutes",
    clips_chart: "Clips in each ten minutes",
    made: "made",
    heard: "heard",
    hits: "from the store",
    hit_rate: "heard from the store",
    on_time: |share, waits| {
        format!("{share} % of {waits} sentences that somebody waited for came within a second.")
    },
    no_waits: "Nobody had to wait for a sentence.",
    lock_waits: |count| match count {
        1 => "One sentence was already being made by another process.".to_owned(),
        _ => format!("{count} sentences were already being made by another process."),
    },
    engines: "Engines",
    speaks: "speaks",
    rests: |reason, seconds| format!("rests for {seconds} s: {reason}"),
    today: "today",
    month: "This month",
    spent: "spent",
    saved: "saved",
    by_engine: "By engine",
    by_voice: "By voice",
    by_book: "By book",
    by_person: "By person, what costs money",
    others_book: "somebody’s own, or gone",
    narrations: "Books made ready",
    narrations_now: |pending, processing, completed, failed| {
        format!(
            "{processing} being made, {pending} waiting, {completed} done in the last 24 hours, {failed} failed."
        )
    },
    narrations_waits: |p50, p95| {
        format!("Half of those of the last 24 hours waited at most {p50} s, 95 % at most {p95} s.")
    },
    failed_narrations: "Failed",
    of_members: |in_time, begun, minutes| {
        format!("Of those of members {in_time} of {begun} began within {minutes} minutes.")
    },
    of_listeners: |in_time, begun, minutes| {
        format!("Of those of listeners {in_time} of {begun} began within {minutes} minutes.")
    },
    letters: "Sentences that failed for good",
    letters_none: "None.",
    letters_retry: "Try all again",
    letters_discard: "Throw all away",
    problems: "What is wrong",
};

pub(super) const SPANISH: Dashboard = Dashboard {
    title: "Qué pasa",
    lead: "Cambia sola mientras está abierta. Las horas y los meses son de UTC.",
    now: "Frases ahora",
    prefetch: "para páginas abiertas",
    chapter: "para capítulos abiertos",
    background: "para libros que se preparan",
    in_flight: "haciéndose",
    retry: "se intentarán otra vez",
    dead: "fallaron del todo",
    workers: "procesos",
    waiters: "oyentes que esperan",
    locks: "reservadas, para no pagar dos veces",
    waiting: "Qué espera a quién",
    waiting_now: |sentences| match sentences {
        1 => "1 frase".to_owned(),
        _ => format!("{sentences} frases"),
    },
    waiting_longest: |seconds| format!("la espera de turno más larga {seconds} s"),
    local: "voces de esta máquina",
    awaited: "que alguien espera",
    working: |name, in_flight| format!("{name}: {in_flight} haciéndose"),
    seen: |seconds| format!("última señal hace {seconds} s"),
    day: "Las últimas 24 horas",
    at_last: "ahora",
    queue_chart: "Frases que esperaban, el máximo de cada diez minutos",
    clips_chart: "Clips de cada diez minutos",
    made: "hechos",
    heard: "oídos",
    hits: "del almacén",
    hit_rate: "oídos del almacén",
    on_time: |share, waits| {
        format!("El {share} % de las {waits} frases que alguien esperó llegó en un segundo.")
    },
    no_waits: "Nadie tuvo que esperar una frase.",
    lock_waits: |count| match count {
        1 => "Una frase ya la estaba haciendo otro proceso.".to_owned(),
        _ => format!("{count} frases ya las estaba haciendo otro proceso."),
    },
    engines: "Motores",
    speaks: "habla",
    rests: |reason, seconds| format!("descansa {seconds} s: {reason}"),
    today: "hoy",
    month: "Este mes",
    spent: "gastado",
    saved: "ahorrado",
    by_engine: "Por motor",
    by_voice: "Por voz",
    by_book: "Por libro",
    by_person: "Por persona, lo que cuesta dinero",
    others_book: "de otra persona, o borrado",
    narrations: "Libros preparados",
    narrations_now: |pending, processing, completed, failed| {
        format!(
            "{processing} haciéndose, {pending} esperando, {completed} hechos en las últimas 24 horas, {failed} fallidos."
        )
    },
    narrations_waits: |p50, p95| {
        format!(
            "La mitad de los de las últimas 24 horas esperó como mucho {p50} s, el 95 % como mucho {p95} s."
        )
    },
    failed_narrations: "Fallidos",
    of_members: |in_time, begun, minutes| {
        format!("De los de miembros, {in_time} de {begun} empezaron en menos de {minutes} minutos.")
    },
    of_listeners: |in_time, begun, minutes| {
        format!("De los de oyentes, {in_time} de {begun} empezaron en menos de {minutes} minutos.")
    },
    letters: "Frases que fallaron del todo",
    letters_none: "Ninguna.",
    letters_retry: "Intentar todas otra vez",
    letters_discard: "Descartar todas",
    problems: "Qué va mal",
};

pub(super) const GERMAN: Dashboard = Dashboard {
    title: "Was geschieht",
    lead: "Die Seite ändert sich von selbst, solange sie offen ist. Zeiten sind in UTC, Monate auch.",
    now: "Sätze jetzt",
    prefetch: "für offene Seiten",
    chapter: "für offene Kapitel",
    background: "für Bücher, die vorbereitet werden",
    in_flight: "in Arbeit",
    retry: "später noch einmal",
    dead: "endgültig gescheitert",
    workers: "Arbeiter",
    waiters: "Hörer, die warten",
    locks: "gesperrt, damit niemand doppelt zahlt",
    waiting: "Was auf wen wartet",
    waiting_now: |sentences| match sentences {
        1 => "1 Satz".to_owned(),
        _ => format!("{sentences} Sätze"),
    },
    waiting_longest: |seconds| format!("das längste Warten auf die Reihe {seconds} s"),
    local: "Stimmen dieses Rechners",
    awaited: "auf die jemand wartet",
    working: |name, in_flight| format!("{name}: {in_flight} in Arbeit"),
    seen: |seconds| format!("zuletzt vor {seconds} s gehört"),
    day: "Die letzten 24 Stunden",
    at_last: "jetzt",
    queue_chart: "Wartende Sätze, Höchstzahl je zehn Minuten",
    clips_chart: "Aufnahmen je zehn Minuten",
    made: "gemacht",
    heard: "gehört",
    hits: "aus dem Speicher",
    hit_rate: "aus dem Speicher gehört",
    on_time: |share, waits| {
        format!(
            "{share} % von {waits} Sätzen, auf die jemand wartete, kamen innerhalb einer Sekunde."
        )
    },
    no_waits: "Niemand musste auf einen Satz warten.",
    lock_waits: |count| match count {
        1 => "Einen Satz machte schon ein anderer Prozess.".to_owned(),
        _ => format!("{count} Sätze machte schon ein anderer Prozess."),
    },
    engines: "Sprachdienste",
    speaks: "spricht",
    rests: |reason, seconds| format!("ruht noch {seconds} s: {reason}"),
    today: "heute",
    month: "Dieser Monat",
    spent: "ausgegeben",
    saved: "gespart",
    by_engine: "Nach Sprachdienst",
    by_voice: "Nach Stimme",
    by_book: "Nach Buch",
    by_person: "Nach Person, was Geld kostet",
    others_book: "jemandes eigenes, oder nicht mehr da",
    narrations: "Vorbereitete Bücher",
    narrations_now: |pending, processing, completed, failed| {
        format!(
            "{processing} in Arbeit, {pending} warten, {completed} in den letzten 24 Stunden fertig, {failed} gescheitert."
        )
    },
    narrations_waits: |p50, p95| {
        format!(
            "Die Hälfte derer aus den letzten 24 Stunden wartete höchstens {p50} s, 95 % höchstens {p95} s."
        )
    },
    failed_narrations: "Gescheitert",
    of_members: |in_time, begun, minutes| {
        format!(
            "Von denen der Mitglieder begannen {in_time} von {begun} innerhalb von {minutes} Minuten."
        )
    },
    of_listeners: |in_time, begun, minutes| {
        format!(
            "Von denen der Hörer begannen {in_time} von {begun} innerhalb von {minutes} Minuten."
        )
    },
    letters: "Endgültig gescheiterte Sätze",
    letters_none: "Keine.",
    letters_retry: "Alle noch einmal versuchen",
    letters_discard: "Alle verwerfen",
    problems: "Was nicht stimmt",
};
