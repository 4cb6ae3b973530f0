//! Polish.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "pl",
    titles: &[
        "dr", "dra", "prof", "mgr", "mgra", "inż", "doc", "hab", "med", "mec", "adw", "dyr",
        "kier", "prez", "gen", "płk", "ppłk", "mjr", "kpt", "rtm", "ppor", "chor", "sierż", "plut",
        "kpr", "szer", "marsz", "kmdr", "adm", "wadm", "kadm", "ks", "bp", "abp", "kard", "św",
        "śś", "śp", "ś.p", "bł", "błog", "hr", "tow", "ob", "ur", "zm", "st", "ul", "pl", "wlk",
        "np", "m.in", "tzn", "tj", "t.j", "tzw", "zw", "dot", "ds", "pt", "pw", "ps", "pseud",
        "zob", "por", "wg", "cf", "vs", "i.e", "e.g",
    ],
    // `im.` before a name is `imienia`, elsewhere a pronoun. One letter: a part of what is written
    // with spaces (`n. e.`, `z o. o.`), or a word like `pan`, `siostra`, `ojciec`, `miasto`.
    soft: &[
        "itd", "itp", "etc", "cdn", "in", "i.in", "n.e", "p.n.e", "o.o", "s.a", "sp", "co", "jr",
        "jun", "ltd", "inc", "im", "al", "br", "min", "red", "woj", "pow", "gm", "pos", "pp", "ub",
        "bm", "godz", "ok", "wyd", "cz", "oprac", "tłum", "przeł", "przekł", "ang", "niem", "fr",
        "łac", "ros", "gr", "wł", "hiszp", "śl", "maz", "wlkp", "ibid", "ibidem", "jw", "e", "j",
        "k", "m", "n", "o", "p", "s", "t", "lek", "os",
    ],
    before_number: &[
        "str", "ss", "rozdz", "rozdź", "tt", "zesz", "vol", "nr", "rys", "ryc", "fot", "il", "tab",
        "tabl", "fig", "art", "ust", "pkt", "lit", "par", "poz", "przyp", "w", "ww", "r", "tel",
        "faks", "kol", "stycz", "lut", "kwiec", "czerw", "lip", "sierp", "wrzes", "paźdz",
        "listop", "grudz",
    ],
    after_number: &[
        "r", "w", "ww", "st", "tys", "sek", "kop", "rb", "rbs", "złp", "ct", "dol", "szt", "egz",
        "str",
    ],
    after_ordinal: &[
        "armia", "armii", "armię", "armią", "brygada", "brygady", "brygadę", "brygadą", "dywizja",
        "dywizji", "dywizję", "dywizją", "flota", "floty", "kompania", "kompanii", "korpus",
        "korpusu", "korpusie", "pułk", "pułku", "pułkiem",
    ],
    starters: &[
        "a", "aby", "ale", "albo", "ani", "bo", "był", "była", "było", "były", "choć", "chyba",
        "co", "coś", "czasem", "czy", "dla", "dlaczego", "dlatego", "do", "dopiero", "dziś", "gdy",
        "gdyby", "gdzie", "i", "ich", "ja", "jak", "jakby", "jako", "jednak", "jego", "jej",
        "jest", "jeśli", "jeszcze", "już", "każda", "każdy", "kiedy", "kilka", "kto", "która",
        "które", "który", "lecz", "może", "można", "mój", "moja", "my", "na", "nad", "nagle",
        "nawet", "nic", "nie", "niech", "nigdy", "nikt", "o", "od", "on", "ona", "one", "oni",
        "ono", "oprócz", "oto", "po", "pod", "podczas", "potem", "przed", "przez", "przy", "są",
        "ta", "tak", "także", "tam", "te", "tego", "ten", "teraz", "też", "to", "tu", "tutaj",
        "tylko", "u", "w", "we", "według", "więc", "więcej", "wkrótce", "wszyscy", "wszystko",
        "wtedy", "z", "za", "zanim", "zaraz", "zawsze", "ze", "że", "znowu",
    ],
    time_prepositions: &["o", "około", "przed", "po", "do", "w"],
    ..NONE
};
