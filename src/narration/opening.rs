//! How a stream begins in a voice that needs seconds for a sentence: with the first clause of it, or with another
//! voice, if the listener has chosen one, until the slow one is ahead.
//!
//! What is there decides, and that changes while people listen. So it is decided once for a place and remembered, here
//! and in Redis, and a stream and its timeline, which may be asked of two servers, are of the same sound.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use app::model::BookId;
use moka::future::Cache;
use redis::RedisResult;

use super::fallback::spoken_by;
use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator};
use crate::clips::waits::WaitError;
use crate::queue::{Class, Job, QueueError, Sentence};
use crate::redis::{Key, RedisConnection};
use crate::speech::ChosenVoice;
use crate::text::hash::ContentHash;
use crate::text::language::primary_subtag;
use crate::text::pronunciation::has_phonemes;
use crate::text::sentence::is_speakable;

/// A multiple of real time. A voice that is slower needs more than a second for its first sentence: thirty words are ten
/// seconds of sound.
const QUICK: f64 = 10.0;
/// How long another voice reads. A voice that is twice as fast as it is heard is loaded within a second and makes thirty
/// words in four (Kokoro, `docs/benchmarks.md`), so that whoever listens at twice the speed does not wait either.
const LEAD: Duration = Duration::from_secs(10);
/// What a voice says in a second, about.
const CHARACTERS_A_SECOND: usize = 15;
/// How far ahead it is looked what is there: more sentences are not read in the lead.
const LOOK: usize = 40;
/// A sentence of fewer bytes is not cut.
const MIN_CUT: usize = 60;
/// What stands before and after the cut has so many bytes at least: fewer sound broken off.
const MIN_PART: usize = 15;
/// What ends a clause, if a space follows.
const CLAUSE_ENDS: [char; 4] = [',', ';', ':', '—'];
/// It is remembered for longer than chapters last.
const REMEMBERED: Duration = Duration::from_secs(6 * 3600);
/// Where Redis remembers it, it is asked again after this time: a stream and its timeline are asked for within it.
const REMEMBERED_BESIDE_REDIS: Duration = Duration::from_secs(60);
/// Places that are remembered.
const MAX_OPENINGS: u64 = 10_000;

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// As the chapter is read.
    Plain,
    /// With the first clause of its first sentence, which is a clip of its own.
    Clause,
    /// In the other voice up to this sentence.
    Until(usize),
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain"),
            Self::Clause => f.write_str("clause"),
            Self::Until(sentence) => write!(f, "until {sentence}"),
        }
    }
}

impl FromStr for Opening {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "plain" => Ok(Self::Plain),
            "clause" => Ok(Self::Clause),
            _ => {
                let sentence = text.strip_prefix("until ").and_then(|number| number.parse().ok());
                sentence.map(Self::Until).ok_or(())
            }
        }
    }
}

/// For so long this server does not put into a person's prefetch lane what an opening has left out: longer than the
/// lead, in which the page goes on asking for what comes next.
const UNHEARD: Duration = Duration::from_secs(30);
/// Sentences that are so left out.
const MAX_UNHEARD: u64 = 10_000;

/// A person, and a sentence of a slow voice.
pub(super) type Unheard = (String, ContentHash);

/// What openings have left out; nothing yet.
pub(super) fn unheard() -> Cache<Unheard, ()> {
    Cache::builder().max_capacity(MAX_UNHEARD).time_to_live(UNHEARD).build()
}

/// Openings that were decided, by the place and the voices.
pub(super) type Openings = Cache<Place, Opening>;

/// None yet.
pub(super) fn openings(has_redis: bool) -> Openings {
    let remembered = if has_redis { REMEMBERED_BESIDE_REDIS } else { REMEMBERED };
    Cache::builder().max_capacity(MAX_OPENINGS).time_to_live(remembered).build()
}

/// Where a stream begins, in what voice, and with which other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    book: BookId,
    chapter: u32,
    sentence: usize,
    /// What is said there.
    content: ContentHash,
    /// The id of the voice that begins, or nothing.
    starter: String,
}

impl Place {
    fn key(&self) -> Key {
        let Self { book, chapter, sentence, content, starter } = self;
        Key::Opening(book.clone(), format!("{chapter}:{sentence}:{content}:{starter}"))
    }
}

