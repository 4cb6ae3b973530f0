//! Words of what was refused, and of voices that cannot read on.

/// Why a form was refused.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct Refusals {
    pub no_login: &'static str,
    pub not_set_up: &'static str,
    pub wrong_login: &'static str,
    pub not_allowed: &'static str,
    pub logged_in: &'static str,
    pub not_let_in: &'static str,
    pub wrong_code: &'static str,
    pub other_site: &'static str,
    pub too_slow: &'static str,
    pub too_many_at_once: &'static str,
    pub too_many: fn(seconds: u64) -> String,
    pub internal: &'static str,
}

/// Why a voice does not read on. Names of voices and services are those of the operator.
#[derive(Debug)]
#[allow(missing_docs)] // A field is named for what it says.
pub struct VoiceTroubles {
    pub no_such_voice: fn(voice: &str) -> String,
    pub not_started: fn(program: &str) -> String,
    pub timed_out: fn(program: &str, seconds: u64) -> String,
    pub failed: fn(program: &str) -> String,
    pub no_audio: fn(program: &str) -> String,
    pub refused: fn(engine: &str) -> String,
    pub exhausted: fn(engine: &str) -> String,
    pub rejected: fn(engine: &str) -> String,
    pub busy: fn(engine: &str) -> String,
    pub unreachable: fn(engine: &str) -> String,
    pub too_slow: fn(engine: &str, seconds: u64) -> String,
    pub over_budget: fn(engine: &str) -> String,
    pub not_ready: &'static str,
    pub not_for_token: &'static str,
    pub not_open: &'static str,
    pub over_allowance: fn(characters: u64) -> String,
}

pub(super) const ENGLISH: Refusals = Refusals {
    no_login: "Log in first.",
    not_set_up: "Nobody can log in yet. The terminal that Earmark was started in says where the first account is made; or make it there: earmark users add NAME --admin",
    wrong_login: "The name or the password is wrong.",
    not_allowed: "Your account may not do this.",
    logged_in: "You are logged in, and this book is somebody else’s own. Open the link in a private window, or log out first.",
    not_let_in: "That login is not known here. Ask whoever runs this place for an account, or log in otherwise.",
    wrong_code: "The code is wrong, or was used. The terminal that Earmark was started in says it.",
    other_site: "Requests from other sites are not accepted.",
    too_slow: "The rest of the form did not come in time. Send it again.",
    too_many_at_once: "Too much at once comes from your address. Wait until some of it has ended.",
    too_many: |seconds| format!("Too many requests. Try again in {seconds} seconds."),
    internal: "Something went wrong on the server. The log says what.",
};

pub(super) const SPANISH: Refusals = Refusals {
    no_login: "Entra primero.",
    not_set_up: "Todavía no puede entrar nadie. El terminal en que se inició Earmark dice dónde se crea la primera cuenta; o créala allí: earmark users add NOMBRE --admin",
    wrong_login: "El nombre o la contraseña no es correcta.",
    not_allowed: "Tu cuenta no puede hacer esto.",
    logged_in: "Has entrado con tu cuenta, y este libro es de otra persona. Abre el enlace en una ventana privada, o sal primero.",
    not_let_in: "Aquí no se conoce esa cuenta. Pide una a quien administra este sitio, o entra de otro modo.",
    wrong_code: "El código no es correcto, o ya se usó. Lo dice el terminal en que se inició Earmark.",
    other_site: "No se aceptan peticiones de otros sitios.",
    too_slow: "El resto del formulario no llegó a tiempo. Envíalo otra vez.",
    too_many_at_once: "Llega demasiado a la vez desde tu dirección. Espera a que termine algo.",
    too_many: |seconds| {
        format!("Demasiadas peticiones. Vuelve a intentarlo dentro de {seconds} segundos.")
    },
    internal: "Algo ha fallado en el servidor. El registro dice qué.",
};

