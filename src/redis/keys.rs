//! Every key, its form, and the way back from the form.
//!
//! Book ids stand in literal braces, Redis Cluster's hash tag. On a cluster all keys of the queue begin
//! with one tag of their own, so that its scripts reach all of them; clips and what else needs no script
//! are spread over the shards. Parts that may hold anything are percent-encoded, so that a key has one
//! reading. `docs/redis.md` explains the keys to operators.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use app::model::BookId;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use crate::text::hash::{Context, SentenceHash, VoiceKey};

/// What would be taken for a separator or a hash tag within a part, or be escaped in JSON.
const RESERVED: &AsciiSet =
    &CONTROLS.add(b':').add(b'{').add(b'}').add(b'%').add(b' ').add(b'"').add(b'\\');

/// The slot of a cluster that the queue is in.
const CLUSTER_TAG: &str = "{tts}:";

/// What a lane is for; in order of priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Sentences that somebody waits for, in the order in which they were asked for.
    Awaited,
    /// The sentences about to be heard.
    Prefetch,
    /// The rest of the chapter and the next.
    Chapter,
    /// Whole books, for nobody who listens now.
    Background,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Awaited, Self::Prefetch, Self::Chapter, Self::Background];

    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Prefetch => "prefetch",
            Self::Chapter => "chapter",
            Self::Background => "background",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a class.
#[derive(Debug, Error)]
#[error("a class is awaited, prefetch, chapter or background")]
pub struct InvalidClass;

impl FromStr for Class {
    type Err = InvalidClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(InvalidClass)
    }
}

/// Whose lanes: those of the voices that share this machine's processors, or those of an engine with limits
/// of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pool(Option<Arc<str>>);

impl Pool {
    /// The voices that share this machine's processors.
    pub const LOCAL: Self = Self(None);

    /// An engine with limits of its own.
    pub fn of_engine(engine: &str) -> Self {
        Self(Some(engine.into()))
    }

    /// The engine's name; `None` for the voices that share this machine's processors.
    pub fn engine(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// As it stands at the end of keys: nothing, or a colon and the engine's name.
    pub fn suffix(&self) -> String {
        self.engine().map_or_else(String::new, |engine| format!(":{}", escape(engine)))
    }

    /// The pool of a suffix.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        match suffix.strip_prefix(':') {
            Some(engine) => Some(Self::of_engine(&unescape(engine)?)),
            None => suffix.is_empty().then_some(Self::LOCAL),
        }
    }
}

/// A key without its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The audio cache: the bytes of a clip.
    Audio(BookId, ClipName),
    /// The lock on making a clip: the token of who makes it.
    Lock(BookId, ClipName),
    /// A lane of a book: jobs as JSON.
    Lane(Class, BookId, Pool),
    /// Content hashes of what waits in a lane. What is in the lane and not in here was dropped.
    Pending(Class, BookId, Pool),
    /// The pools in which a book has lanes.
    LanesOfBook(BookId),
    /// What is being made: content hash → token of the claim.
    Making,
    /// What a worker has claimed: token → class and job.
    WorkerLeases(String),
    /// How many jobs wait, by class.
    Counts,
    /// Content hashes of sentences that ended every worker that tried them, by until when they are refused.
    Abandoned,
    /// Active listeners of a book: name → when and where.
    Listeners(BookId),
    /// Counts up each time a listener of a book moves.
    ListenersVersion(BookId),
    /// Books with work, by class and turn.
    Books(Pool),
    /// A token for each piece of work that an idle worker has not been woken for.
    Wake(Pool),
    /// Leases as earlier versions kept them, by book: token → deadline, class and job.
    EarlierLeases(BookId),
    /// Books that may have such leases.
    EarlierLeased,
    /// Failed jobs, by when they are due again.
    Retry,
    /// Jobs that failed for good, by when they did.
    Dead,
    /// Held for a moment by whoever returns expired leases.
    Reaper,
    /// Workers, by when they were last seen.
    Workers,
    /// A worker's heartbeat.
    WorkerStatus(String),
    /// How far a request has come.
    RequestStatus(String),
    /// Which sentences of a book have audio in a voice, by the voice's id.
    BookAudios(BookId, String),
    /// A book's metadata.
    Book(BookId),
    /// Where a user is in a book.
    Progress(String, BookId),
    /// Progress that SQL does not have yet, by when it was made.
    DirtyProgress,
    /// When somebody used an endpoint.
    RateLimit(String, String),
    /// When anybody used an endpoint.
    GlobalRateLimit(String),
    /// Held by the server that cleans up stored audio.
    Cleaner,
    /// Permits of an engine: tokens of the claims that hold one, by when each expires.
    EnginePermits(String),
    /// There while an engine is left alone; says why.
    EngineRest(String),
    /// Failures of an engine since it last answered.
    EngineState(String),
    /// How streams begin at a place of a book in a slow voice: the place, and the voices.
    Opening(BookId, String),
    /// Written now and then to see whether Redis takes writes.
    Probe,
}

