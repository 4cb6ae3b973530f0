//! Rows of any table as JSON and back. All columns are numbers or texts, which every database has.

use futures::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{Any, AnyPool, AssertSqlSafe, Column, Row, Transaction, ValueRef};
use tokio::sync::mpsc::Sender;

use super::BackupError;

/// A row: its columns that have a value, by name.
pub(super) type Columns = Map<String, Value>;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Whether its rows are about audio, which can be made again.
    pub(super) is_audio: bool,
}

const fn table(name: &'static str) -> Table {
    Table { name, is_audio: false }
}

const fn audio(name: &'static str) -> Table {
    Table { name, is_audio: true }
}

/// All tables, each behind those that it refers to. Not among them are `synthesis`, which says what is being made now,
/// and `challenges`, which browsers are answering.
pub(super) static ALL: [Table; 30] = [
    table("users"),
    table("books"),
    table("chapters"),
    table("progress"),
    table("preferences"),
    table("annotations"),
    table("pronunciations"),
    table("settings"),
    table("engines"),
    table("engine_usage"),
    table("spending"),
    table("identities"),
    table("passkeys"),
    table("invitations"),
    table("tokens"),
    table("user_sessions"),
    table("happenings"),
    table("shares"),
    table("guests"),
    table("feeds"),
    table("narrations"),
    table("nights"),
    table("documents"),
    table("sync_places"),
    table("reading_days"),
    table("figures"),
    table("totals"),
    table("utterances"),
    audio("audio_assets"),
    audio("asset_books"),
];

/// The last change that the tables have seen.
pub(super) async fn schema(database: &AnyPool) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT MAX(version) AS last FROM _sqlx_migrations").fetch_one(database);
    row.await?.try_get("last")
}

/// A look at all tables as they are at one moment.
pub(super) async fn snapshot(database: &AnyPool) -> Result<Transaction<'static, Any>, sqlx::Error> {
    let mut transaction = database.begin().await?;
    // In SQLite a transaction sees one moment anyway.
    if transaction.backend_name() != "SQLite" {
        let whole = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        sqlx::query(whole).execute(&mut *transaction).await?;
    }
    Ok(transaction)
}

/// Sends the rows of a table.
pub(super) async fn read(
    snapshot: &mut Transaction<'static, Any>,
    table: &str,
    to: &Sender<Columns>,
) -> Result<(), BackupError> {
    // The names of tables are those above.
    let statement = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
    let mut rows = statement.fetch(&mut **snapshot);
    while let Some(row) = rows.try_next().await? {
        if to.send(columns(&row)?).await.is_err() {
            // Whoever writes has failed, and says why.
            return Ok(());
        }
    }
    Ok(())
}

fn columns(row: &AnyRow) -> Result<Columns, sqlx::Error> {
    let mut columns = Columns::new();
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        if value.is_null() {
            continue;
        }
        let value = match value.type_info().kind() {
            AnyTypeInfoKind::Text => Value::from(row.try_get::<String, _>(column.ordinal())?),
            AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                Value::from(row.try_get::<i64, _>(column.ordinal())?)
            }
            kind => {
                let reason = format!("column {} is {kind:?}", column.name());
                return Err(sqlx::Error::Decode(reason.into()));
            }
        };
        columns.insert(column.name().to_owned(), value);
    }
    Ok(columns)
}

/// What a server writes by itself that nobody has begun to use.
const OWN: [&str; 4] = ["settings", "figures", "totals", "nights"];

/// Whether somebody has begun to use a database.
pub(super) async fn has_rows(database: &AnyPool) -> Result<bool, sqlx::Error> {
    let mut transaction = database.begin().await?;
    let used = is_used(&mut transaction).await;
    transaction.rollback().await?;
    used
}

async fn is_used(transaction: &mut Transaction<'static, Any>) -> Result<bool, sqlx::Error> {
    for table in ALL.iter().filter(|table| !OWN.contains(&table.name)) {
        let first = AssertSqlSafe(format!("SELECT 1 AS one FROM {} LIMIT 1", table.name));
        if sqlx::query(first).fetch_optional(&mut **transaction).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Begins to fill a database that nobody has begun to use, without what a server notes when it starts; `None` when
/// somebody has since it was looked at. Nobody else writes until it is done.
pub(super) async fn begin_empty(
    database: &AnyPool,
) -> Result<Option<Transaction<'static, Any>>, sqlx::Error> {
    let mut transaction = database.begin().await?;
    // A transaction of SQLite that begins with a write has the only pen; PostgreSQL is told.
    if transaction.backend_name() != "SQLite" {
        for table in &ALL {
            let lock = AssertSqlSafe(format!("LOCK TABLE {} IN EXCLUSIVE MODE", table.name));
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
    }
    for table in OWN {
        let statement = sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")));
        statement.execute(&mut *transaction).await?;
    }
    Ok((!is_used(&mut transaction).await?).then_some(transaction))
}

/// What a narration is without the file that it became.
pub(super) fn without_file(row: &mut Columns) {
    row.insert("bytes".to_owned(), Value::from(0));
}

/// Inserts a row. What the table does not have is an error: the backup is of another program.
pub(super) async fn insert(
    transaction: &mut Transaction<'static, Any>,
    table: &str,
    row: &Columns,
) -> Result<(), BackupError> {
    // Names come from a file: nothing but a name may stand in the statement.
    let is_name = |name: &String| name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    if let Some(other) = row.keys().find(|name| !is_name(name)) {
        return Err(BackupError::Damaged(format!("a column is called “{other}”")));
    }
    let names: Vec<&str> = row.keys().map(String::as_str).collect();
    let places: Vec<String> = (1..=row.len()).map(|at| format!("${at}")).collect();
    let statement =
        format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for (name, value) in row {
        query = match value {
            Value::String(text) => query.bind(text.clone()),
            Value::Number(number) if number.is_i64() => query.bind(number.as_i64()),
            _ => return Err(BackupError::Damaged(format!("“{name}” is neither number nor text"))),
        };
    }
    query.execute(&mut **transaction).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn no_table_is_left_out() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = crate::library::connect(None, folder.path()).await.unwrap();
        let rows = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'");
        let rows = rows.fetch_all(&database).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("name").unwrap()).collect();
        let known = ALL.iter().map(|table| table.name);
        // What is being made now, and what sqlx and SQLite keep for themselves.
        let own =
            ["synthesis", "challenges", "_sqlx_migrations", "sqlite_sequence", "sqlite_stat1"];
        let known: BTreeSet<String> = known.chain(own).map(str::to_owned).collect();
        let missing: Vec<_> = there.difference(&known).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(ALL.iter().all(|table| there.contains(table.name)));
    }
}