pub(super) const GERMAN: Refusals = Refusals {
    no_login: "Melde dich zuerst an.",
    not_set_up: "Noch kann sich niemand anmelden. Das Terminal, in dem Earmark gestartet wurde, sagt, wo das erste Konto angelegt wird; oder lege es dort an: earmark users add NAME --admin",
    wrong_login: "Der Name oder das Passwort ist falsch.",
    not_allowed: "Dein Konto darf das nicht.",
    logged_in: "Du bist angemeldet, und dieses Buch gehört jemand anderem. Öffne den Link in einem privaten Fenster, oder melde dich zuerst ab.",
    not_let_in: "Diese Anmeldung ist hier nicht bekannt. Bitte wer hier verwaltet um ein Konto, oder melde dich anders an.",
    wrong_code: "Der Code ist falsch oder wurde schon benutzt. Er steht im Terminal, in dem Earmark gestartet wurde.",
    other_site: "Anfragen von anderen Seiten werden nicht angenommen.",
    too_slow: "Der Rest des Formulars kam nicht rechtzeitig. Schicke es noch einmal.",
    too_many_at_once: "Von deiner Adresse kommt zu viel auf einmal. Warte, bis etwas davon fertig ist.",
    too_many: |seconds| {
        format!("Zu viele Anfragen. Versuche es in {seconds} Sekunden noch einmal.")
    },
    internal: "Auf dem Server ist etwas schiefgegangen. Das Protokoll sagt, was.",
};

pub(super) const ENGLISH_VOICES: VoiceTroubles = VoiceTroubles {
    no_such_voice: |voice| format!("There is no voice “{voice}”."),
    not_started: |program| format!("The voice program “{program}” cannot be started."),
    timed_out: |program, seconds| {
        format!("The voice “{program}” did not answer within {seconds} seconds.")
    },
    failed: |program| format!("The voice program “{program}” failed."),
    no_audio: |program| format!("The voice “{program}” returned no usable audio."),
    refused: |engine| {
        format!(
            "“{engine}” does not accept its key. Choose another voice, or check the key under Engines."
        )
    },
    exhausted: |engine| {
        format!("The quota of “{engine}” is used up. Choose another voice, or add to it there.")
    },
    rejected: |engine| {
        format!(
            "“{engine}” does not take this sentence. Choose another voice, or check its settings under Engines."
        )
    },
    busy: |engine| format!("“{engine}” is busy. Try again in a minute, or choose another voice."),
    unreachable: |engine| {
        format!("“{engine}” cannot be reached. Try again, or choose another voice.")
    },
    too_slow: |engine, seconds| {
        format!(
            "“{engine}” did not answer within {seconds} seconds. Try again, choose another voice, or give it more time under Engines."
        )
    },
    over_budget: |engine| {
        format!(
            "The budget of “{engine}” is used up. Choose another voice, or raise it under Engines."
        )
    },
    not_ready: "What Earmark keeps is out of reach just now. Try again in a minute.",
    not_for_token: "This token is not for voices that cost money: make one for “spend”, or choose another voice.",
    not_open: "This voice costs money, and is not open to you. Choose another, or ask whoever runs this place.",
    over_allowance: |characters| {
        format!(
            "This would be more than the {characters} characters a month that you may have spoken by voices that cost money. Choose another voice, or ask whoever runs this place for more."
        )
    },
};

