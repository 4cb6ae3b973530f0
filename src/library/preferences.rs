//! What a person has chosen, in SQL.

use std::sync::Arc;

use app::preferences::Preferences;
use serde_json::{Map, Value};
use sqlx::Row;

use super::{Library, LibraryError};
use crate::text::language::primary_subtag;

/// Begins the name of the setting that says which voice the reader knows for a language.
const TOLD: &str = "told_voice:";

impl Library {
    /// The reader's preferences; those nobody has chosen have their default.
    pub async fn preferences(&self) -> Result<Preferences, LibraryError> {
        let row = sqlx::query("SELECT value FROM preferences WHERE user_id = $1")
            .bind(&*self.user)
            .fetch_optional(&self.shared.database)
            .await?;
        let stored = row.map(|row| row.try_get::<String, _>("value")).transpose()?;
        Ok(stored.as_deref().map(read).unwrap_or_default())
    }

    /// The same, without a look into the database each time: a change by another server is seen after a few
    /// seconds.
    pub async fn recent_preferences(&self) -> Result<Arc<Preferences>, LibraryError> {
        self.shared.preferences.get(&self.user, self.preferences()).await
    }

    /// Notes that the reader knows by which voice books in a language are read unless another is chosen; true
    /// when that is news. Who has not been told before knows the engine of `last`, the voice that read a book.
    pub async fn tell_voice(
        &self,
        language: &str,
        voice: &str,
        last: Option<&str>,
    ) -> Result<bool, LibraryError> {
        let name = format!("{TOLD}{}:{}", self.user, primary_subtag(language));
        let database = &self.shared.database;
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(&name)
            .fetch_optional(database)
            .await?;
        let told = row.map(|row| row.try_get::<String, _>("value")).transpose()?;
        if told.as_deref() != Some(voice) {
            sqlx::query(
                "INSERT INTO settings (name, value) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(&name)
            .bind(voice)
            .execute(database)
            .await?;
        }
        let engine = |id: &str| id.split(':').next().map(str::to_owned);
        Ok(match (told, last) {
            (Some(told), _) => told != voice,
            (None, Some(last)) => engine(last) != engine(voice),
            (None, None) => false,
        })
    }

    /// Sets some of the reader's preferences by name; all of them, or none when one cannot be.
    pub async fn set_preferences(&self, chosen: &[(String, String)]) -> Result<(), LibraryError> {
        let mut transaction = self.shared.database.begin().await?;
        // Writing first has those wait that would change the same, here and on other servers.
        let row = sqlx::query(
            "INSERT INTO preferences (user_id, value) VALUES ($1, '{}') \
             ON CONFLICT (user_id) DO UPDATE SET value = preferences.value RETURNING value",
        )
        .bind(&*self.user)
        .fetch_one(&mut *transaction)
        .await?;
        let mut preferences = read(&row.try_get::<String, _>("value")?);
        for (name, value) in chosen {
            preferences.set(name, value)?;
        }
        sqlx::query("UPDATE preferences SET value = $2 WHERE user_id = $1")
            .bind(&*self.user)
            .bind(serde_json::to_string(&preferences)?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.shared.preferences.forget(&self.user).await;
        Ok(())
    }
}

/// What is stored. What an older or newer version has stored and this one cannot read is chosen again, and nothing else.
fn read(stored: &str) -> Preferences {
    if let Ok(preferences) = serde_json::from_str(stored) {
        return preferences;
    }
    let stored: Map<String, Value> = serde_json::from_str(stored).unwrap_or_default();
    let mut readable = Map::new();
    for (name, value) in stored {
        readable.insert(name.clone(), value);
        if serde_json::from_value::<Preferences>(readable.clone().into()).is_err() {
            readable.remove(&name);
        }
    }
    serde_json::from_value(readable.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use app::preferences::{Layout, Theme};

    use super::*;

    #[test]
    fn one_thing_that_cannot_be_read_costs_no_other() {
        let read =
            read(r#"{"theme":"dark","face":"of another version","layout":"paged","rate":"x"}"#);
        assert_eq!((read.theme, read.layout, read.rate), (Theme::Dark, Layout::Paged, 100));
        assert_eq!(super::read("no JSON"), Preferences::default());
    }
}
