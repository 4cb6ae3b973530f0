//! Japanese.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "ja",
    after_quote: &["と", "って", "という", "など", "の", "を", "に", "は"],
    ..NONE
};