/// About what the end of a clip's key takes at most, in bytes; the names of voices differ.
const LONGEST_FORM: usize = 160;

/// What names a clip within its book: `{model}:{voice}:{speed}:{sentence hash}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClipName {
    /// The engine's model; of a configured engine, `{engine}/{model}/{format}`, because two of them may
    /// have the same model.
    pub model: String,
    /// The engine's voice.
    pub voice: String,
    /// The engine's rate.
    pub speed: String,
    /// What is spoken.
    pub sentence: SentenceHash,
}

impl ClipName {
    /// The name of a sentence's clip in a voice.
    pub fn new(voice: &VoiceKey, normalised: &str, context: Option<&Context>) -> Self {
        Self {
            model: match voice {
                VoiceKey { engine, model, .. } if engine == model => model.clone(),
                VoiceKey { engine, model, format, .. } => {
                    [engine.as_str(), model, format].join("/")
                }
            },
            voice: voice.voice.clone(),
            speed: voice.speed.clone(),
            sentence: SentenceHash::of(normalised, context),
        }
    }

    /// As it stands at the end of a key.
    pub fn form(&self) -> String {
        let Self { model, voice, speed, sentence } = self;
        let mut form = String::with_capacity(LONGEST_FORM);
        for part in [model, voice, speed] {
            // Mostly nothing is to be escaped, and then nothing is copied. Every sentence that is enqueued comes here.
            form.push_str(&Cow::from(utf8_percent_encode(part, RESERVED)));
            form.push(':');
        }
        form.push_str(&sentence.to_hex());
        form
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut part = || unescape(parts.next()?);
        let (model, voice, speed) = (part()?, part()?, part()?);
        let sentence = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { model, voice, speed, sentence })
    }
}

/// Builds and reads keys under a prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: Arc<str>,
    /// What the keys of the queue begin with.
    queue_prefix: Arc<str>,
}