impl Narrator {
    /// A plan as it is heard from a sentence on: the same, if its voice is quick or what comes first is there.
    /// `starter` is the id of the voice that begins while the chapter's own gets ready, or nothing.
    ///
    /// # Errors
    /// When it cannot be seen what is there.
    pub async fn opened(
        &self,
        plan: Arc<ChapterPlan>,
        from: usize,
        starter: &str,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let first = (from..plan.segments.len()).find(|at| !plan.segments[*at].jobs().is_empty());
        let Some(first) = first else { return Ok(plan) };
        let starter = self.starter(&plan, starter);
        let place = Place {
            book: plan.book.clone(),
            chapter: plan.chapter,
            sentence: first,
            content: plan.segments[first].jobs()[0].content,
            starter: starter.as_ref().map(|voice| voice.id.clone()).unwrap_or_default(),
        };
        let deciding = async {
            let deciding = self.decide(&plan, first, starter.as_ref());
            match &self.shared.redis {
                Some(redis) => self.agree(redis, &place, deciding).await,
                // There are no other servers that could decide otherwise.
                None => deciding.await,
            }
        };
        let opening = self.shared.openings.try_get_with(place.clone(), deciding).await;
        let opening = opening.map_err(|error: Arc<NarrationError>| {
            tracing::error!(%error, "how a stream begins cannot be decided");
            WaitError::Store
        })?;
        self.leave_out(&plan, first, opening).await;
        Ok(match (opening, starter) {
            (Opening::Until(end), Some(starter)) => Arc::new(plan.begun_by(&starter, first, end)),
            (Opening::Clause, _) => plan.with_first_clause(first).map_or(plan, Arc::new),
            _ => plan,
        })
    }

    /// The page has asked for what comes next before anybody pressed play. What this listener hears otherwise now does
    /// not keep the slow voice from what follows it, unless somebody else may need it.
    async fn leave_out(&self, plan: &ChapterPlan, first: usize, opening: Opening) {
        let end = match opening {
            Opening::Plain => return,
            Opening::Clause => first + 1,
            Opening::Until(end) => end.min(plan.segments.len()),
        };
        let queue = &self.shared.queue;
        let jobs = plan.segments[first..end].iter().flat_map(Segment::jobs);
        let unheard: Vec<Job> = jobs.filter(|job| plan.is_narrated(job)).cloned().collect();
        if unheard.is_empty() {
            return;
        }
        let leaving = async {
            let listeners = queue.listeners(&plan.book).await?;
            if listeners.positions.len() <= 1 {
                for job in &unheard {
                    self.shared.unheard.insert(self.unheard_name(job), ()).await;
                }
                let version = Some(listeners.version);
                queue.withdraw(Class::Prefetch, &plan.book, &unheard, version).await?;
            }
            Ok::<_, QueueError>(())
        };
        if let Err(error) = leaving.await {
            tracing::warn!(%error, "a slow voice makes what nobody hears");
        }
    }

    /// Whether this person hears something else in the place of a sentence just now.
    pub(super) fn is_unheard(&self, job: &Job) -> bool {
        self.shared.unheard.contains_key(&self.unheard_name(job))
    }

    fn unheard_name(&self, job: &Job) -> Unheard {
        (self.library.user().to_owned(), job.content)
    }

    /// How many times as fast as it is heard a voice speaks; one of a service, of which that is not known, as fast as
    /// can be.
    fn times_real(&self, voice: &ChosenVoice) -> f64 {
        self.shared.voices.times_real(&voice.key.engine).unwrap_or(f64::INFINITY)
    }

    /// The voice that begins, if it speaks the language of the chapter's own.
    fn starter(&self, plan: &ChapterPlan, id: &str) -> Option<ChosenVoice> {
        let narrator = &plan.cast.narrator;
        let voice = Some(id).filter(|id| !id.is_empty());
        let voice = self.shared.voices.choose(voice?, &narrator.language).ok()?;
        let is_same = primary_subtag(&voice.language) == primary_subtag(&narrator.language);
        is_same.then(|| voice.at_rate(narrator.sample_rate))
    }

    /// What all servers hold for the opening of a place: what this one decides, if it is the first that asks.
    async fn agree(
        &self,
        redis: &RedisConnection,
        place: &Place,
        deciding: impl Future<Output = Result<Opening, NarrationError>>,
    ) -> Result<Opening, NarrationError> {
        let key = redis.name(&place.key());
        let known = async || {
            let known: RedisResult<Option<String>> =
                redis::cmd("GET").arg(&key).query_async(&mut redis.clone()).await;
            known.ok().flatten().and_then(|known| known.parse().ok())
        };
        if let Some(known) = known().await {
            return Ok(known);
        }
        let decided = deciding.await?;
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(decided.to_string()).arg("NX").arg("EX").arg(REMEMBERED.as_secs());
        let set: RedisResult<Option<String>> = set.query_async(&mut redis.clone()).await;
        // Another server may have been quicker; one that cannot ask goes by what it sees itself.
        let is_taken = matches!(set, Ok(None));
        Ok(if is_taken { known().await.unwrap_or(decided) } else { decided })
    }

