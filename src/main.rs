//! The `earmark` program: parse, wire, run, exit code.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::model::{ImportedCard, PackCard, PackProgress, PackState, PackStep, Role};
use clap::{CommandFactory, Parser};
use earmark::accounts::Accounts;
use earmark::backup::{self, BackupError, Counts};
use earmark::config::{
    AddConfig, BackupConfig, Cli, Command, DeadLettersConfig, ImportConfig, PasswordConfig,
    ReimportConfig, RestoreConfig, ServeConfig, UsersAction, UsersConfig, VoicesAction,
    VoicesConfig, WorkerConfig,
};
use earmark::doctor::{self, Finding, Trouble};
use earmark::library::import::child::{self, Task};
use earmark::library::{LibraryError, Schema};
use earmark::queue::redis::{Duties, RedisQueue};
use earmark::queue::{Queue, Timing};
use earmark::speech::engines::Engines;
use earmark::speech::packs::{InstallError, Pack, Packs};
use earmark::speech::{Voices, neural};
use earmark::{RunError, Stores};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

/// What is logged when `RUST_LOG` says nothing. The parser of HTML has a word to say to every misplaced
/// table cell of a book, and that of sound to every tag.
const LOG_FILTER: &str = "earmark=info,warn,html5ever=error,symphonia=error";
/// The same for a command that a person waits for, and that says itself what it does.
const COMMAND_LOG_FILTER: &str = "warn,html5ever=error,symphonia=error";

/// What the system keeps of an answer that a client has not taken yet, in bytes. Left to itself, Linux takes
/// megabytes for each of the first listeners, and then has none left for the others: of 10,000, one in a
/// hundred waited 1.5 s for its first byte. It is ten seconds of sound, and 600 kB/s at 100 ms.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