impl Keys {
    /// Keys that all begin with `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), queue_prefix: prefix.into() }
    }

    /// The same for a cluster, where the queue's keys share a slot.
    pub fn for_cluster(prefix: &str) -> Self {
        // A prefix with a tag has chosen the slot.
        let tag = if prefix.contains('{') { "" } else { CLUSTER_TAG };
        Self { prefix: prefix.into(), queue_prefix: format!("{tag}{prefix}").into() }
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What a key begins with.
    fn prefix_of(&self, key: &Key) -> &str {
        match key {
            Key::Audio(..)
            | Key::BookAudios(..)
            | Key::Opening(..)
            | Key::Book(_)
            | Key::Progress(..)
            | Key::DirtyProgress
            | Key::RateLimit(..)
            | Key::GlobalRateLimit(_)
            | Key::EarlierLeases(_)
            | Key::EarlierLeased
            | Key::Cleaner => &self.prefix,
            _ => &self.queue_prefix,
        }
    }

    /// The channel on which landed clips are announced.
    pub fn announcements(&self) -> String {
        format!("{}queue:tts:done", self.prefix)
    }

    /// A key as Redis has it.
    pub fn name(&self, key: &Key) -> String {
        let prefix = self.prefix_of(key);
        match key {
            Key::Audio(book, clip) => self.audio(book, &clip.form()),
            Key::Lock(book, clip) => self.lock(book, &clip.form()),
            Key::Lane(class, book, pool) => {
                format!("{prefix}queue:tts:{class}:{{{book}}}{}", pool.suffix())
            }
            Key::Pending(class, book, pool) => {
                format!("{prefix}queue:tts:pending:{class}:{{{book}}}{}", pool.suffix())
            }
            Key::LanesOfBook(book) => format!("{prefix}queue:tts:lanes:{{{book}}}"),
            Key::Making => format!("{prefix}queue:tts:making"),
            Key::WorkerLeases(worker) => format!("{prefix}worker_leases:{}", escape(worker)),
            Key::Counts => format!("{prefix}queue:tts:counts"),
            Key::Abandoned => format!("{prefix}queue:tts:abandoned"),
            Key::Listeners(book) => format!("{prefix}queue:tts:listeners:{{{book}}}"),
            Key::ListenersVersion(book) => format!("{prefix}queue:tts:moved:{{{book}}}"),
            Key::Books(pool) => format!("{prefix}queue:tts:books{}", pool.suffix()),
            Key::Wake(pool) => format!("{prefix}queue:tts:wake{}", pool.suffix()),
            Key::EarlierLeases(book) => format!("{prefix}queue:tts:leases:{{{book}}}"),
            Key::EarlierLeased => format!("{prefix}queue:tts:leased"),
            Key::Retry => format!("{prefix}queue:tts:retry"),
            Key::Dead => format!("{prefix}queue:tts:dead"),
            Key::Reaper => format!("{prefix}queue:tts:reaper"),
            Key::Workers => format!("{prefix}queue:tts:workers"),
            Key::WorkerStatus(worker) => format!("{prefix}worker_status:{}", escape(worker)),
            Key::RequestStatus(request) => format!("{prefix}tts_status:{}", escape(request)),
            Key::BookAudios(book, voice) => {
                format!("{prefix}book_audios:{{{book}}}:{}", escape(voice))
            }
            Key::Opening(book, place) => {
                format!("{prefix}opening:{{{book}}}:{}", escape(place))
            }
            Key::Book(book) => format!("{prefix}book:{{{book}}}"),
            Key::Progress(user, book) => format!("{prefix}progress:{}:{{{book}}}", escape(user)),
            Key::DirtyProgress => format!("{prefix}progress_dirty"),
            Key::RateLimit(user, endpoint) => {
                format!("{prefix}rate_limit:{}:{{{}}}", escape(user), escape(endpoint))
            }
            Key::GlobalRateLimit(endpoint) => {
                format!("{prefix}global_rate_limit:{{{}}}", escape(endpoint))
            }
            Key::EnginePermits(engine) => format!("{prefix}engine_turns:{}", escape(engine)),
            Key::EngineRest(engine) => format!("{prefix}engine_rest:{}", escape(engine)),
            Key::EngineState(engine) => format!("{prefix}engine_state:{}", escape(engine)),
            Key::Cleaner => format!("{prefix}cleaner"),
            Key::Probe => format!("{prefix}probe"),
        }
    }

    /// What the keys of lanes begin with: class, `:{`, book id, `}` and the pool's suffix follow. For scripts
    /// that choose the book.
    pub fn lane_head(&self) -> String {
        format!("{}queue:tts:", self.queue_prefix)
    }

    /// What the keys of what waits in lanes begin with: the same follows.
    pub fn pending_head(&self) -> String {
        format!("{}queue:tts:pending:", self.queue_prefix)
    }

    /// What the keys of requests begin with: the request's id follows.
    pub fn request_head(&self) -> String {
        format!("{}tts_status:", self.queue_prefix)
    }

    /// What the keys of the pools of a book begin with: the book id and `}` follow.
    pub fn lanes_of_book_head(&self) -> String {
        format!("{}queue:tts:lanes:{{", self.queue_prefix)
    }

    /// The key of a clip whose name is known as it stands there.
    pub fn audio(&self, book: &BookId, clip: &str) -> String {
        format!("{}tts:{{{book}}}:{clip}", self.prefix)
    }

    /// The key of the lock on such a clip.
    pub fn lock(&self, book: &BookId, clip: &str) -> String {
        format!("{}lock:tts:{{{book}}}:{clip}", self.queue_prefix)
    }

    /// What the index of books begins with: the pool's suffix follows.
    pub fn books_head(&self) -> String {
        self.name(&Key::Books(Pool::LOCAL))
    }

    /// What the leases of a worker begin with: its name follows.
    pub fn worker_leases_head(&self) -> String {
        self.name(&Key::WorkerLeases(String::new()))
    }

    /// What the key of a clip begins with: the book id, `}:` and the clip's name follow.
    pub fn audio_head(&self) -> String {
        self.head(&Key::Audio(any_book(), any_clip()), any_book().as_str())
    }

    /// What the key of a lock begins with: the same follows.
    pub fn lock_head(&self) -> String {
        self.head(&Key::Lock(any_book(), any_clip()), any_book().as_str())
    }

    fn head(&self, key: &Key, part: &str) -> String {
        let name = self.name(key);
        let braced = format!("{{{part}}}");
        name.rfind(&braced).map_or_else(String::new, |at| name[..=at].to_owned())
    }

    /// The key that a name stands for; `None` when it is none of ours.
    pub fn parse(&self, name: &str) -> Option<Key> {
        let of_queue = name.strip_prefix(&*self.queue_prefix).and_then(parse_name);
        let key = of_queue.or_else(|| parse_name(name.strip_prefix(&*self.prefix)?))?;
        (self.name(&key) == name).then_some(key)
    }
}

