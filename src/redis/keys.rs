//! Every key, its form, and the way back from the form.
//!
//! Ids stand in literal braces, Redis Cluster's hash tag: all keys of a book share a slot, so the
//! scripts on them run on a cluster unchanged. Parts that may hold anything are percent-encoded, so
//! that a key has one reading. `docs/redis.md` explains the keys to operators.

use std::sync::Arc;

use app::model::BookId;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::narrator::queue::Class;
use crate::text::hash::{ContentHash, Context, SentenceHash, VoiceKey};

/// What would be taken for a separator or a hash tag within a part, or be escaped in JSON.
const RESERVED: &AsciiSet =
    &CONTROLS.add(b':').add(b'{').add(b'}').add(b'%').add(b' ').add(b'"').add(b'\\');

/// A key without its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The audio cache: the bytes of a clip.
    Audio(BookId, ClipName),
    /// The lock on making a clip: the token of who makes it.
    Lock(BookId, ClipName),
    /// The same audio may be wanted in several books; this lock is on the audio itself.
    ContentLock(ContentHash),
    /// A lane of a book: jobs as JSON.
    Lane(Class, BookId),
    /// Content hashes of what waits in a lane.
    Pending(Class, BookId),
    /// What has been claimed of a book: token → deadline and job.
    Leases(BookId),
    /// Active listeners of a book: name → when and where.
    Listeners(BookId),
    /// Books with work, by class and turn.
    Books,
    /// Books that may have leases.
    Leased,
    /// A token for each piece of work that an idle worker has not been woken for.
    Wake,
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
    /// Requests being made to a speech service, by when each turn expires.
    EngineTurns(String),
    /// Written now and then to see whether Redis takes writes.
    Probe,
}

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
                VoiceKey { engine, model, format, .. } => format!("{engine}/{model}/{format}"),
            },
            voice: voice.voice.clone(),
            speed: voice.speed.clone(),
            sentence: SentenceHash::of(normalised, context),
        }
    }

    /// As it stands at the end of a key.
    pub fn form(&self) -> String {
        let Self { model, voice, speed, sentence } = self;
        format!("{}:{}:{}:{sentence}", escape(model), escape(voice), escape(speed))
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
}

impl Keys {
    /// Keys that all begin with `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The channel on which landed clips are announced.
    pub fn announcements(&self) -> String {
        format!("{}queue:tts:done", self.prefix)
    }

