//! What is there of all that Earmark needs, what is missing, and what to do about it: `earmark doctor`.
//!
//! It opens what the server would and changes nothing: a database that is not there, or of an earlier version, is made
//! or brought up to date when the server starts.

use std::io::ErrorKind;
use std::time::Duration;

use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;
use tokio_util::sync::CancellationToken;

use crate::config::{DataConfig, ServeConfig};
use crate::dictionaries::Dictionaries;
use crate::library::Schema;
use crate::redis::RedisConnection;
use crate::speech::Voices;
use crate::stores::Stores;
use crate::time::now_ms;

/// What has no answer by then is out of reach.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clocks of servers that work together may differ by this; leases last for some seconds.
const MAX_SKEW: Duration = Duration::from_secs(2);
/// No clock is right that is before this: the day this was written, in ms since 1970.
const WRITTEN_MS: u64 = 1_795_824_000_000;
/// Less room than this on the disk of the data folder is worth a word, in MB: a large book has as much.
const LITTLE_ROOM_MB: u64 = 1024;
/// What is written to the object store and removed again.
const PROBE: &str = "doctor-probe";

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What there is, or what is wrong.
    pub state: Result<String, Trouble>,
}

/// What is wrong with something.
#[derive(Debug)]
pub struct Trouble {
    /// Whether Earmark does not run without it, or not as it was told to.
    pub is_serious: bool,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub advice: String,
}

fn problem(why: impl ToString, advice: impl ToString) -> Trouble {
    Trouble { is_serious: true, why: why.to_string(), advice: advice.to_string() }
}

fn note(why: impl ToString, advice: impl ToString) -> Trouble {
    Trouble { is_serious: false, ..problem(why, advice) }
}

/// Looks at all of it, with the settings that the server would have.
pub async fn look(config: &ServeConfig) -> Vec<Finding> {
    let mut findings = vec![
        Finding { what: "data folder", state: data_folder(&config.data) },
        Finding { what: "pages", state: pages(config) },
        Finding { what: "port", state: port(config).await },
        Finding { what: "clock", state: clock() },
    ];
    let mut has_engines = false;
    match tokio::time::timeout(PATIENCE, Stores::open_as_it_is(&config.data)).await {
        Ok(Ok((stores, schema))) => {
            let engines = sqlx::query("SELECT 1 AS one FROM engines LIMIT 1");
            has_engines = matches!(engines.fetch_optional(&stores.database).await, Ok(Some(_)));
            findings.push(Finding { what: "database", state: tables(&config.data, schema) });
            findings.push(Finding { what: "object store", state: objects(config, &stores).await });
        }
        Ok(Err(error)) => {
            let advice = "Is it there, and are user, password and name in DATABASE_URL, or bucket and keys in EARMARK_OBJECTS_URL and AWS_…, right?";
            findings.push(Finding { what: "database", state: Err(problem(error, advice)) });
        }
        Err(_) => {
            let advice = "Is the address in DATABASE_URL one that this machine reaches?";
            let state = Err(problem("no answer within ten seconds", advice));
            findings.push(Finding { what: "database", state });
        }
    }
    findings.push(Finding { what: "Redis", state: redis(config).await });
    findings.push(Finding { what: "voices", state: voices(config, has_engines).await });
    findings.push(Finding { what: "ffmpeg", state: ffmpeg().await });
    findings.push(Finding { what: "dictionaries", state: dictionaries(&config.data) });
    findings
}

fn tables(data: &DataConfig, schema: Schema) -> Result<String, Trouble> {
    let place = match data.database() {
        Some(_) => "PostgreSQL answers",
        None => "SQLite in the data folder",
    };
    match schema {
        Schema::Current => Ok(format!("{place}, and its tables are there")),
        Schema::New => Ok(format!("{place}; tables are made at the first start")),
        Schema::Earlier => {
            let why = format!("{place}; its tables are of an earlier version");
            Err(note(
                why,
                "They are brought up to date when Earmark starts. Make a backup with the version that runs now, before you start this one.",
            ))
        }
        Schema::Later => {
            let why = format!("{place}; its tables are of a later version");
            Err(problem(why, "Start that version, or restore a backup of this one."))
        }
    }
}

fn dictionaries(data: &DataConfig) -> Result<String, Trouble> {
    let folder = data.dictionaries();
    let known = Dictionaries::find(&folder);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (path, examined) in known.examine() {
        match examined {
            Ok(found) => {
                let whose = found.language.as_deref().unwrap_or("every language");
                good.push(format!("{} ({} words, for {whose})", found.name, found.words));
            }
            Err(error) => bad.push(format!("{}: {error}", path.display())),
        }
    }
    if !bad.is_empty() {
        return Err(note(bad.join("; "), "Words are looked up in the others, if there are any."));
    }
    if good.is_empty() {
        let shown = folder.display();
        return Ok(format!("none in {shown}: words are looked up in Wiktionary, in another tab"));
    }
    Ok(good.join(", "))
}

