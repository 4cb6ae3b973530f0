//! The connection to SQL.

use std::fs::File;
use std::path::Path;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Connections to the database. SQLite writes one at a time and reads are short.
const MAX_CONNECTIONS: u32 = 8;

/// Opens PostgreSQL by its URL, or without one the SQLite file of a data directory, creating and
/// migrating it.
pub async fn connect(url: Option<&str>, data: &Path) -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let own = format!("sqlite://{}?mode=rwc", data.join("earmark.db").display());
    let pool = AnyPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .after_connect(|connection, _| {
            Box::pin(async move {
                if connection.backend_name() != "SQLite" {
                    return Ok(());
                }
                // With the default journal 1,000 small writes took 28 s. After a power cut NORMAL
                // may lose the last of them, never the file.
                for pragma in [
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = NORMAL",
                    "PRAGMA foreign_keys = ON",
                    "PRAGMA busy_timeout = 5000",
                ] {
                    sqlx::query(pragma).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect(url.unwrap_or(&own))
        .await?;
    if url.is_some() {
        // PostgreSQL keeps two processes from migrating at once.
        MIGRATIONS.run(&pool).await?;
        return Ok(pool);
    }
    // SQLite does not keep two processes from migrating at once; whoever comes second waits here.
    let lock = File::create(data.join("earmark.lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
        .await
        .map_err(std::io::Error::other)??;
    MIGRATIONS.run(&pool).await?;
    drop(lock);
    Ok(pool)
}
