//! What an import tells about a file besides its text.

use serde::{Deserialize, Serialize};

/// Something of a file that was left out or mended when it was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ImportWarning {
    /// What happened.
    pub kind: WarningKind,
    /// The part of the file it happened to, or what else there is to say.
    pub part: String,
    /// The same as a sentence in English.
    pub message: String,
}

/// What may be left out or mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A part is damaged and was left out, or only what could be read of it is there.
    Damaged,
    /// A part is named and is not in the file.
    Missing,
    /// A part is larger than it may be and was left out.
    TooLarge,
    /// Some characters of a text could not be read.
    Characters,
    /// The table of contents is damaged; what could be read of it is there.
    Contents,
    /// The file names a language that its text is not in.
    Language,
    /// It was to be for one person alone, and everybody has it.
    Everybodys,
    /// There is more of the kind; `part` says how much.
    More,
}

impl ImportWarning {
    /// A warning about a part.
    pub fn new(kind: WarningKind, part: impl Into<String>) -> Self {
        let part = part.into();
        let message = match kind {
            WarningKind::Damaged => {
                format!("“{part}” is damaged; what could not be read of it was left out.")
            }
            WarningKind::Missing => {
                format!("“{part}” is named in the book and is not in the file.")
            }
            WarningKind::TooLarge => format!("“{part}” is larger than it may be and was left out."),
            WarningKind::Characters => format!("Some characters of “{part}” could not be read."),
            WarningKind::Contents => {
                format!("The table of contents “{part}” is damaged; parts of it may be missing.")
            }
            WarningKind::Language => {
                format!("The file says its language is “{part}”, and its text is in another.")
            }
            WarningKind::Everybodys => {
                format!("Everybody here has “{part}” already, so it is not only yours.")
            }
            WarningKind::More => format!("And {part} more."),
        };
        Self { kind, part, message }
    }
}