    async fn decide(
        &self,
        plan: &ChapterPlan,
        first: usize,
        starter: Option<&ChosenVoice>,
    ) -> Result<Opening, NarrationError> {
        // How fast a voice is, is found out while it speaks; so this belongs to what is decided once.
        let own = self.times_real(&plan.cast.narrator);
        if own >= QUICK {
            return Ok(Opening::Plain);
        }
        let segments = &plan.segments[first..plan.segments.len().min(first + LOOK)];
        let stored = self.stored_lengths(segments).await?;
        let is_there =
            |at: usize| segments[at].own_jobs().iter().all(|job| stored.contains_key(&job.content));
        if is_there(0) {
            return Ok(Opening::Plain);
        }
        // A voice that costs money may be one that the listener cannot pay for.
        let is_fit = |starter: &ChosenVoice| {
            self.times_real(starter) >= 2.0 * own && !self.shared.voices.costs(&starter.key.engine)
        };
        if !starter.is_some_and(is_fit) {
            let whole = &segments[0].jobs()[0].content;
            // The page may have asked for all of it a moment ago.
            let is_cut = plan.with_first_clause(first).is_some()
                && !self.shared.queue.is_being_made(whole).await;
            return Ok(if is_cut { Opening::Clause } else { Opening::Plain });
        }
        let mut characters = 0;
        for (at, segment) in segments.iter().enumerate() {
            let is_silent = segment.jobs().is_empty();
            if !is_silent
                && (is_there(at) || characters >= LEAD.as_secs() as usize * CHARACTERS_A_SECOND)
            {
                return Ok(Opening::Until(first + at));
            }
            characters += segment.jobs().iter().map(|job| job.text.chars().count()).sum::<usize>();
        }
        Ok(Opening::Until(first + segments.len()))
    }
}

impl ChapterPlan {
    /// The same, with the narrator's sentences from `first` to `end` read by another voice.
    fn begun_by(&self, starter: &ChosenVoice, first: usize, end: usize) -> Self {
        let segments = self.segments.iter().enumerate().map(|(at, segment)| {
            if !(first..end).contains(&at)
                || !segment.jobs().iter().any(|job| self.is_narrated(job))
            {
                return segment.clone();
            }
            let jobs = segment.jobs().iter().map(|job| match self.is_narrated(job) {
                true => spoken_by(job, &job.text, starter),
                false => job.clone(),
            });
            segment.spoken_as(jobs.collect(), starter.times_words)
        });
        Self { segments: segments.collect(), starter: Some(starter.key.clone()), ..self.clone() }
    }

    /// Whether the narrator reads it; a take of a sentence is of the same voice.
    fn is_narrated(&self, job: &Job) -> bool {
        let (one, other) = (&*job.voice, &self.cast.narrator.key);
        (&one.engine, &one.model, &one.voice) == (&other.engine, &other.model, &other.voice)
    }

    /// The same, with the first clause of a sentence as a clip of its own; none where there is nothing to cut.
    fn with_first_clause(&self, at: usize) -> Option<Self> {
        let segment = &self.segments[at];
        let [job] = segment.own_jobs() else { return None };
        let end = first_clause(&job.text)?;
        let part = |text: &str| {
            let content = ContentHash::of(text, job.context.as_deref(), &job.voice);
            Job::new(Sentence { text: text.into(), content, ..Sentence::clone(job) })
        };
        let mut parts = vec![part(&job.text[..end]), part(job.text[end..].trim_start())];
        parts.extend_from_slice(&segment.jobs()[1..]);
        let mut segments = self.segments.to_vec();
        segments[at] = segment.spoken_as(parts.into(), true);
        Some(Self { segments: segments.into(), ..self.clone() })
    }
}

/// Where the first clause of a sentence ends, if that is long enough to be cut.
fn first_clause(text: &str) -> Option<usize> {
    // Phonemes are not to be cut.
    if text.len() < MIN_CUT || has_phonemes(text) {
        return None;
    }
    let ends = text.match_indices(CLAUSE_ENDS).map(|(at, sign)| at + sign.len());
    let mut ends = ends.filter(|end| text[*end..].starts_with(' '));
    let end = ends.find(|end| *end >= MIN_PART).filter(|end| text.len() - end >= MIN_PART)?;
    (is_speakable(&text[..end]) && is_speakable(&text[end..])).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_after_its_first_clause() {
        let long =
            "When the rain had stopped, the streets of the old town were shining, and so was he.";
        let end = first_clause(long).unwrap();
        assert_eq!(&long[..end], "When the rain had stopped,");
        for whole in [
            "When the rain had stopped, he went.",
            "No, he said that the streets of the old town were always shining like that",
            "There were 1,000,000 of them in the streets of the old town that were shining.",
            "He said \u{fdd0}Beauchamp\u{fdd1}bˈiːtʃəm\u{fdd2} was there, and the streets of it were shining.",
            "The streets of the old town of which he had spoken so often were shining, he said.",
            "The streets of the old town of which he had spoken were shining: — — — — — — — — —",
        ] {
            assert_eq!(first_clause(whole), None, "{whole}");
        }
    }

    #[test]
    fn an_opening_is_read_as_it_was_written() {
        for opening in [Opening::Plain, Opening::Clause, Opening::Until(17)] {
            assert_eq!(opening.to_string().parse(), Ok(opening));
        }
        assert_eq!("until".parse::<Opening>(), Err(()));
    }
}