    /// A key as Redis has it.
    pub fn name(&self, key: &Key) -> String {
        let prefix = &self.prefix;
        match key {
            Key::Audio(book, clip) => format!("{prefix}tts:{{{book}}}:{}", clip.form()),
            Key::Lock(book, clip) => format!("{prefix}lock:tts:{{{book}}}:{}", clip.form()),
            Key::ContentLock(content) => format!("{prefix}lock:audio:{{{content}}}"),
            Key::Lane(class, book) => format!("{prefix}queue:tts:{class}:{{{book}}}"),
            Key::Pending(class, book) => format!("{prefix}queue:tts:pending:{class}:{{{book}}}"),
            Key::Leases(book) => format!("{prefix}queue:tts:leases:{{{book}}}"),
            Key::Listeners(book) => format!("{prefix}queue:tts:listeners:{{{book}}}"),
            Key::Books => format!("{prefix}queue:tts:books"),
            Key::Leased => format!("{prefix}queue:tts:leased"),
            Key::Wake => format!("{prefix}queue:tts:wake"),
            Key::Retry => format!("{prefix}queue:tts:retry"),
            Key::Dead => format!("{prefix}queue:tts:dead"),
            Key::Reaper => format!("{prefix}queue:tts:reaper"),
            Key::Workers => format!("{prefix}queue:tts:workers"),
            Key::WorkerStatus(worker) => format!("{prefix}worker_status:{}", escape(worker)),
            Key::RequestStatus(request) => format!("{prefix}tts_status:{}", escape(request)),
            Key::BookAudios(book, voice) => {
                format!("{prefix}book_audios:{{{book}}}:{}", escape(voice))
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
            Key::EngineTurns(engine) => format!("{prefix}engine_turns:{}", escape(engine)),
            Key::Cleaner => format!("{prefix}cleaner"),
            Key::Probe => format!("{prefix}probe"),
        }
    }

    /// What a book's key begins with: the book id and `}` follow. For scripts that choose the book.
    pub fn book_head(&self, key: impl Fn(BookId) -> Key) -> String {
        self.head(&key(any_book()), any_book().as_str())
    }

    /// What the key of a clip begins with: the book id, `}:` and the clip's name follow.
    pub fn audio_head(&self) -> String {
        self.head(&Key::Audio(any_book(), any_clip()), any_book().as_str())
    }

    /// What the key of a lock begins with: the same follows.
    pub fn lock_head(&self) -> String {
        self.head(&Key::Lock(any_book(), any_clip()), any_book().as_str())
    }

    /// What the key of a lock on audio begins with: the content hash and `}` follow.
    pub fn content_lock_head(&self) -> String {
        let content = ContentHash::of("", None, &any_voice());
        self.head(&Key::ContentLock(content), &content.to_string())
    }

    fn head(&self, key: &Key, part: &str) -> String {
        let name = self.name(key);
        let braced = format!("{{{part}}}");
        name.rfind(&braced).map_or_else(String::new, |at| name[..=at].to_owned())
    }

    /// The key that a name stands for; `None` when it is none of ours.
    pub fn parse(&self, name: &str) -> Option<Key> {
        let name = name.strip_prefix(&*self.prefix)?;
        let whole = match name {
            "queue:tts:books" => Some(Key::Books),
            "queue:tts:leased" => Some(Key::Leased),
            "queue:tts:wake" => Some(Key::Wake),
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
                "lock" => match rest.split_once(':')? {
                    ("tts", rest) => clip_of_book(rest).map(|(book, clip)| Key::Lock(book, clip)),
                    ("audio", rest) => Some(Key::ContentLock(braced(rest)?.parse().ok()?)),
                    _ => None,
                },
                "worker_status" => Some(Key::WorkerStatus(unescape(rest)?)),
                "engine_turns" => Some(Key::EngineTurns(unescape(rest)?)),
                "tts_status" => Some(Key::RequestStatus(unescape(rest)?)),
                "book_audios" => {
                    let (book, voice) = rest.split_once(':')?;
                    Some(Key::BookAudios(book_id(book)?, unescape(voice)?))
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
    let (kind, book) = name.strip_prefix("queue:tts:")?.rsplit_once(':')?;
    let book = book_id(book)?;
    Some(match kind {
        "leases" => Key::Leases(book),
        "listeners" => Key::Listeners(book),
        _ => match kind.strip_prefix("pending:") {
            Some(class) => Key::Pending(class.parse().ok()?, book),
            None => Key::Lane(kind.parse().ok()?, book),
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
        prop_oneof![Just(Class::Prefetch), Just(Class::Chapter)]
    }

    fn keys() -> impl Strategy<Value = Key> {
        prop_oneof![
            (books(), clips()).prop_map(|(book, clip)| Key::Audio(book, clip)),
            (books(), clips()).prop_map(|(book, clip)| Key::Lock(book, clip)),
            "[0-9a-f]{64}".prop_map(|hash| Key::ContentLock(hash.parse().unwrap())),
            (classes(), books()).prop_map(|(class, book)| Key::Lane(class, book)),
            (classes(), books()).prop_map(|(class, book)| Key::Pending(class, book)),
            books().prop_map(Key::Leases),
            books().prop_map(Key::Listeners),
            prop::sample::select(vec![
                Key::Books,
                Key::Leased,
                Key::Wake,
                Key::Retry,
                Key::Dead,
                Key::Reaper,
                Key::Workers,
                Key::DirtyProgress,
                Key::Cleaner,
                Key::Probe,
            ]),
            ".*".prop_map(Key::WorkerStatus),
            ".*".prop_map(Key::RequestStatus),
            ".*".prop_map(Key::EngineTurns),
            (books(), ".*").prop_map(|(book, voice)| Key::BookAudios(book, voice)),
            books().prop_map(Key::Book),
            (".*", books()).prop_map(|(user, book)| Key::Progress(user, book)),
            (".*", ".*").prop_map(|(user, endpoint)| Key::RateLimit(user, endpoint)),
            ".*".prop_map(Key::GlobalRateLimit),
        ]
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_is_written(key in keys(), prefix in "[a-z:]{0,6}") {
            let keys = Keys::new(&prefix);
            prop_assert_eq!(keys.parse(&keys.name(&key)), Some(key));
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
                Key::Lane(Class::Prefetch, book.clone()),
                "queue:tts:prefetch:{0123456789abcdef}".to_owned(),
            ),
            (
                Key::Lane(Class::Chapter, book.clone()),
                "queue:tts:chapter:{0123456789abcdef}".to_owned(),
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
        assert_eq!(keys.book_head(Key::Leases), "queue:tts:leases:{");
        assert_eq!(keys.audio_head(), "tts:{");
        assert_eq!(keys.lock_head(), "lock:tts:{");
        assert_eq!(keys.content_lock_head(), "lock:audio:{");
        assert_eq!(Keys::new("site:").name(&Key::Books), "site:queue:tts:books");
    }
}
