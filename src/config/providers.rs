//! Providers of logins, as a file names them.

use std::path::{Path, PathBuf};

use app::model::Role;
use serde::Deserialize;
use thiserror::Error;

/// A provider of logins by OpenID Connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its name in addresses: lower-case letters, digits and hyphens.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Where it is; `/.well-known/openid-configuration` is looked for below.
    pub issuer: String,
    /// As what Earmark is known there.
    pub client_id: String,
    /// A file whose first line is the secret, if there is one.
    pub client_secret_file: Option<PathBuf>,
    /// What somebody may do whom it lets in and nobody knows yet; without it, nobody new comes in that way.
    pub new_users: Option<Role>,
}

/// Why providers cannot be used.
#[derive(Debug, Error)]
pub enum ProvidersError {
    /// A file cannot be read.
    #[error("{}: {reason}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads providers and their secrets: a list in JSON.
///
/// # Errors
/// When a file cannot be read, or does not say what it should.
pub fn read_providers(
    file: &Path,
) -> Result<Vec<(ProviderSettings, Option<String>)>, ProvidersError> {
    let wrong =
        |file: &Path, reason: String| ProvidersError::File { file: file.to_owned(), reason };
    let read =
        |file: &Path| std::fs::read_to_string(file).map_err(|error| wrong(file, error.to_string()));
    let listed: Vec<ProviderSettings> =
        serde_json::from_str(&read(file)?).map_err(|error| wrong(file, error.to_string()))?;
    let mut providers: Vec<(ProviderSettings, Option<String>)> = Vec::new();
    for one in listed {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if one.name.is_empty() || !one.name.chars().all(is_plain) {
            let reason =
                format!("“{}” is no name of lower-case letters, digits and hyphens", one.name);
            return Err(wrong(file, reason));
        }
        if providers.iter().any(|(known, _)| known.name == one.name) {
            return Err(wrong(file, format!("there are two providers called “{}”", one.name)));
        }
        let secret = one.client_secret_file.as_deref().map(read).transpose()?;
        let secret = secret.map(|text| text.lines().next().unwrap_or_default().trim().to_owned());
        providers.push((one, secret));
    }
    Ok(providers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_providers() {
        let folder = tempfile::TempDir::new().unwrap();
        let (file, secret) = (folder.path().join("providers.json"), folder.path().join("secret"));
        std::fs::write(&secret, "hush\n").unwrap();
        let read = |text: &str| {
            std::fs::write(&file, text.replace("SECRET", secret.to_str().unwrap())).unwrap();
            read_providers(&file)
        };
        let one = r#"{"name": "home", "label": "Home", "issuer": "https://id.example", "client_id": "earmark",
            "client_secret_file": "SECRET", "new_users": "listener"}"#;
        let read_one = read(&format!("[{one}]")).unwrap();
        assert_eq!(read_one[0].1.as_deref(), Some("hush"));
        assert_eq!(read_one[0].0.new_users, Some(Role::Listener));
        for wrong in [
            format!("[{one}, {one}]"),
            format!("[{}]", one.replace("home", "Home")),
            format!("[{}]", one.replace("label", "lable")),
            format!("[{}]", one.replace("SECRET", "/nowhere/at/all")),
            "{}".to_owned(),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
