//! How a person likes to be read to: how long the voice rests, and what it passes over.
//!
//! Both are parameters of a stream and its timeline, so that the two are alike whatever is chosen meanwhile.

use serde::{Deserialize, Serialize};

use super::{STEPS, choice};

choice! {
    /// How long the voice rests between sentences, paragraphs and headings.
    Pauses {
        /// As readers of audiobooks do.
        Normal = "normal",
        /// Half as long.
        Brisk = "brisk",
        /// Longer, for listening at leisure.
        Calm = "calm",
        /// Each as long as the listener says.
        Own = "own",
    }
}

choice! {
    /// How the address of a page is read.
    Links {
        /// The name of the site.
        Site = "site",
        /// Letter by letter, as it stands.
        Whole = "whole",
        /// Not at all; nor are addresses of mail.
        Skip = "skip",
    }
}

choice! {
    /// When footnotes and endnotes are read.
    NoteReading {
        /// Where they stand.
        #[serde(alias = "on")]
        There = "on",
        /// Where the text refers to them; those that it does not refer to, where they stand.
        AtNumber = "number",
        /// Not at all.
        #[serde(alias = "off")]
        Skip = "off",
    }
}

choice! {
    /// How tables are read.
    TableReading {
        /// Cell after cell.
        On = "on",
        /// Each cell with the heading of its column before it.
        Headings = "headings",
        /// Not at all.
        Off = "off",
    }
}

/// What a step of one's own pauses is, in per cent of a normal one. The fifth, in the middle, is normal.
const OWN_STEPS: [u16; 9] = [0, 25, 50, 75, 100, 150, 200, 300, 400];

/// How long the voice rests, each in per cent of the normal rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rests {
    /// Between sentences, and lines of verse.
    pub sentence: u16,
    /// Between paragraphs.
    pub paragraph: u16,
    /// After a heading, and at the end of a chapter.
    pub heading: u16,
    /// At a break between scenes, and other lines that have nothing to be spoken.
    pub scene: u16,
}

impl Rests {
    /// The normal ones.
    pub const NORMAL: Self = Self::all(100);

    const fn all(per_cent: u16) -> Self {
        Self { sentence: per_cent, paragraph: per_cent, heading: per_cent, scene: per_cent }
    }

    /// Those of a choice; `own` are the steps of one's own: sentence, paragraph, heading, scene.
    pub(super) fn chosen(pauses: Pauses, own: [u8; 4]) -> Self {
        let per_cent = |step: u8| {
            let step = step.clamp(*STEPS.start(), *STEPS.end());
            OWN_STEPS[usize::from(step - STEPS.start())]
        };
        let [sentence, paragraph, heading, scene] = own.map(per_cent);
        match pauses {
            Pauses::Normal => Self::NORMAL,
            Pauses::Brisk => Self::all(50),
            Pauses::Calm => Self::all(160),
            Pauses::Own => Self { sentence, paragraph, heading, scene },
        }
    }

    /// Of a parameter: the name of a choice, or `own-1-5-5-9`, with a step for sentence, paragraph, heading and
    /// scene.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(steps) = text.strip_prefix("own-") else {
            let pauses = Pauses::parse(text).filter(|pauses| *pauses != Pauses::Own)?;
            return Some(Self::chosen(pauses, [5; 4]));
        };
        let step = |text: &str| text.parse().ok().filter(|step| STEPS.contains(step));
        let own: Vec<u8> = steps.split('-').map(step).collect::<Option<_>>()?;
        Some(Self::chosen(Pauses::Own, own.try_into().ok()?))
    }
}

/// What the voice is not given of a sentence, or otherwise than it stands there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wording {
    /// Whether references to sources are left out.
    pub skips_citations: bool,
    /// How addresses are read.
    pub links: Links,
    /// Whether the heading of its column is said before each cell of a table.
    pub names_columns: bool,
}

/// What the voice passes over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Skipped {
    /// Headings.
    pub titles: bool,
    /// Chapters that are title pages, imprints, indexes and the like.
    pub matter: bool,
    /// Footnotes and endnotes, or when else they are read.
    pub notes: NoteReading,
    /// Tables.
    pub tables: bool,
    /// Listings, and other preformatted text.
    pub code: bool,
    /// What stands under pictures and tables.
    pub captions: bool,
    /// What pictures say of themselves, where a book is not one of pictures.
    pub pictures: bool,
    /// What of sentences.
    pub wording: Wording,
}

impl Skipped {
    /// The names that a list may have.
    pub const NAMES: &str = "titles, matter, notes, notes-at-number, tables, table-headings, code, captions, pictures, citations, links and sites";

    /// Of a list such as `notes,code`. Notes are read where they stand, at their number where the list has
    /// `notes-at-number`; tables with the heading of its column before each cell where it has `table-headings`.
    /// Addresses are read whole, by the name of the site where it has `sites`, and not at all where it has `links`.
    pub fn parse(list: &str) -> Option<Self> {
        let mut skipped = Self::default();
        skipped.wording.links = Links::Whole;
        for name in list.split(',').filter(|name| !name.is_empty()) {
            match name {
                "titles" => skipped.titles = true,
                "matter" => skipped.matter = true,
                "notes" => skipped.notes = NoteReading::Skip,
                "notes-at-number" => skipped.notes = NoteReading::AtNumber,
                "tables" => skipped.tables = true,
                "table-headings" => skipped.wording.names_columns = true,
                "code" => skipped.code = true,
                "captions" => skipped.captions = true,
                "pictures" => skipped.pictures = true,
                "citations" => skipped.wording.skips_citations = true,
                "links" => skipped.wording.links = Links::Skip,
                "sites" => skipped.wording.links = Links::Site,
                _ => return None,
            }
        }
        Some(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_read_as_the_player_writes_them() {
        assert_eq!(Rests::parse("normal"), Some(Rests::NORMAL));
        assert_eq!(Rests::parse("brisk").map(|rests| rests.scene), Some(50));
        let own = Rests { sentence: 0, paragraph: 100, heading: 150, scene: 400 };
        assert_eq!(Rests::parse("own-1-5-6-9"), Some(own));
        for wrong in
            ["", "own", "own-1-5-6", "own-1-5-6-9-9", "own-0-5-6-9", "own-1-5-6-10", "fast"]
        {
            assert_eq!(Rests::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_skipped_is_a_list() {
        let skipped = Skipped::parse("notes,matter,sites").unwrap_or_default();
        assert!(skipped.notes == NoteReading::Skip && skipped.matter && !skipped.titles);
        let placed = Skipped::parse("notes-at-number").map(|skipped| skipped.notes);
        assert_eq!(placed, Some(NoteReading::AtNumber));
        assert_eq!(skipped.wording.links, Links::Site);
        let headed = Skipped::parse("table-headings").unwrap_or_default();
        assert!(headed.wording.names_columns && !headed.tables);
        assert_eq!(Skipped::parse("").map(|none| none.wording.links), Some(Links::Whole));
        assert_eq!(Skipped::parse("notes,shoes"), None);
    }
}
