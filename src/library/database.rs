//! The connection to SQL.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, Row};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Connections to the database. SQLite writes one at a time and reads are short.
const MAX_CONNECTIONS: u32 = 8;

/// How the tables of a database are, beside those that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// There are none yet.
    New,
    /// As it knows them.
    Current,
    /// Of an earlier version.
    Earlier,
    /// Of a later version.
    Later,
}

/// Opens PostgreSQL by its URL, or without one the SQLite file of a data directory, creating and
/// migrating it.
///
/// # Errors
/// When it cannot be reached, or cannot be brought up to date.
pub async fn connect(url: Option<&str>, data: &Path) -> Result<AnyPool, sqlx::Error> {
    let own = format!("sqlite://{}?mode=rwc", file(data).display());
    let pool = open(url.unwrap_or(&own)).await?;
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

/// Opens the same as it is, neither creating nor migrating it: a server of an earlier version may be running on it.
///
/// # Errors
/// When it cannot be reached.
pub async fn connect_as_it_is(
    url: Option<&str>,
    data: &Path,
) -> Result<(AnyPool, Schema), sqlx::Error> {
    let own = format!("sqlite://{}?mode=rw", file(data).display());
    let is_there = url.is_some() || file(data).exists();
    let pool = open(url.unwrap_or(if is_there { &own } else { "sqlite::memory:" })).await?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    let done = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations WHERE success");
    let schema = match done.fetch_one(&pool).await {
        // The table of what was done is not there: so PostgreSQL says it by code, and SQLite in words.
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some("42P01")
                || error.message().contains("no such table") =>
        {
            Schema::New
        }
        row => match row?.get::<Option<i64>, _>(0) {
            None => Schema::New,
            done if done == known => Schema::Current,
            done if done < known => Schema::Earlier,
            _ => Schema::Later,
        },
    };
    Ok((pool, schema))
}

fn file(data: &Path) -> PathBuf {
    data.join("earmark.db")
}

async fn open(url: &str) -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let options = AnyPoolOptions::new().max_connections(MAX_CONNECTIONS);
    let options = options.after_connect(|connection, _| {
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
    });
    options.connect(url).await
}