fn parse_name(name: &str) -> Option<Key> {
    let whole = match name {
        "queue:tts:leased" => Some(Key::EarlierLeased),
        "queue:tts:making" => Some(Key::Making),
        "queue:tts:counts" => Some(Key::Counts),
        "queue:tts:abandoned" => Some(Key::Abandoned),
        "queue:tts:retry" => Some(Key::Retry),
        "queue:tts:dead" => Some(Key::Dead),
        "queue:tts:reaper" => Some(Key::Reaper),
        "queue:tts:workers" => Some(Key::Workers),
        "progress_dirty" => Some(Key::DirtyProgress),
        "cleaner" => Some(Key::Cleaner),
        "probe" => Some(Key::Probe),
        _ => None,
    };
    whole.or_else(|| parse_queue(name)).or_else(|| {
        let (kind, rest) = name.split_once(':')?;
        match kind {
            "tts" => clip_of_book(rest).map(|(book, clip)| Key::Audio(book, clip)),
            "lock" => {
                let (book, clip) = clip_of_book(rest.strip_prefix("tts:")?)?;
                Some(Key::Lock(book, clip))
            }
            "worker_status" => Some(Key::WorkerStatus(unescape(rest)?)),
            "worker_leases" => Some(Key::WorkerLeases(unescape(rest)?)),
            "engine_turns" => Some(Key::EnginePermits(unescape(rest)?)),
            "engine_rest" => Some(Key::EngineRest(unescape(rest)?)),
            "engine_state" => Some(Key::EngineState(unescape(rest)?)),
            "tts_status" => Some(Key::RequestStatus(unescape(rest)?)),
            "book_audios" => {
                let (book, voice) = rest.split_once(':')?;
                Some(Key::BookAudios(book_id(book)?, unescape(voice)?))
            }
            "opening" => {
                let (book, place) = rest.split_once(':')?;
                Some(Key::Opening(book_id(book)?, unescape(place)?))
            }
            "book" => Some(Key::Book(book_id(rest)?)),
            "progress" => {
                let (user, book) = rest.split_once(':')?;
                Some(Key::Progress(unescape(user)?, book_id(book)?))
            }
            "rate_limit" => {
                let (user, endpoint) = rest.split_once(':')?;
                Some(Key::RateLimit(unescape(user)?, unescape(braced(endpoint)?)?))
            }
            "global_rate_limit" => Some(Key::GlobalRateLimit(unescape(braced(rest)?)?)),
            _ => None,
        }
    })
}

