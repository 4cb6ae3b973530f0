//! How sentences of a book are read where a listener wants them otherwise than the rest. A listener keeps each
//! as an annotation; here they are as whoever plans a chapter needs them.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use app::model::{Annotation, AnnotationKind, BookId};

use super::{Library, LibraryError};
use crate::text::pronunciation::Rules;

/// How some sentences of a chapter are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Direction {
    /// Which of them.
    pub sentences: RangeInclusive<u32>,
    /// How.
    pub how: Manner,
}

/// How a sentence is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Manner {
    /// By the voice with this id.
    Voice(String),
    /// Not at all.
    Skip,
    /// Made once more by each of these voices.
    Again(Vec<String>),
}

/// The directions of a book.
#[derive(Debug, Default)]
pub struct Directions {
    /// By chapter, the first given first.
    chapters: HashMap<u32, Vec<Direction>>,
    version: u64,
}

impl Directions {
    /// Those among what a reader has marked.
    fn of(mut annotations: Vec<Annotation>) -> Self {
        annotations.retain(|one| one.mark.kind.is_direction());
        annotations.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        let (mut chapters, mut hasher) = (HashMap::<u32, Vec<_>>::new(), DefaultHasher::new());
        for Annotation { mark, .. } in &annotations {
            let how = match mark.kind {
                AnnotationKind::Voice => Manner::Voice(mark.note.clone()),
                AnnotationKind::Again => {
                    Manner::Again(mark.note.split(' ').map(str::to_owned).collect())
                }
                _ => Manner::Skip,
            };
            let sentences = mark.start.sentence..=mark.end.sentence;
            let direction = Direction { sentences, how };
            (mark.chapter, &direction).hash(&mut hasher);
            chapters.entry(mark.chapter).or_default().push(direction);
        }
        let version = if chapters.is_empty() { 0 } else { hasher.finish() };
        Self { chapters, version }
    }

    /// Those for a chapter, the first given first.
    pub fn of_chapter(&self, number: u32) -> &[Direction] {
        self.chapters.get(&number).map_or(&[], Vec::as_slice)
    }

    /// Tells these directions from others; 0 when there are none.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// What readers have said of how a book is read, in one: every clip that is heard asks for it.
#[derive(Debug)]
pub struct Said {
    /// How words are said.
    pub rules: Arc<Rules>,
    /// How sentences are to be read.
    pub directions: Directions,
}

impl Library {
    /// Of who reads sentences, and whether anybody does, what was said last counts: the same sentences have no
    /// other direction of that kind after `kept`.
    pub async fn forget_directions_before(
        &self,
        book: &BookId,
        kept: &Annotation,
    ) -> Result<(), LibraryError> {
        let is_earlier = |one: &Annotation| {
            let (one_mark, mark) = (&one.mark, &kept.mark);
            (one.created_ms, &one.id) < (kept.created_ms, &kept.id)
                && matches!(one_mark.kind, AnnotationKind::Voice | AnnotationKind::Skip)
                && one_mark.chapter == mark.chapter
                && one_mark.start.sentence == mark.start.sentence
                && one_mark.end.sentence == mark.end.sentence
        };
        for earlier in self.annotations(book).await?.iter().filter(|one| is_earlier(one)) {
            match self.remove_annotation(book, &earlier.id).await {
                // Another request was faster.
                Err(LibraryError::NoSuchMark) => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// What the reader has said of how a book is read. A change by another server is seen after a few seconds, like
    /// one of the book itself.
    pub async fn said(&self, book: &BookId) -> Result<Arc<Said>, LibraryError> {
        let read = async {
            let rules = Arc::new(Rules::new(self.pronunciations(book).await?));
            Ok(Said { rules, directions: Directions::of(self.annotations(book).await?) })
        };
        self.shared.said.get(&(Arc::clone(&self.user), book.clone()), read).await
    }
}
