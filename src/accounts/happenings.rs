//! What happened to accounts and to what runs the place, for its admins.

use app::model::HappeningCard;
use sqlx::Row;

use super::{AccountError, Accounts, random, some_ms};
use crate::text::hash::hex;
use crate::time::now_ms;

/// How many are kept.
const MAX_KEPT: i64 = 10_000;
/// How many are shown.
const MAX_SHOWN: i64 = 200;
/// Somebody could not log in.
const REFUSED: &str = "login_refused";
/// How many of those are kept.
const MAX_REFUSED: i64 = 100;
/// Longest text of one, in characters: somebody who guesses decides what it says.
const MAX_CHARS: usize = 120;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// Who did it; empty where nobody is known.
    pub who: &'a str,
    /// What it was: `login`, `role`…
    pub what: &'static str,
    /// Whom or what it was about.
    pub about: &'a str,
    /// The address it came from.
    pub address: &'a str,
    /// Whether a program of theirs did it, by a token.
    pub is_program: bool,
}

fn short(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

impl Accounts {
    /// Writes down what happened. That it cannot be is said in the log, and keeps nobody from what they do.
    pub async fn note(&self, happening: Happening<'_>) {
        let Happening { who, what, about, address, is_program } = happening;
        let (who, about) = (short(who), short(about));
        tracing::info!(who, what, about, address, is_program, "it is written down");
        let happening = Happening { who: &who, about: &about, ..happening };
        if let Err(error) = self.write_down(happening).await {
            tracing::error!(%error, "what happened cannot be written down");
        }
    }

    async fn write_down(&self, happening: Happening<'_>) -> Result<(), AccountError> {
        let id = hex(&random::<8>()?);
        let written = sqlx::query(
            "INSERT INTO happenings (id, at, who, what, about, address, is_program)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let written = written.bind(&id).bind(now_ms() as i64).bind(happening.who);
        let written = written.bind(happening.what).bind(happening.about);
        let written = written.bind(short(happening.address)).bind(i64::from(happening.is_program));
        written.execute(&self.shared.database).await?;
        // Now and then, by chance: nobody needs to count.
        if id.starts_with("00") {
            let old = sqlx::query(
                "DELETE FROM happenings WHERE at < (SELECT MIN(at) FROM (SELECT at FROM happenings
                 ORDER BY at DESC LIMIT $1) AS kept)",
            );
            old.bind(MAX_KEPT).execute(&self.shared.database).await?;
        }
        Ok(())
    }

    /// Writes down that somebody could not log in; under the name of whoever has it. A name that nobody has may be a
    /// password in the wrong field. Of these few are kept, so that guessing pushes nothing else out.
    pub async fn note_refused(&self, name: &str, device: &str, address: &str) {
        let who = match self.id_of(name).await {
            Ok(_) => name,
            Err(_) => "",
        };
        let refused = Happening { who, what: REFUSED, about: device, address, is_program: false };
        self.note(refused).await;
        let old = sqlx::query(
            "DELETE FROM happenings WHERE what = $1 AND at < (SELECT MIN(at) FROM (SELECT at FROM happenings
             WHERE what = $1 ORDER BY at DESC LIMIT $2) AS kept)",
        );
        let old = old.bind(REFUSED).bind(MAX_REFUSED).execute(&self.shared.database).await;
        if let Err(error) = old {
            tracing::error!(%error, "old entries cannot be removed");
        }
    }

    /// What happened last, the newest first.
    pub async fn happenings(&self) -> Result<Vec<HappeningCard>, AccountError> {
        let rows = sqlx::query(
            "SELECT at, who, what, about, address, is_program FROM happenings
             ORDER BY at DESC, id LIMIT $1",
        );
        let rows = rows.bind(MAX_SHOWN).fetch_all(&self.shared.database).await?;
        let card = |row: &sqlx::any::AnyRow| HappeningCard {
            at_ms: some_ms(row.get(0)).unwrap_or_default(),
            who: row.get(1),
            what: row.get(2),
            about: row.get(3),
            address: row.get(4),
            is_program: row.get::<i64, _>(5) != 0,
        };
        Ok(rows.iter().map(card).collect())
    }
}