fn any_book() -> BookId {
    // Sixteen digits are a book id.
    match "0".repeat(BookId::LENGTH).parse() {
        Ok(book) => book,
        Err(error) => unreachable!("{error}"),
    }
}

fn any_voice() -> VoiceKey {
    VoiceKey {
        engine: String::new(),
        model: String::new(),
        voice: String::new(),
        speed: String::new(),
        format: String::new(),
    }
}

fn any_clip() -> ClipName {
    ClipName::new(&any_voice(), "", None)
}

fn parse_queue(name: &str) -> Option<Key> {
    let rest = name.strip_prefix("queue:tts:")?;
    if let Some(suffix) = rest.strip_prefix("books") {
        return Some(Key::Books(Pool::of_suffix(suffix)?));
    }
    if let Some(suffix) = rest.strip_prefix("wake") {
        return Some(Key::Wake(Pool::of_suffix(suffix)?));
    }
    let (kind, rest) = rest.split_once(":{")?;
    let (book, suffix) = rest.split_once('}')?;
    let (book, pool) = (book.parse().ok()?, Pool::of_suffix(suffix)?);
    Some(match (kind, &pool) {
        ("leases", &Pool::LOCAL) => Key::EarlierLeases(book),
        ("listeners", &Pool::LOCAL) => Key::Listeners(book),
        ("moved", &Pool::LOCAL) => Key::ListenersVersion(book),
        ("lanes", &Pool::LOCAL) => Key::LanesOfBook(book),
        _ => match kind.strip_prefix("pending:") {
            Some(class) => Key::Pending(class.parse().ok()?, book, pool),
            None => Key::Lane(kind.parse().ok()?, book, pool),
        },
    })
}

fn clip_of_book(text: &str) -> Option<(BookId, ClipName)> {
    let (book, clip) = text.split_once(':')?;
    Some((book_id(book)?, ClipName::parse(clip)?))
}

fn book_id(text: &str) -> Option<BookId> {
    braced(text)?.parse().ok()
}

