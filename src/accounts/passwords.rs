//! Passwords: argon2id, at the cost that OWASP's password storage cheat sheet names as its minimum.

use std::sync::Arc;

use argon2::password_hash::PasswordHasher;
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use tokio::sync::{OnceCell, Semaphore};
use unicode_normalization::UnicodeNormalization;

use super::AccountError;

/// Fewest characters. NIST SP 800-63B asks for 8, and advises more where it is the only factor.
const MIN_CHARS: usize = 10;
/// Most characters.
const MAX_CHARS: usize = 200;
/// Passwords that are hashed at once: each takes 19 MiB for some 20 ms of a processor.
const AT_ONCE: usize = 2;
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

/// Hashes and compares passwords, few at a time.
#[derive(Clone)]
pub(super) struct Passwords {
    permits: Arc<Semaphore>,
    /// What the password of nobody is compared with, so that no answer comes sooner for a name that nobody has.
    of_nobody: Arc<OnceCell<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), of_nobody: Arc::default() }
    }
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

    /// Does what takes a processor, apart from those that answer requests.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, AccountError> {
        let failed = |error: String| AccountError::Secret(error);
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| failed(error.to_string()))?;
        // It goes on when whoever asked has gone, and so does its permit.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        let done = done.await;
        done.map_err(|error| failed(error.to_string()))?.map_err(failed)
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
