//! Passwords: argon2id, at the cost that OWASP's password storage cheat sheet names as its minimum.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::PasswordHasher;
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use tokio::sync::{OnceCell, mpsc, oneshot};
use unicode_normalization::UnicodeNormalization;

use super::AccountError;

/// Fewest characters. NIST SP 800-63B asks for 8, and advises more where it is the only factor.
const MIN_CHARS: usize = 10;
/// Most characters.
const MAX_CHARS: usize = 200;
/// Passwords that wait to be hashed; those that come then wait until there is room.
const WAITING: usize = 64;
/// What is tried first by whoever guesses, of those that are long enough.
const COMMON: [&str; 24] = [
    "1234567890",
    "0123456789",
    "0987654321",
    "12345678910",
    "123456789a",
    "1q2w3e4r5t",
    "qwertyuiop",
    "qwerty12345",
    "qwerty123456",
    "password12",
    "password123",
    "password1234",
    "passw0rd123",
    "iloveyou12",
    "iloveyou123",
    "letmein123",
    "welcome123",
    "administrator",
    "adminadmin",
    "changeme123",
    "abcdefghij",
    "abcd123456",
    "1111111111",
    "0000000000",
];

/// In place of a hash, for who has no password and comes in otherwise.
pub(super) const OF_NOBODY: &str = "";

/// Something to be hashed.
type Work = Box<dyn FnOnce() + Send>;

/// Hashes and compares passwords, one at a time and always on the same thread: each takes 19 MiB for some 15 ms of a
/// processor, and every thread that has had so much keeps it (glibc).
#[derive(Clone, Default)]
pub(super) struct Passwords {
    /// A std mutex: held for a look, never across an await.
    thread: Arc<Mutex<Option<mpsc::Sender<Work>>>>,
    /// What the password of nobody is compared with, so that no answer comes sooner for a name that nobody has.
    of_nobody: Arc<OnceCell<String>>,
}

impl Passwords {
    /// The hash of a new password, if it can be one.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let password = &*normalized(password);
        let chars = password.chars().count();
        let is_common = COMMON.contains(&&*password.to_lowercase());
        if !(MIN_CHARS..=MAX_CHARS).contains(&chars) || is_common {
            return Err(AccountError::Password);
        }
        self.hash_any(password).await
    }

    /// Whether a password is the one that was hashed, or that of nobody.
    pub(super) async fn is_right(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, AccountError> {
        let password = normalized(password);
        // Nobody has a longer one.
        if password.chars().count() > MAX_CHARS {
            return Ok(false);
        }
        let hash = hash.filter(|hash| hash != OF_NOBODY);
        let is_somebody = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.of_nobody.get_or_try_init(|| self.hash_any("nobody")).await?.clone(),
        };
        let is_same = self
            .apart(move || {
                let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(is_same && is_somebody)
    }

    async fn hash_any(&self, password: &str) -> Result<String, AccountError> {
        let password = password.to_owned();
        self.apart(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
        })
        .await
    }

    /// Does what takes a processor, apart from those that answer requests. What nobody waits for any more is left
    /// undone.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, AccountError> {
        let (answer, done) = oneshot::channel();
        let work: Work = Box::new(move || {
            if !answer.is_closed() {
                // Whoever asked may have gone meanwhile.
                let _ = answer.send(work());
            }
        });
        let failed = |error: String| AccountError::Secret(error);
        self.thread()?.send(work).await.map_err(|error| failed(error.to_string()))?;
        done.await.map_err(|error| failed(error.to_string()))?.map_err(failed)
    }

    /// The thread that hashes, which is started with the first password.
    fn thread(&self) -> Result<mpsc::Sender<Work>, AccountError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = &*thread {
            return Ok(thread.clone());
        }
        let (sender, mut work) = mpsc::channel::<Work>(WAITING);
        let hashing = std::thread::Builder::new().name("passwords".to_owned());
        let started = hashing.spawn(move || {
            while let Some(work) = work.blocking_recv() {
                work();
            }
        });
        started.map_err(|error| AccountError::Secret(error.to_string()))?;
        *thread = Some(sender.clone());
        Ok(sender)
    }
}

/// The same password, however a keyboard has composed its letters (NIST SP 800-63B, section 3.1.1.2). What is longer
/// than a password can be is not looked at to its end.
fn normalized(password: &str) -> String {
    password.nfkc().take(MAX_CHARS + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap(), "each has its salt");
        assert!(passwords.is_right("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.is_right("correct Horse", Some(hash)).await.unwrap());
        let composed = passwords.hash("caf\u{e9} au lait").await.unwrap();
        assert!(passwords.is_right("cafe\u{301} au lait", Some(composed)).await.unwrap());
        assert!(!passwords.is_right("nobody", None).await.unwrap(), "nobody can log in");
    }

    #[tokio::test]
    async fn a_password_that_everybody_tries_is_none() {
        let passwords = Passwords::default();
        for bad in ["short", "Password123", "1234567890", &"a".repeat(201)] {
            assert!(matches!(passwords.hash(bad).await, Err(AccountError::Password)), "{bad}");
        }
    }
}