fn braced(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

fn escape(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

/// The part, if this is how it would be written.
fn unescape(part: &str) -> Option<String> {
    let plain = percent_decode_str(part).decode_utf8().ok()?.into_owned();
    (escape(&plain) == part).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn books() -> impl Strategy<Value = BookId> {
        "[0-9a-f]{16}".prop_map(|id| id.parse().unwrap())
    }

    fn clips() -> impl Strategy<Value = ClipName> {
        (".*", ".*", ".*", ".*").prop_map(|(model, voice, speed, text)| ClipName {
            model,
            voice,
            speed,
            sentence: SentenceHash::of(&text, None),
        })
    }

    fn classes() -> impl Strategy<Value = Class> {
        prop::sample::select(Class::ALL.to_vec())
    }

    fn pools() -> impl Strategy<Value = Pool> {
        prop_oneof![Just(Pool::LOCAL), ".*".prop_map(|engine| Pool::of_engine(&engine))]
    }

    fn keys() -> impl Strategy<Value = Key> {
        prop_oneof![
            (books(), clips()).prop_map(|(book, clip)| Key::Audio(book, clip)),
            (books(), clips()).prop_map(|(book, clip)| Key::Lock(book, clip)),
            (classes(), books(), pools())
                .prop_map(|(class, book, pool)| Key::Lane(class, book, pool)),
            (classes(), books(), pools())
                .prop_map(|(class, book, pool)| Key::Pending(class, book, pool)),
            pools().prop_map(Key::Books),
            pools().prop_map(Key::Wake),
            books().prop_map(Key::LanesOfBook),
            books().prop_map(Key::EarlierLeases),
            books().prop_map(Key::Listeners),
            books().prop_map(Key::ListenersVersion),
            prop::sample::select(vec![
                Key::EarlierLeased,
                Key::Making,
                Key::Counts,
                Key::Abandoned,
                Key::Retry,
                Key::Dead,
                Key::Reaper,
                Key::Workers,
                Key::DirtyProgress,
                Key::Cleaner,
                Key::Probe,
            ]),
            ".*".prop_map(Key::WorkerStatus),
            ".*".prop_map(Key::WorkerLeases),
            ".*".prop_map(Key::RequestStatus),
            ".*".prop_map(Key::EnginePermits),
            ".*".prop_map(Key::EngineRest),
            ".*".prop_map(Key::EngineState),
            (books(), ".*").prop_map(|(book, voice)| Key::BookAudios(book, voice)),
            (books(), ".*").prop_map(|(book, place)| Key::Opening(book, place)),
            books().prop_map(Key::Book),
            (".*", books()).prop_map(|(user, book)| Key::Progress(user, book)),
            (".*", ".*").prop_map(|(user, endpoint)| Key::RateLimit(user, endpoint)),
            ".*".prop_map(Key::GlobalRateLimit),
        ]
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_is_written(key in keys(), prefix in "[a-z:]{0,6}") {
            for keys in [Keys::new(&prefix), Keys::for_cluster(&prefix)] {
                prop_assert_eq!(keys.parse(&keys.name(&key)), Some(key.clone()));
            }
        }

        #[test]
        fn what_is_read_would_be_written_so(name in "(tts|lock:tts|queue:tts:chapter|book_audios|progress|rate_limit|worker_status)[:%{}a-f0-9]{0,60}") {
            let keys = Keys::new("");
            if let Some(key) = keys.parse(&name) {
                prop_assert_eq!(keys.name(&key), name);
            }
        }

        #[test]
        fn different_keys_have_different_names(one in keys(), other in keys()) {
            let keys = Keys::new("");
            prop_assert_eq!(one == other, keys.name(&one) == keys.name(&other));
        }
    }

    #[test]
    fn keys_are_what_the_documents_say() {
        let book: BookId = "0123456789abcdef".parse().unwrap();
        let clip = ClipName {
            model: "espeak-ng".to_owned(),
            voice: "en-us".to_owned(),
            speed: "1".to_owned(),
            sentence: SentenceHash::of("", None),
        };
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let keys = Keys::new("");
        for (key, name) in [
            (
                Key::Audio(book.clone(), clip.clone()),
                format!("tts:{{0123456789abcdef}}:espeak-ng:en-us:1:{hash}"),
            ),
            (
                Key::Lock(book.clone(), clip),
                format!("lock:tts:{{0123456789abcdef}}:espeak-ng:en-us:1:{hash}"),
            ),
            (
                Key::Lane(Class::Prefetch, book.clone(), Pool::LOCAL),
                "queue:tts:prefetch:{0123456789abcdef}".to_owned(),
            ),
            (
                Key::Lane(Class::Chapter, book.clone(), Pool::of_engine("paid")),
                "queue:tts:chapter:{0123456789abcdef}:paid".to_owned(),
            ),
            (Key::Book(book.clone()), "book:{0123456789abcdef}".to_owned()),
            (
                Key::Progress("local".to_owned(), book.clone()),
                "progress:local:{0123456789abcdef}".to_owned(),
            ),
            (
                Key::BookAudios(book, "flite:slt".to_owned()),
                "book_audios:{0123456789abcdef}:flite%3Aslt".to_owned(),
            ),
            (
                Key::RateLimit("::1".to_owned(), "listen".to_owned()),
                "rate_limit:%3A%3A1:{listen}".to_owned(),
            ),
        ] {
            assert_eq!(keys.name(&key), name);
        }
        assert_eq!(keys.audio_head(), "tts:{");
        assert_eq!(keys.lock_head(), "lock:tts:{");
        assert_eq!(Keys::new("site:").name(&Key::Books(Pool::LOCAL)), "site:queue:tts:books");
        assert_eq!(Keys::for_cluster("site:").name(&Key::Retry), "{tts}:site:queue:tts:retry");
        assert_eq!(Keys::for_cluster("{site}:").name(&Key::Retry), "{site}:queue:tts:retry");
    }
}
