//! What `earmark doctor` says of what is there, and of what is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What it says with these settings, and whether all is well.
fn said(data: &Path, arguments: &[&str]) -> (String, bool) {
    let site = data.join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(["doctor", "--addr", "127.0.0.1:0", "--data"])
        .arg(data)
        .arg("--site")
        .arg(&site)
        .args(arguments)
        .output()
        .unwrap();
    (String::from_utf8(done.stdout).unwrap(), done.status.success())
}

fn folder() -> TempDir {
    tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir()
        .unwrap()
}

#[test]
fn where_all_is_there_it_says_so() {
    let data = folder();
    let (text, is_well) = said(data.path(), &[]);
    assert!(is_well, "{text}");
    for what in ["data folder", "pages", "port", "clock", "database", "object store", "Redis"] {
        assert!(text.contains(&format!("ok       {what}: ")), "{what}: {text}");
    }
    assert!(text.contains("voices: ") && text.contains("espeak-ng"), "{text}");
    // What it has written to try, it has taken away, and it has made nothing.
    assert!(!data.path().join("earmark.db").exists());
    assert!(!data.path().join("objects/doctor-probe").exists());
}

#[test]
fn what_is_out_of_reach_is_named_with_what_to_do() {
    let data = folder();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let redis = format!("redis://{nobody}");
    let database = format!("postgres://u:geheim@{nobody}/earmark");
    let (text, is_well) = said(data.path(), &["--redis-url", &redis, "--database-url", &database]);
    assert!(!is_well, "{text}");
    assert!(text.contains("problem  Redis: ") && text.contains("REDIS_URL"), "{text}");
    assert!(text.contains("problem  database: ") && text.contains("DATABASE_URL"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_used_is_a_problem_and_one_that_others_see_is_worth_a_word() {
    let data = folder();
    let file = data.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let site = data.path().join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    let (site, file) = (site.to_str().unwrap(), file.to_str().unwrap());
    let ask = |folder: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["doctor", "--addr", "127.0.0.1:0", "--site", site, "--data", folder])
            .output()
            .unwrap();
        (String::from_utf8(done.stdout).unwrap(), done.status.success())
    };
    let (text, is_well) = ask(file);
    assert!(!is_well && text.contains("problem  data folder"), "{text}");
    let open = data.path().join("open");
    std::fs::create_dir(&open).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&open, mode).unwrap();
    let (text, is_well) = ask(open.to_str().unwrap());
    assert!(
        is_well && text.contains("note     data folder") && text.contains("chmod 700"),
        "{text}"
    );
}

#[tokio::test]
async fn tables_of_an_earlier_version_are_left_as_they_are() {
    let data = folder();
    let count = "SELECT COUNT(*) FROM _sqlx_migrations";
    let database = earmark::library::connect(None, data.path()).await.unwrap();
    let last =
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    sqlx::query(last).execute(&database).await.unwrap();
    let before: i64 = sqlx::query_scalar(count).fetch_one(&database).await.unwrap();
    let (text, is_well) = said(data.path(), &[]);
    assert!(is_well && text.contains("its tables are of an earlier version"), "{text}");
    let file = data.path().join("backup.zip");
    let refused = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(["backup", file.to_str().unwrap(), "--data", data.path().to_str().unwrap()])
        .output()
        .unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && why.contains("the version that runs on it"), "{why}");
    assert!(!file.exists());
    let after: i64 = sqlx::query_scalar(count).fetch_one(&database).await.unwrap();
    assert_eq!(after, before);
}
