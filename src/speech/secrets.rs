//! Keys of speech services at rest: XChaCha20-Poly1305 under one key of the installation, which comes
//! from the environment or from a file that only its owner reads. A secret is bound to the engine it
//! belongs to, so that none can be moved to another in the database.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use thiserror::Error;

/// The file with the key, in the data folder.
const FILE: &str = "secret.key";
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;

/// Why a secret cannot be kept or read.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file with the key cannot be used.
    #[error("the file {FILE} in the data folder cannot be used: {0}")]
    File(#[from] io::Error),
    /// The key is not 32 bytes in base64.
    #[error("the secret key must be 32 bytes in base64, as `openssl rand -base64 32` makes them")]
    Malformed,
    /// The secret was encrypted with another key, or is damaged.
    #[error(
        "the key of “{0}” was stored under another secret key: set EARMARK_SECRET_KEY as it was, or enter the key again"
    )]
    Foreign(String),
}

/// Encrypts and decrypts what is kept of engines' keys.
pub struct Secrets {
    cipher: XChaCha20Poly1305,
}

impl Secrets {
    /// With the key given, else the one in the data folder, which is made when there is none.
    pub fn open(given: Option<&str>, folder: &Path) -> Result<Self, SecretsError> {
        let text = match given {
            Some(text) => text.to_owned(),
            None => key_file(&folder.join(FILE))?,
        };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| SecretsError::Malformed)?;
        let key =
            Key::<XChaCha20Poly1305>::try_from(&bytes[..]).map_err(|_| SecretsError::Malformed)?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&key) })
    }

    /// Encrypts the key of an engine.
    pub fn seal(&self, engine: &str, secret: &str) -> Result<String, SecretsError> {
        let nonce = XNonce::generate();
        let payload = Payload { msg: secret.as_bytes(), aad: engine.as_bytes() };
        let sealed = self.cipher.encrypt(&nonce, payload);
        // Only a text of gigabytes is refused.
        let sealed = sealed.map_err(|_| SecretsError::Malformed)?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts the key of an engine.
    pub fn open_sealed(&self, engine: &str, sealed: &str) -> Result<String, SecretsError> {
        let foreign = || SecretsError::Foreign(engine.to_owned());
        let bytes = STANDARD.decode(sealed).map_err(|_| foreign())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(foreign)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| foreign())?;
        let payload = Payload { msg: sealed, aad: engine.as_bytes() };
        let secret = self.cipher.decrypt(&nonce, payload).map_err(|_| foreign())?;
        String::from_utf8(secret).map_err(|_| foreign())
    }
}

/// Reads the key, or makes it: two processes that start at once end up with the same one.
fn key_file(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => {
            warn_if_shared(path);
            return read;
        }
    }
    let text = STANDARD.encode(Key::<XChaCha20Poly1305>::generate());
    let mut draft = tempfile::Builder::new().prefix(FILE).tempfile_in(folder_of(path))?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    // Temporary files are made with mode 600; whoever is first wins.
    match draft.persist_noclobber(path) {
        Ok(_) => Ok(text),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path)
        }
        Err(error) => Err(error.error),
    }
}

/// A key that others can read opens every other key for them.
fn warn_if_shared(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map(|found| found.permissions().mode()).unwrap_or(0);
        if mode & 0o077 != 0 {
            tracing::warn!(
                file = %path.display(),
                "other users of this machine can read the secret key; `chmod 600` ends that"
            );
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_comes_back_to_its_engine_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(None, folder.path()).unwrap();
        let sealed = secrets.seal("openai", "sk-1234").unwrap();
        assert!(!sealed.contains("1234") && sealed != secrets.seal("openai", "sk-1234").unwrap());
        let again = Secrets::open(None, folder.path()).unwrap();
        assert_eq!(again.open_sealed("openai", &sealed).unwrap(), "sk-1234");
        assert!(again.open_sealed("other", &sealed).is_err());
        assert!(again.open_sealed("openai", "AAAA").is_err());
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn another_key_does_not_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Secrets::open(None, folder.path()).unwrap().seal("a", "b").unwrap();
        let other = STANDARD.encode([7; 32]);
        let secrets = Secrets::open(Some(&other), folder.path()).unwrap();
        assert!(matches!(secrets.open_sealed("a", &sealed), Err(SecretsError::Foreign(_))));
        assert!(matches!(
            Secrets::open(Some("short"), folder.path()),
            Err(SecretsError::Malformed)
        ));
    }
}