fn data_folder(data: &DataConfig) -> Result<String, Trouble> {
    let folder = data.folder();
    let shown = folder.display().to_string();
    let unusable = |error: std::io::Error| {
        let advice = match error.kind() {
            ErrorKind::PermissionDenied => {
                "Give it to the user that Earmark runs as, or name another with --data."
            }
            _ => "Name another with --data.",
        };
        problem(format!("{shown} cannot be used: {error}"), advice)
    };
    std::fs::create_dir_all(&folder).map_err(unusable)?;
    tempfile::tempfile_in(&folder).map_err(unusable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&folder).map_err(unusable)?.permissions().mode();
        let is_open = mode & 0o077 != 0;
        let room = rustix::fs::statvfs(&folder).map_err(|error| unusable(error.into()))?;
        let free_mb = room.f_bavail.saturating_mul(room.f_frsize) >> 20;
        if free_mb < LITTLE_ROOM_MB {
            let advice = "Audio is kept up to a limit that the page Storage sets; books are as large as their files.";
            return Err(note(format!("{free_mb} MB are free in {shown}"), advice));
        }
        if is_open {
            let advice = format!("`chmod 700 {shown}` ends that.");
            return Err(note(format!("other users of this machine can look into {shown}"), advice));
        }
        Ok(format!("{shown}, {} GB free", free_mb >> 10))
    }
    #[cfg(not(unix))]
    Ok(shown)
}

fn pages(config: &ServeConfig) -> Result<String, Trouble> {
    let site = config.server.site_root();
    let shown = site.display();
    match site.join("pkg").is_dir() {
        true => Ok(shown.to_string()),
        false => Err(problem(
            format!("no scripts and styles are in {shown}"),
            "`make build` makes them in target/site; with --site they may be elsewhere.",
        )),
    }
}

async fn port(config: &ServeConfig) -> Result<String, Trouble> {
    let address = config.server.addr;
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(note(
            format!("somebody listens on {address}"),
            "If that is Earmark, all is well; otherwise name another address with --addr.",
        )),
        Err(error) => {
            Err(problem(format!("{address}: {error}"), "Name another address with --addr."))
        }
    }
}

fn clock() -> Result<String, Trouble> {
    if now_ms() < WRITTEN_MS {
        let advice = "Set it, by NTP at best: certificates, log-ins and leases depend on it.";
        return Err(problem("it is in the past", advice));
    }
    Ok("it is later than this program".to_owned())
}

async fn objects(config: &ServeConfig, stores: &Stores) -> Result<String, Trouble> {
    let place = match config.data.objects_url.as_deref().filter(|url| !url.is_empty()) {
        Some(_) => "the bucket",
        None => "the data folder",
    };
    let path = ObjectPath::from(PROBE);
    let written = async {
        stores.objects.put(&path, PROBE.into()).await?;
        let read = stores.objects.get(&path).await?.bytes().await?;
        stores.objects.delete(&path).await?;
        Ok::<_, object_store::Error>(read)
    };
    let advice = "Are the bucket, its region and endpoint, and the keys right, and may they write and delete?";
    match tokio::time::timeout(PATIENCE, written).await {
        Ok(Ok(read)) if read == PROBE => Ok(format!("{place} takes files and gives them back")),
        Ok(Ok(_)) => Err(problem("it gives back another file than it was given", advice)),
        Ok(Err(error)) => Err(problem(error, advice)),
        Err(_) => Err(problem("no answer within ten seconds", advice)),
    }
}

async fn redis(config: &ServeConfig) -> Result<String, Trouble> {
    let shutdown = CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    let advice = "Is it there, and are the address and the password in REDIS_URL right?";
    let Some(settings) = config.shared.redis() else {
        return Ok("not used: one server needs none".to_owned());
    };
    let opening = RedisConnection::open(&settings, shutdown);
    let redis = match tokio::time::timeout(PATIENCE, opening).await {
        Ok(Ok(redis)) => redis,
        Ok(Err(error)) => return Err(problem(error, advice)),
        Err(_) => return Err(problem("no answer within ten seconds", advice)),
    };
    let time: redis::RedisResult<(u64, u64)> =
        redis::cmd("TIME").query_async(&mut redis.clone()).await;
    let (seconds, micros) = time.map_err(|error| problem(error, advice))?;
    let skew = (seconds * 1000 + micros / 1000).abs_diff(now_ms());
    if u128::from(skew) > MAX_SKEW.as_millis() {
        let advice = "Have both follow NTP: leases are given by its clock and kept by ours.";
        return Err(note(format!("its clock and this one differ by {skew} ms"), advice));
    }
    Ok("it answers, and its clock is right".to_owned())
}

async fn voices(config: &ServeConfig, has_engines: bool) -> Result<String, Trouble> {
    let places = config.narration.places(&config.data);
    let places = places.map_err(|error| problem(error, "Is this program where it was started?"))?;
    let voices = Voices::installed(config.narration.voice.clone(), &places).await;
    let list = voices.list();
    let mut engines: Vec<&str> = list.iter().map(|voice| voice.engine.as_str()).collect();
    engines.dedup();
    if engines.is_empty() && has_engines {
        return Ok("those that were configured; none on this machine".to_owned());
    }
    if engines.is_empty() {
        let advice = "`apt install espeak-ng` brings one for a hundred languages; `make setup` or `earmark voices install` a natural one.";
        return Err(problem("no voice is here: nothing can be read aloud", advice));
    }
    let found = engines.join(", ");
    if !voices.speaks_naturally() {
        let advice = format!(
            "Its files belong into {}; `earmark voices available` lists others.",
            places.voices.display()
        );
        return Err(note(format!("{found}, but no natural voice"), advice));
    }
    Ok(found)
}

async fn ffmpeg() -> Result<String, Trouble> {
    let mut command = tokio::process::Command::new("ffmpeg");
    crate::children::isolate(&mut command);
    command.arg("-version").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    match command.status().await {
        Ok(status) if status.success() => Ok("it encodes audiobooks".to_owned()),
        _ => Err(note(
            "it is not installed",
            "M4B audiobooks are made without it too, and take five times as long.",
        )),
    }
}