fn main() -> ExitCode {
    let cli = Cli::parse();
    earmark::keep_files_private();
    match cli.command {
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "earmark", &mut io::stdout());
            return ExitCode::SUCCESS;
        }
        Some(Command::Manual) => return manual(),
        _ => {}
    }
    // Before there are threads: it limits itself, and needs none.
    if let Some(Command::ImportOne(config)) = cli.command {
        let task = Task { work: config.work, name: config.name, id: config.id };
        return child::run(&task, config.memory_mb, config.cpu_seconds);
    }
    if let Some(Command::VoiceWorker(config)) = cli.command {
        let first = config.first.as_deref();
        return neural::worker::run(&config.folder, &config.reader, config.parallel, first);
    }
    if let Some(Command::PrepareVoice(config)) = cli.command {
        return neural::kokoro::conversion::run(&config.from, &config.to);
    }
    let is_long = matches!(cli.command, None | Some(Command::Serve(_) | Command::Worker(_)));
    let default = if is_long { LOG_FILTER } else { COMMAND_LOG_FILTER };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            eprintln!("earmark: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        // They have been run before there were threads.
        Some(
            Command::ImportOne(_)
            | Command::VoiceWorker(_)
            | Command::PrepareVoice(_)
            | Command::Completions { .. }
            | Command::Manual,
        ) => Ok(ExitCode::FAILURE),
        Some(Command::Doctor(config)) => Ok(doctor(*config).await),
        Some(Command::Reimport(config)) => reimport(config).await,
        Some(Command::Import(config)) => import(config).await,
        Some(Command::Serve(config)) => serve(*config).await,
        Some(Command::Worker(config)) => worker(config).await,
        Some(Command::Backup(config)) => backup(config).await,
        Some(Command::Restore(config)) => restore(config).await,
        Some(Command::DeadLetters(config)) => dead_letters(config).await,
        Some(Command::Voices(config)) => voices(config).await,
        Some(Command::Users(config)) => users(config).await,
        None => serve(cli.serve).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("earmark: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: ServeConfig) -> Result<ExitCode, RunError> {
    let wanted = config.server.addr;
    let failed = |source| RunError::Listen { address: wanted.to_string(), source };
    let listener = listen(wanted).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shutdown = stop_on_signal()?;
    println!("Earmark is at http://{address}");
    earmark::run(config, listener, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// Listens, with a bound on what the system keeps for each connection.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // An address is free again at once after a restart.
    socket.set_reuseaddr(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn worker(config: WorkerConfig) -> Result<ExitCode, RunError> {
    let shutdown = stop_on_signal()?;
    earmark::work(config, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page, with a section for each command.
fn manual() -> ExitCode {
    let command = Cli::command();
    let pages = std::iter::once(command.clone()).chain(command.get_subcommands().cloned());
    for (at, page) in pages.filter(|page| !page.is_hide_set()).enumerate() {
        let mut text = Vec::new();
        let page = clap_mangen::Man::new(page);
        let written = match at {
            0 => page.render(&mut text),
            _ => page
                .render_name_section(&mut text)
                .and_then(|()| page.render_options_section(&mut text)),
        };
        // A page that nobody reads to its end is written all the same.
        if written.and_then(|()| io::stdout().write_all(&text)).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn doctor(config: ServeConfig) -> ExitCode {
    let findings = doctor::look(&config).await;
    for Finding { what, state } in &findings {
        match state {
            Ok(fine) => println!("ok       {what}: {fine}"),
            Err(Trouble { is_serious, why, advice }) => {
                let kind = if *is_serious { "problem" } else { "note" };
                println!("{kind:<8} {what}: {why}\n         {advice}");
            }
        }
    }
    let is_ill = |finding: &Finding| matches!(&finding.state, Err(trouble) if trouble.is_serious);
    if findings.iter().any(is_ill) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn backup(config: BackupConfig) -> Result<ExitCode, RunError> {
    let (stores, schema) = Stores::open_as_it_is(&config.data).await?;
    if schema != Schema::Current {
        return Ok(failed(&BackupError::OtherVersion));
    }
    let file = config.file.display();
    let Counts { rows, files, bytes } =
        match backup::backup(&stores, &config.file, config.clips).await {
            Ok(counts) => counts,
            Err(error) => return Ok(failed(&error)),
        };
    println!("{rows} rows and {files} files ({} MB) are in {file}", bytes >> 20);
    if config.data.secret_key.is_some() {
        println!("EARMARK_SECRET_KEY is not: without it the keys of speech services are lost");
    }
    Ok(ExitCode::SUCCESS)
}

async fn restore(config: RestoreConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    match backup::restore(&stores, &config.file).await {
        Ok(Counts { rows, files, bytes }) => {
            println!("{rows} rows and {files} files ({} MB) are back", bytes >> 20);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(failed(&error)),
    }
}

fn failed(error: &impl std::fmt::Display) -> ExitCode {
    eprintln!("earmark: {error}");
    ExitCode::FAILURE
}

async fn dead_letters(config: DeadLettersConfig) -> Result<ExitCode, RunError> {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let redis = earmark::open_redis(&config.shared, &shutdown).await?.ok_or(RunError::NoRedis)?;
    let (timing, duties) = (Timing::default(), Duties::default());
    let queue = RedisQueue::start(redis, Arc::default(), timing, duties, (&tasks, &shutdown));
    if config.requeue {
        let count = queue.requeue_dead(config.book.as_ref()).await?;
        println!("{count} put back into their lanes");
        return Ok(ExitCode::SUCCESS);
    }
    for letter in queue.dead_letters().await? {
        let job = &letter.job;
        if config.book.as_ref().is_some_and(|book| *book != job.book) {
            continue;
        }
        if config.json {
            let line = serde_json::json!({
                "bookId": job.book, "chapter": job.chapter, "sentence": job.sentence,
                "voice": format!("{}:{}", job.voice.engine, job.voice.voice), "text": &*job.text,
                "error": letter.error.in_full(), "diedAtMs": letter.died_at_ms,
            });
            println!("{line}");
        } else {
            let place = format!("{}/{}/{}", job.book, job.chapter, job.sentence);
            println!("{place}  {}  {}", letter.error.in_full(), job.text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn users(config: UsersConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    let accounts = Accounts::new(stores.database);
    match config.action {
        UsersAction::List { json } => {
            for person in accounts.people().await? {
                if json {
                    println!("{}", serde_json::json!(person));
                } else {
                    println!("{}  {}", person.name, person.role.name());
                }
            }
        }
        UsersAction::Add { name, role, admin, password } => {
            let role = if admin { Role::Admin } else { role };
            let role = accounts.add(&name, &read_password(&password)?, role).await?;
            println!("{name} can log in, as {}", role.name());
        }
        UsersAction::Password { name, password } => {
            let user = accounts.id_of(&name).await?;
            accounts.set_password(&user, &read_password(&password)?, "").await?;
            accounts.end_tokens(&user).await?;
            accounts.end_identities(&user).await?;
            accounts.end_passkeys(&user).await?;
            println!(
                "{name} has another password, is logged out everywhere, and is let in by no token, no passkey and no \
                 provider"
            );
        }
        UsersAction::Role { name, role } => {
            accounts.set_role(&accounts.id_of(&name).await?, role).await?;
            println!("{name} is {} now", role.name());
        }
        UsersAction::Allowance { name, characters } => {
            accounts.set_allowance(&accounts.id_of(&name).await?, characters).await?;
            let most = characters.map_or("any number of".to_owned(), |most| most.to_string());
            println!("{name} may have {most} characters a month spoken by voices that cost money");
        }
        UsersAction::Invite { role, url } => {
            let page = format!("/invite?link={}", accounts.invite(role, "").await?);
            match url {
                Some(url) => println!("{}", url.page(&page)),
                None => println!("{page} (below the address of your site; --url names it)"),
            }
        }
        UsersAction::Remove { name } => {
            accounts.remove(&accounts.id_of(&name).await?).await?;
            println!("{name} can no longer log in");
        }
        UsersAction::Sessions { name, revoke } => {
            let user = accounts.id_of(&name).await?;
            if revoke {
                accounts.end_sessions(&user, "").await?;
                println!("{name} is logged out everywhere");
                return Ok(ExitCode::SUCCESS);
            }
            for session in accounts.sessions(&user, "").await? {
                println!("{}  {}", session.device, session.address);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A password from a file, the environment, or whoever sits at the terminal.
fn read_password(from: &PasswordConfig) -> Result<String, RunError> {
    if let Some(file) = &from.password_file {
        let text = std::fs::read_to_string(file).map_err(RunError::Password)?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    match &from.password {
        Some(password) => Ok(password.clone()),
        None => rpassword::prompt_password("Password: ").map_err(RunError::Password),
    }
}

async fn voices(config: VoicesConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    let places = config.built_in.places(&config.data, processors())?;
    let voices = Arc::new(Voices::installed(None, &places).await);
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let packs = Packs::new(places, Arc::clone(&voices), (&tasks, &shutdown));
    let engines = earmark::open_engines(&config.data, &stores, &voices).await?;
    match config.action {
        VoicesAction::List { json: true } => println!("{}", serde_json::json!(voices.list())),
        VoicesAction::List { json: false } => {
            for voice in voices.list() {
                println!("{}  {}  {}", voice.id, voice.language, voice.name);
            }
        }
        VoicesAction::Add(add) => return add_engine(&engines, add).await,
        VoicesAction::Test { name, voice, text, out } => {
            let clip = engines.test(&name, voice.as_deref().unwrap_or_default(), &text).await?;
            let seconds = clip.length.samples as f64 / f64::from(clip.length.sample_rate);
            println!("“{name}” speaks: {seconds:.1} seconds");
            if let Some(file) = out {
                tokio::fs::write(file, &clip.bytes).await?;
            }
        }
        VoicesAction::Available { json: true } => println!("{}", serde_json::json!(packs.cards())),
        VoicesAction::Available { json: false } => packs.cards().iter().for_each(describe),
        VoicesAction::Install { name, from } => install(&packs, &name, from.as_deref()).await?,
        VoicesAction::Remove { name } if Pack::named(&name).is_some() => {
            packs.remove(&name).await?;
        }
        VoicesAction::Remove { name } => engines.remove(&name).await?,
    }
    stores.database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Prints what a person needs to choose a voice.
fn describe(card: &PackCard) {
    let size = card.bytes as f64 / 1e6;
    let state = match &card.state {
        PackState::Installed { times_real: Some(times) } => {
            format!("installed, speaks {times:.1} × as fast as you listen")
        }
        PackState::Installed { times_real: None } => "installed".to_owned(),
        _ => format!("{size:.0} MB to fetch"),
    };
    let languages = card.languages.join(", ");
    let count = card.voices.len();
    let (name, title, licence) = (&card.name, &card.title, &card.licence);
    println!("{name}  {title}  {languages}  voices: {count}  {licence}  {state}");
}

/// Installs a pack, and says how far it is.
async fn install(packs: &Packs, name: &str, from: Option<&Path>) -> Result<(), InstallError> {
    let progress = Mutex::new(PackProgress::new(Pack::named(name).map_or(0, Pack::bytes)));
    let now = || progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let telling = async {
        let mut told = None;
        loop {
            let PackProgress { step, .. } = now();
            let percent = now().percent();
            let line = match step {
                PackStep::Fetching => format!("fetched: {percent} %"),
                PackStep::Preparing => "preparing".to_owned(),
                PackStep::Testing => "testing".to_owned(),
            };
            if told.as_ref() != Some(&line) {
                eprintln!("earmark: {line}");
                told = Some(line);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        installed = packs.install(name, from, &progress) => installed?,
        () = telling => {}
    }
    let card = packs.cards().into_iter().find(|card| card.name == name);
    card.iter().for_each(describe);
    Ok(())
}

/// Threads that this machine runs at once.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

async fn add_engine(engines: &Engines, add: AddConfig) -> Result<ExitCode, RunError> {
    let key = match &add.key_file {
        Some(file) => Some(tokio::fs::read_to_string(file).await?),
        None => add.key.clone(),
    };
    let voices = engines.add(add.settings(), key).await?;
    for voice in voices {
        println!("{}  {}  {}", voice.id, voice.language, voice.name);
    }
    Ok(ExitCode::SUCCESS)
}

/// A token that SIGTERM or Ctrl-C cancels. Both are heard from the moment this returns.
fn stop_on_signal() -> Result<CancellationToken, RunError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
            shutdown.cancel();
        }
    });
    Ok(shutdown)
}

async fn import(config: ImportConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    let library = stores.library(&config.reading, None)?;
    let mut code = ExitCode::SUCCESS;
    for file in &config.files {
        let name = file.display().to_string();
        if !report(&name, library.import_file(file).await, config.json) {
            code = ExitCode::FAILURE;
        }
    }
    library.close().await;
    Ok(code)
}

async fn reimport(config: ReimportConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    let shutdown = CancellationToken::new();
    let link = earmark::open_redis(&config.shared, &shutdown).await?;
    let library = stores.library(&config.reading, link)?;
    let books = if config.all { library.ids().await? } else { config.books };
    let mut code = ExitCode::SUCCESS;
    for book in &books {
        if !report(book.as_str(), library.reimport(book).await, config.json) {
            code = ExitCode::FAILURE;
        }
    }
    library.close().await;
    Ok(code)
}

/// Prints what became of a file, and what was left out of it; false when it was refused.
fn report(name: &str, imported: Result<ImportedCard, LibraryError>, json: bool) -> bool {
    match imported {
        Ok(book) if json => println!("{}", serde_json::json!(book)),
        Ok(book) => {
            println!("{}  {}", book.card.id, book.card.title);
            for warning in book.warnings {
                eprintln!("earmark: {name}: {}", warning.message);
            }
        }
        Err(reason) => {
            eprintln!("earmark: {name}: {reason}");
            return false;
        }
    }
    true
}
