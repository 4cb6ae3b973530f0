//! What a page says once, because of what was sent before it was asked for.

use leptos::prelude::use_context;

use crate::words::{self, Refusals, words};

/// What a notice begins with that is the password of a reading app, which was just made.
pub const APP_PASSWORD_MARK: &str = "app-password:";
/// What a notice begins with that every language has words for.
const REFUSED_MARK: &str = "refused:";

/// Why something was refused, in words for a person, or as [`Refused`] writes itself.
#[derive(Debug, Clone)]
pub struct Notice(pub String);

/// Why a form was refused, where every language has words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nobody is logged in.
    NoLogin,
    /// There is nobody yet who could log in.
    NotSetUp,
    /// The name or the password is wrong.
    WrongLogin,
    /// The account may not do this.
    NotAllowed,
    /// A link to another's book, for somebody who is logged in.
    LoggedIn,
    /// A provider of logins let nobody in whom we know.
    NotLetIn,
    /// The code with which the first account is made.
    WrongCode,
    /// The form was on another site.
    OtherSite,
    /// The rest of the form did not come.
    TooSlow,
    /// Too many at once of one address.
    TooManyAtOnce,
    /// Too often, and after so many seconds again.
    TooMany(u64),
    /// A fault of the server.
    Internal,
}

impl Refused {
    /// Those without a number, by name.
    const NAMED: [(&'static str, Self); 11] = [
        ("no-login", Self::NoLogin),
        ("not-set-up", Self::NotSetUp),
        ("wrong-login", Self::WrongLogin),
        ("not-allowed", Self::NotAllowed),
        ("logged-in", Self::LoggedIn),
        ("not-let-in", Self::NotLetIn),
        ("wrong-code", Self::WrongCode),
        ("other-site", Self::OtherSite),
        ("too-slow", Self::TooSlow),
        ("too-many-at-once", Self::TooManyAtOnce),
        ("internal", Self::Internal),
    ];
    const TOO_MANY: &'static str = "too-many:";

    /// How a notice names it.
    pub fn mark(self) -> String {
        let named = Self::NAMED.iter().find(|(_, known)| *known == self);
        match (self, named) {
            (Self::TooMany(seconds), _) => format!("{REFUSED_MARK}{}{seconds}", Self::TOO_MANY),
            (_, Some((name, _))) => format!("{REFUSED_MARK}{name}"),
            (_, None) => format!("{REFUSED_MARK}internal"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix(REFUSED_MARK)?;
        if let Some(seconds) = name.strip_prefix(Self::TOO_MANY) {
            return seconds.parse().ok().map(Self::TooMany);
        }
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, refused)| *refused)
    }

    /// The same in words.
    pub fn said(self, words: &Refusals) -> String {
        let said = match self {
            Self::TooMany(seconds) => return (words.too_many)(seconds),
            Self::NoLogin => words.no_login,
            Self::NotSetUp => words.not_set_up,
            Self::WrongLogin => words.wrong_login,
            Self::NotAllowed => words.not_allowed,
            Self::LoggedIn => words.logged_in,
            Self::NotLetIn => words.not_let_in,
            Self::WrongCode => words.wrong_code,
            Self::OtherSite => words.other_site,
            Self::TooSlow => words.too_slow,
            Self::TooManyAtOnce => words.too_many_at_once,
            Self::Internal => words.internal,
        };
        said.to_owned()
    }
}

/// What this page is to say; empty when nothing.
pub fn notice() -> String {
    let text = use_context::<Notice>().map(|Notice(text)| text).unwrap_or_default();
    match Refused::parse(&text) {
        Some(refused) => refused.said(&words().refusals),
        None => words::error(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_in_the_language_of_the_page() {
        for (_, refused) in Refused::NAMED {
            assert_eq!(Refused::parse(&refused.mark()), Some(refused));
        }
        let refused = Refused::TooMany(30);
        assert_eq!(Refused::parse(&refused.mark()), Some(refused));
        assert_eq!(Refused::parse("The name is taken."), None);
        let said = Refused::WrongLogin
            .said(&crate::words::of(crate::preferences::UiLanguage::German, "").refusals);
        assert_eq!(said, "Der Name oder das Passwort ist falsch.");
    }
}
