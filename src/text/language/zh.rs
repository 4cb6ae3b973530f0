//! Chinese.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "zh",
    after_quote: &["说", "道", "说道", "他说", "她说", "我说", "問", "问", "說"],
    ..NONE
};
