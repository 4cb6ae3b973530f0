//! Vietnamese.

use super::{LanguageRules, NONE};

pub(super) const RULES: LanguageRules = LanguageRules {
    tag: "vi",
    titles: &["ts", "ths", "gs", "pgs", "ks", "bs", "tp", "tx", "ô", "bà", "st"],
    soft: &["v.v", "tcn"],
    before_number: &["tr", "số", "t", "q", "p"],
    ..NONE
};
