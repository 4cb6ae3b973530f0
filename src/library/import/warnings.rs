//! What is told about a file after it was imported.

use app::model::{ImportWarning, WarningKind};

use super::limits::MAX_WARNINGS;
use super::names::clean;

/// Warnings as they come up; each once, and only so many one by one.
#[derive(Debug, Default)]
pub struct Warnings {
    told: Vec<ImportWarning>,
    more: usize,
}

impl Warnings {
    /// Something was left out or mended.
    pub fn add(&mut self, kind: WarningKind, part: &str) {
        let warning = ImportWarning::new(kind, clean(part));
        if self.told.contains(&warning) {
            return;
        }
        if self.told.len() < MAX_WARNINGS {
            self.told.push(warning);
        } else {
            self.more += 1;
        }
    }

    /// All of them, with how many there were beyond those that are told.
    pub fn finish(mut self) -> Vec<ImportWarning> {
        if self.more > 0 {
            self.told.push(ImportWarning::new(WarningKind::More, self.more.to_string()));
        }
        self.told
    }
}
