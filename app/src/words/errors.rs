//! What a person may be told that something is wrong with, in the other languages: errors are said in English where
//! they arise, and each is looked up here by its English text, in which `{}` stands for what changes. What is not
//! found is said in English.

/// An error in English, Spanish and German.
type Said = (&'static str, &'static str, &'static str);

/// The text of an error in the language with this tag; `None` where it stays as it is.
pub fn translated(text: &str, tag: &str) -> Option<String> {
    let language = |said: &Said| match tag {
        "es" => Some(said.1),
        "de" => Some(said.2),
        _ => None,
    };
    SAID.iter().find_map(|said| {
        let values = values(said.0, text)?;
        let mut parts = language(said)?.split("{}");
        let first = parts.next()?.to_owned();
        Some(parts.zip(values).fold(first, |text, (part, value)| text + value + part))
    })
}

/// What stands in a text for each `{}` of its form; `None` if it is of another form.
fn values<'t>(form: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = form.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part is the end of the text, so that a value may contain it.
        let at = if parts.peek().is_none() {
            rest.len().checked_sub(part.len()).filter(|_| rest.ends_with(part))?
        } else {
            rest.find(part)?
        };
        values.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(values)
}

/// Each has as many `{}` in every language, in the same order.
const SAID: &[Said] = &[
    // The library.
    ("There is no such book.", "Ese libro no existe.", "Dieses Buch gibt es nicht."),
    (
        "The book has no such chapter.",
        "El libro no tiene ese capítulo.",
        "Dieses Kapitel hat das Buch nicht.",
    ),
    (
        "The book has no such file.",
        "El libro no tiene ese archivo.",
        "Diese Datei hat das Buch nicht.",
    ),
    (
        "The chapter has no such sentence.",
        "El capítulo no tiene esa frase.",
        "Diesen Satz hat das Kapitel nicht.",
    ),
    (
        "The name of a voice and that of a device can have {} characters.",
        "El nombre de una voz y el de un dispositivo pueden tener {} caracteres.",
        "Der Name einer Stimme und der eines Geräts können {} Zeichen haben.",
    ),
    (
        "Another device has moved in this book.",
        "Otro dispositivo ha avanzado en este libro.",
        "Ein anderes Gerät ist in diesem Buch weitergegangen.",
    ),
    (
        "There is no such bookmark or highlight.",
        "Ese marcador o subrayado no existe.",
        "Dieses Lesezeichen oder diese Markierung gibt es nicht.",
    ),
    (
        "This book has as many bookmarks and highlights as it can have.",
        "Este libro ya tiene todos los marcadores y subrayados que puede tener.",
        "Dieses Buch hat so viele Lesezeichen und Markierungen, wie es haben kann.",
    ),
    (
        "There are places in {} files, which is as many as there can be.",
        "Hay lugares guardados en {} archivos, que es el máximo.",
        "Es gibt Lesestellen in {} Dateien, mehr können es nicht sein.",
    ),
    (
        "A note can have {} characters.",
        "Una nota puede tener {} caracteres.",
        "Eine Notiz kann {} Zeichen haben.",
    ),
    (
        "Say which voice is to read: by its id for “voice”, by several for “again”, by none for “skip”.",
        "Indica qué voz ha de leer: una para «voice», varias para «again», ninguna para «skip».",
        "Sage, welche Stimme lesen soll: eine für „voice“, mehrere für „again“, keine für „skip“.",
    ),
    (
        "A search can have {} characters.",
        "Una búsqueda puede tener {} caracteres.",
        "Eine Suche kann {} Zeichen haben.",
    ),
    (
        "A title and every author need 1 to {} characters.",
        "El título y cada autor necesitan de 1 a {} caracteres.",
        "Der Titel und jeder Autor brauchen 1 bis {} Zeichen.",
    ),
    (
        "There is no such pronunciation.",
        "Esa pronunciación no existe.",
        "Diese Aussprache gibt es nicht.",
    ),
    (
        "The book names no author.",
        "El libro no dice quién es su autor.",
        "Das Buch nennt keinen Autor.",
    ),
    (
        "The book names no series.",
        "El libro no dice de qué serie es.",
        "Das Buch nennt keine Reihe.",
    ),
    (
        "There are as many pronunciations as there can be: 2,000, of which 100 are no whole words.",
        "Hay todas las pronunciaciones que puede haber: 2000, de ellas 100 que no son palabras enteras.",
        "Es gibt so viele Aussprachen, wie es geben kann: 2000, davon 100, die keine ganzen Wörter sind.",
    ),
    (
        "A lexicon can have {} kB.",
        "Un léxico puede tener {} kB.",
        "Ein Aussprachelexikon kann {} kB haben.",
    ),
    (
        "The day is today’s date as the reader has it, or one of the last thirty: 2026-11-28.",
        "El día es la fecha de hoy de quien lee, o una de los últimos treinta: 2026-11-28.",
        "Der Tag ist das heutige Datum, wie es beim Leser ist, oder eines der letzten dreißig: 2026-11-28.",
    ),
    (
        "A report can be of {} seconds.",
        "Un informe puede ser de {} segundos.",
        "Ein Bericht kann {} Sekunden umfassen.",
    ),
    (
        "The book is being read again by another server.",
        "Otro servidor está leyendo el libro de nuevo.",
        "Ein anderer Server liest das Buch gerade neu ein.",
    ),
    // Files that become books.
    ("The file is empty.", "El archivo está vacío.", "Die Datei ist leer."),
    (
        "The file is larger than {} MB, which is the most Earmark takes.",
        "El archivo pesa más de {} MB, lo máximo que admite Earmark.",
        "Die Datei ist größer als {} MB, mehr nimmt Earmark nicht.",
    ),
    (
        "This is a {} file. Earmark reads EPUB and plain text; Calibre converts most others.",
        "Este archivo es {}. Earmark lee EPUB y texto sencillo; Calibre convierte casi todos los demás.",
        "Das ist eine Datei im Format {}. Earmark liest EPUB und reinen Text; Calibre wandelt die meisten anderen um.",
    ),
    (
        "This is not a book Earmark can read: it is neither EPUB nor plain text.",
        "Earmark no puede leer este libro: no es EPUB ni texto sencillo.",
        "Dieses Buch kann Earmark nicht lesen: Es ist weder EPUB noch reiner Text.",
    ),
    ("The EPUB is damaged: {}.", "El EPUB está dañado: {}.", "Das EPUB ist beschädigt: {}."),
    (
        "The book was refused because it has more than {} MB of text.",
        "El libro se ha rechazado porque tiene más de {} MB de texto.",
        "Das Buch wurde abgelehnt, weil es mehr als {} MB Text hat.",
    ),
    (
        "The book was refused because it has more than {} {}.",
        "El libro se ha rechazado porque tiene más de {} ({}).",
        "Das Buch wurde abgelehnt, weil es mehr als {} davon hat: {}.",
    ),
    (
        "The EPUB is encrypted (DRM). Earmark can only read books without copy protection.",
        "El EPUB está cifrado (DRM). Earmark solo puede leer libros sin protección contra copia.",
        "Das EPUB ist verschlüsselt (DRM). Earmark kann nur Bücher ohne Kopierschutz lesen.",
    ),
    (
        "The EPUB cannot be read: {}.",
        "No se puede leer el EPUB: {}.",
        "Das EPUB lässt sich nicht lesen: {}.",
    ),
    (
        "There is no text in this book, and no picture either.",
        "En este libro no hay texto, ni tampoco imágenes.",
        "In diesem Buch ist kein Text und auch kein Bild.",
    ),
    (
        "The book was refused because reading it takes more than {} MB of memory.",
        "El libro se ha rechazado porque leerlo necesita más de {} MB de memoria.",
        "Das Buch wurde abgelehnt, weil das Einlesen mehr als {} MB Speicher braucht.",
    ),
    (
        "The book was refused because reading it takes more than {} seconds of computing.",
        "El libro se ha rechazado porque leerlo necesita más de {} segundos de cálculo.",
        "Das Buch wurde abgelehnt, weil das Einlesen mehr als {} Sekunden Rechenzeit braucht.",
    ),
    (
        "The book was refused because it could not be read within {} seconds.",
        "El libro se ha rechazado porque no se ha podido leer en {} segundos.",
        "Das Buch wurde abgelehnt, weil es in {} Sekunden nicht eingelesen werden konnte.",
    ),
    (
        "The book was refused because a part of it becomes larger than {} MB.",
        "El libro se ha rechazado porque una de sus partes pasa de {} MB.",
        "Das Buch wurde abgelehnt, weil ein Teil davon größer als {} MB wird.",
    ),
    (
        "The book could not be read: {}.",
        "No se ha podido leer el libro: {}.",
        "Das Buch konnte nicht eingelesen werden: {}.",
    ),
    (
        "Too many books are being imported at the moment. Try again in a minute.",
        "Ahora mismo se están añadiendo demasiados libros. Vuelve a intentarlo en un minuto.",
        "Gerade werden zu viele Bücher hinzugefügt. Versuche es in einer Minute noch einmal.",
    ),
    // How words are said.
    (
        "Enter the word as the book has it.",
        "Escribe la palabra como está en el libro.",
        "Gib das Wort so ein, wie es im Buch steht.",
    ),
    (
        "A word can have {} characters, and what is said {}.",
        "Una palabra puede tener {} caracteres, y lo que se dice {}.",
        "Ein Wort kann {} Zeichen haben, und was gesprochen wird, {}.",
    ),
    (
        "The pattern cannot be used: {}",
        "El patrón no se puede usar: {}",
        "Das Muster lässt sich nicht verwenden: {}",
    ),
    (
        "“{}” is not a sign of the International Phonetic Alphabet.",
        "«{}» no es un signo del Alfabeto Fonético Internacional.",
        "„{}“ ist kein Zeichen des Internationalen Phonetischen Alphabets.",
    ),
    (
        "Enter how the word is said.",
        "Escribe cómo se dice la palabra.",
        "Gib ein, wie das Wort gesprochen wird.",
    ),
    // People.
    (
        "A name has 1 to {} characters.",
        "Un nombre tiene de 1 a {} caracteres.",
        "Ein Name hat 1 bis {} Zeichen.",
    ),
    (
        "There is somebody called “{}” already.",
        "Ya hay alguien que se llama «{}».",
        "Es gibt schon jemanden namens „{}“.",
    ),
    (
        "A password has 10 to 200 characters, and is none that everybody tries.",
        "Una contraseña tiene de 10 a 200 caracteres, y no es de las que prueba todo el mundo.",
        "Ein Passwort hat 10 bis 200 Zeichen und ist keines, das alle ausprobieren.",
    ),
    (
        "The name or the password is wrong.",
        "El nombre o la contraseña no es correcta.",
        "Der Name oder das Passwort ist falsch.",
    ),
    (
        "There is nobody called “{}”.",
        "No hay nadie que se llame «{}».",
        "Es gibt niemanden namens „{}“.",
    ),
    (
        "Somebody must remain who runs the place: make another an admin first.",
        "Alguien tiene que seguir administrando el sitio: nombra antes a otra persona.",
        "Jemand muss hier weiter verwalten: Mache zuerst jemand anderen dazu.",
    ),
    ("There can be {} people.", "Puede haber {} personas.", "Es kann {} Personen geben."),
    (
        "There can be {} open invitations. Withdraw some.",
        "Puede haber {} invitaciones abiertas. Retira algunas.",
        "Es kann {} offene Einladungen geben. Nimm einige zurück.",
    ),
    (
        "This invitation has been used or is too old. Ask for another.",
        "Esta invitación ya se usó o es demasiado antigua. Pide otra.",
        "Diese Einladung wurde benutzt oder ist zu alt. Bitte um eine neue.",
    ),
    (
        "This link is no longer good. Ask for another.",
        "Este enlace ya no vale. Pide otro.",
        "Dieser Link gilt nicht mehr. Bitte um einen neuen.",
    ),
    (
        "You can have {} open links. Withdraw some.",
        "Puedes tener {} enlaces abiertos. Retira algunos.",
        "Du kannst {} offene Links haben. Nimm einige zurück.",
    ),
    (
        "You can have {} podcast addresses. Withdraw some.",
        "Puedes tener {} direcciones de pódcast. Retira algunas.",
        "Du kannst {} Podcast-Adressen haben. Nimm einige zurück.",
    ),
    (
        "The provider does not say who you are in a way that can be kept.",
        "El proveedor no dice quién eres de un modo que se pueda guardar.",
        "Der Anbieter sagt nicht so, wer du bist, dass man es behalten könnte.",
    ),
    (
        "Somebody else logs in with that already.",
        "Otra persona ya entra con eso.",
        "Jemand anderes meldet sich schon damit an.",
    ),
    (
        "It is the only way you can log in.",
        "Es tu única manera de entrar.",
        "Anders kannst du dich nicht anmelden.",
    ),
    (
        "The passkey was not accepted. Try again, or log in with your password.",
        "La llave de acceso no se ha aceptado. Vuelve a intentarlo, o entra con tu contraseña.",
        "Der Passkey wurde nicht angenommen. Versuche es noch einmal, oder melde dich mit deinem Passwort an.",
    ),
    (
        "Passkeys are for an address with a name: open Earmark as localhost, or by its name over HTTPS.",
        "Las llaves de acceso son para una dirección con nombre: abre Earmark como localhost, o por su nombre con HTTPS.",
        "Passkeys brauchen eine Adresse mit einem Namen: Öffne Earmark als localhost oder unter seinem Namen über HTTPS.",
    ),
    (
        "You can have {} passkeys. Remove some.",
        "Puedes tener {} llaves de acceso. Quita algunas.",
        "Du kannst {} Passkeys haben. Entferne einige.",
    ),
    (
        "Say in 1 to 100 characters what the token is for.",
        "Di con 1 a 100 caracteres para qué es el token.",
        "Sage in 1 bis 100 Zeichen, wofür das Token ist.",
    ),
    (
        "A person can have {} tokens.",
        "Una persona puede tener {} tokens.",
        "Eine Person kann {} Tokens haben.",
    ),
    // Narrations.
    ("There is no such narration.", "Esa narración no existe.", "Diese Vertonung gibt es nicht."),
    (
        "This narration has ended, or is where this cannot be done.",
        "Esta narración ha terminado, o está en un punto en que esto no se puede hacer.",
        "Diese Vertonung ist zu Ende, oder an einem Punkt, an dem das nicht geht.",
    ),
    (
        "Chapters are written “3”, or “3-7”.",
        "Los capítulos se escriben «3», o «3-7».",
        "Kapitel werden „3“ oder „3-7“ geschrieben.",
    ),
    (
        "The book has the chapters 1 to {}.",
        "El libro tiene los capítulos 1 a {}.",
        "Das Buch hat die Kapitel 1 bis {}.",
    ),
    (
        "A narration can begin within 30 days.",
        "Una narración puede empezar dentro de 30 días.",
        "Eine Vertonung kann innerhalb von 30 Tagen beginnen.",
    ),
    (
        "It costs {}, which you have to agree to: send “max_cost” with what it may cost at most.",
        "Cuesta {}, y tienes que aceptarlo: envía «max_cost» con lo que puede costar como mucho.",
        "Es kostet {}, dem musst du zustimmen: Schicke „max_cost“ mit dem, was es höchstens kosten darf.",
    ),
    (
        "You can have {} narrations waiting. Wait until one is done, or call one off.",
        "Puedes tener {} narraciones en espera. Espera a que termine una, o cancela otra.",
        "Du kannst {} Vertonungen warten haben. Warte, bis eine fertig ist, oder brich eine ab.",
    ),
    (
        "You can have {} characters made ready in 24 hours. {} of them are left, and this needs {}.",
        "En 24 horas puedes hacer preparar {} caracteres. Quedan {}, y esto necesita {}.",
        "In 24 Stunden kannst du {} Zeichen vorbereiten lassen. Davon sind {} übrig, und das hier braucht {}.",
    ),
    (
        "It would take {} MB, and {} MB of sound are kept here at most.",
        "Ocuparía {} MB, y aquí se guardan como mucho {} MB de sonido.",
        "Das wären {} MB, und höchstens {} MB Ton werden hier aufbewahrt.",
    ),
    (
        "There is no file. Those of narrations are kept for 14 days.",
        "No hay archivo. Los de las narraciones se guardan 14 días.",
        "Es gibt keine Datei. Die von Vertonungen werden 14 Tage aufbewahrt.",
    ),
    (
        "Earmark does not know a server of Audiobookshelf: whoever runs it can name one.",
        "Earmark no conoce ningún servidor de Audiobookshelf: puede indicarlo quien lo administra.",
        "Earmark kennt keinen Audiobookshelf-Server: Wer hier verwaltet, kann einen nennen.",
    ),
    // Engines.
    (
        "A name has 1 to {} lower-case letters, digits and hyphens.",
        "Un nombre tiene de 1 a {} letras minúsculas, cifras y guiones.",
        "Ein Name hat 1 bis {} Kleinbuchstaben, Ziffern und Bindestriche.",
    ),
    (
        "The name “{}” belongs to an engine that is found by itself.",
        "El nombre «{}» es de un motor que se encuentra por sí solo.",
        "Der Name „{}“ gehört einem Sprachdienst, der von selbst gefunden wird.",
    ),
    (
        "“{}” is no address of a service: it begins with http:// or https://, and has no name, key or question mark in it.",
        "«{}» no es la dirección de un servicio: empieza por http:// o https://, y no lleva nombre, clave ni signo de interrogación.",
        "„{}“ ist keine Adresse eines Dienstes: Sie beginnt mit http:// oder https:// und enthält keinen Namen, keinen Schlüssel und kein Fragezeichen.",
    ),
    (
        "“{}” is no command line.",
        "«{}» no es una línea de órdenes.",
        "„{}“ ist keine Befehlszeile.",
    ),
    (
        "An address, a model and a voice have at most {} characters.",
        "Una dirección, un modelo y una voz tienen como mucho {} caracteres.",
        "Eine Adresse, ein Modell und eine Stimme haben höchstens {} Zeichen.",
    ),
    (
        "How it is to speak is told in at most {} characters.",
        "Cómo ha de hablar se dice con {} caracteres como mucho.",
        "Wie gesprochen werden soll, steht in höchstens {} Zeichen.",
    ),
    (
        "An engine has 1 to {} voices. This one did not list any: name them.",
        "Un motor tiene de 1 a {} voces. Este no ha dado ninguna: nómbralas.",
        "Ein Sprachdienst hat 1 bis {} Stimmen. Dieser hat keine genannt: Gib sie an.",
    ),
    (
        "The sample rate must be one of 16000, 22050, 24000, 32000, 44100 and 48000.",
        "La frecuencia de muestreo ha de ser 16000, 22050, 24000, 32000, 44100 o 48000.",
        "Die Abtastrate muss 16000, 22050, 24000, 32000, 44100 oder 48000 sein.",
    ),
    (
        "The speed must be between 0.25 and 4.",
        "La velocidad ha de estar entre 0,25 y 4.",
        "Die Geschwindigkeit muss zwischen 0,25 und 4 liegen.",
    ),
    (
        "The price must be between 0 and 100000.",
        "El precio ha de estar entre 0 y 100000.",
        "Der Preis muss zwischen 0 und 100000 liegen.",
    ),
    (
        "Between 1 and 256 requests can be made at once.",
        "Se pueden hacer a la vez entre 1 y 256 peticiones.",
        "Es können 1 bis 256 Anfragen zugleich gestellt werden.",
    ),
    (
        "An engine may take 1 to {} seconds, and for its first byte no longer than in all.",
        "Un motor puede tardar de 1 a {} segundos, y para el primer byte no más que en total.",
        "Ein Sprachdienst darf 1 bis {} Sekunden brauchen, und für das erste Byte nicht länger als insgesamt.",
    ),
    (
        "A budget in money must be a number from 0 to 1000000000.",
        "Un presupuesto en dinero ha de ser un número de 0 a 1000000000.",
        "Ein Budget in Geld muss eine Zahl von 0 bis 1000000000 sein.",
    ),
    ("There is no engine “{}”.", "No hay ningún motor «{}».", "Es gibt keinen Sprachdienst „{}“."),
    (
        "There are {} engines already. Remove one first.",
        "Ya hay {} motores. Quita uno primero.",
        "Es gibt schon {} Sprachdienste. Entferne zuerst einen.",
    ),
    // Voices to install.
    (
        "This voice is part of Earmark. It is neither installed nor removed.",
        "Esta voz forma parte de Earmark. Ni se instala ni se quita.",
        "Diese Stimme gehört zu Earmark. Sie wird weder installiert noch entfernt.",
    ),
    (
        "Installed voices read with files that come with Heart, and those are not here.",
        "Las voces instaladas leen con archivos que vienen con Heart, y aquí no están.",
        "Installierte Stimmen lesen mit Dateien, die mit Heart kommen, und die sind nicht da.",
    ),
    (
        "Another process is installing this voice.",
        "Otro proceso está instalando esta voz.",
        "Ein anderer Prozess installiert diese Stimme gerade.",
    ),
    // What any request may meet.
    (
        "Too many books are being read at once. Try again in a minute.",
        "Se están leyendo demasiados libros a la vez. Vuelve a intentarlo en un minuto.",
        "Es werden zu viele Bücher zugleich gelesen. Versuche es in einer Minute noch einmal.",
    ),
    (
        "The audio has changed meanwhile. Ask again.",
        "El audio ha cambiado mientras tanto. Pídelo otra vez.",
        "Der Ton hat sich inzwischen geändert. Frage noch einmal.",
    ),
    ("There is no such session.", "Esa sesión no existe.", "Diese Sitzung gibt es nicht."),
    ("There is no such token.", "Ese token no existe.", "Dieses Token gibt es nicht."),
    ("There is no such link.", "Ese enlace no existe.", "Diesen Link gibt es nicht."),
    (
        "There is no such feed.",
        "Esa dirección de pódcast no existe.",
        "Diese Podcast-Adresse gibt es nicht.",
    ),
    ("There is no such invitation.", "Esa invitación no existe.", "Diese Einladung gibt es nicht."),
    (
        "There is no such passkey.",
        "Esa llave de acceso no existe.",
        "Diesen Passkey gibt es nicht.",
    ),
    (
        "The rest of the form did not come.",
        "El resto del formulario no llegó.",
        "Der Rest des Formulars kam nicht.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_in_the_language_of_the_page() {
        assert_eq!(translated("The file is empty.", "de").as_deref(), Some("Die Datei ist leer."));
        assert_eq!(translated("The file is empty.", "en"), None);
        assert_eq!(translated("It is raining.", "es"), None);
        let name = "There is somebody called “{}” already.";
        assert_eq!(
            translated(&name.replace("{}", "“X” already"), "es").as_deref(),
            Some("Ya hay alguien que se llama «“X” already».")
        );
        let several = "You can have 5 characters made ready in 24 hours. 2 of them are left, and this needs 9.";
        let said = translated(several, "de").unwrap_or_default();
        assert!(
            said.contains("5 Zeichen") && said.contains("2 übrig") && said.ends_with("braucht 9.")
        );
    }

    #[test]
    fn every_language_has_the_same_places_for_what_changes() {
        for (english, spanish, german) in SAID {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!([places(spanish), places(german)], [places(english); 2], "{english}");
            assert_eq!(values(english, english).map(|values| values.len()), Some(places(english)));
            let first = SAID.iter().position(|(other, ..)| values(other, english).is_some());
            let own = SAID.iter().position(|(other, ..)| other == english);
            assert_eq!(first, own, "{english} is taken for another");
        }
    }
}