pub(super) const SPANISH_VOICES: VoiceTroubles = VoiceTroubles {
    no_such_voice: |voice| format!("No hay ninguna voz «{voice}»."),
    not_started: |program| format!("No se puede iniciar el programa de voz «{program}»."),
    timed_out: |program, seconds| {
        format!("La voz «{program}» no ha respondido en {seconds} segundos.")
    },
    failed: |program| format!("El programa de voz «{program}» ha fallado."),
    no_audio: |program| format!("La voz «{program}» no ha devuelto audio que se pueda usar."),
    refused: |engine| {
        format!(
            "«{engine}» no acepta su clave. Elige otra voz, o revisa la clave en Motores de voz."
        )
    },
    exhausted: |engine| {
        format!("El crédito de «{engine}» se ha agotado. Elige otra voz, o añade más allí.")
    },
    rejected: |engine| {
        format!(
            "«{engine}» no acepta esta frase. Elige otra voz, o revisa sus ajustes en Motores de voz."
        )
    },
    busy: |engine| {
        format!("«{engine}» está ocupado. Vuelve a intentarlo en un minuto, o elige otra voz.")
    },
    unreachable: |engine| {
        format!("No se puede llegar a «{engine}». Vuelve a intentarlo, o elige otra voz.")
    },
    too_slow: |engine, seconds| {
        format!(
            "«{engine}» no ha respondido en {seconds} segundos. Vuelve a intentarlo, elige otra voz, o dale más tiempo en Motores de voz."
        )
    },
    over_budget: |engine| {
        format!(
            "El presupuesto de «{engine}» se ha agotado. Elige otra voz, o súbelo en Motores de voz."
        )
    },
    not_ready: "Lo que Earmark guarda no está disponible ahora. Vuelve a intentarlo en un minuto.",
    not_for_token: "Este token no sirve para voces que cuestan dinero: crea uno con «spend», o elige otra voz.",
    not_open: "Esta voz cuesta dinero y no está abierta para ti. Elige otra, o pregunta a quien administra este sitio.",
    over_allowance: |characters| {
        format!(
            "Serían más de los {characters} caracteres al mes que puedes oír con voces que cuestan dinero. Elige otra voz, o pide más a quien administra este sitio."
        )
    },
};

pub(super) const GERMAN_VOICES: VoiceTroubles = VoiceTroubles {
    no_such_voice: |voice| format!("Es gibt keine Stimme „{voice}“."),
    not_started: |program| format!("Das Sprachprogramm „{program}“ lässt sich nicht starten."),
    timed_out: |program, seconds| {
        format!("Die Stimme „{program}“ hat in {seconds} Sekunden nicht geantwortet.")
    },
    failed: |program| format!("Das Sprachprogramm „{program}“ ist gescheitert."),
    no_audio: |program| format!("Von der Stimme „{program}“ kam kein brauchbarer Ton."),
    refused: |engine| {
        format!(
            "„{engine}“ nimmt den Schlüssel nicht an. Wähle eine andere Stimme, oder prüfe ihn unter Sprachdienste."
        )
    },
    exhausted: |engine| {
        format!(
            "Das Guthaben bei „{engine}“ ist aufgebraucht. Wähle eine andere Stimme, oder lade es dort auf."
        )
    },
    rejected: |engine| {
        format!(
            "„{engine}“ nimmt diesen Satz nicht an. Wähle eine andere Stimme, oder prüfe die Einstellungen unter Sprachdienste."
        )
    },
    busy: |engine| {
        format!(
            "„{engine}“ ist ausgelastet. Versuche es in einer Minute noch einmal, oder wähle eine andere Stimme."
        )
    },
    unreachable: |engine| {
        format!(
            "„{engine}“ ist nicht erreichbar. Versuche es noch einmal, oder wähle eine andere Stimme."
        )
    },
    too_slow: |engine, seconds| {
        format!(
            "„{engine}“ hat in {seconds} Sekunden nicht geantwortet. Versuche es noch einmal, wähle eine andere Stimme, oder gib mehr Zeit unter Sprachdienste."
        )
    },
    over_budget: |engine| {
        format!(
            "Das Budget von „{engine}“ ist aufgebraucht. Wähle eine andere Stimme, oder erhöhe es unter Sprachdienste."
        )
    },
    not_ready: "Was Earmark aufbewahrt, ist gerade nicht erreichbar. Versuche es in einer Minute noch einmal.",
    not_for_token: "Dieses Token ist nicht für Stimmen, die Geld kosten: Erstelle eines mit „spend“, oder wähle eine andere Stimme.",
    not_open: "Diese Stimme kostet Geld und ist nicht für dich freigegeben. Wähle eine andere, oder frage, wer hier verwaltet.",
    over_allowance: |characters| {
        format!(
            "Das wären mehr als die {characters} Zeichen im Monat, die du von Stimmen hören kannst, die Geld kosten. Wähle eine andere Stimme, oder bitte wer hier verwaltet um mehr."
        )
    },
};
