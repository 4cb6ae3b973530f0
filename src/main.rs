//! The `earmark` program: parse, wire, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use earmark::config::{Cli, Command, ImportConfig, ServeConfig};
use earmark::library::Library;
use earmark::{RunError, Stores};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("earmark=info,warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match cli.command {
        Some(Command::Import(config)) => import(config).await,
        Some(Command::Serve(config)) => serve(config).await,
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
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(stop_on_signal(shutdown.clone()));
    println!("Earmark is at http://{address}");
    earmark::run(config, listener, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// Cancels on SIGTERM or Ctrl-C.
async fn stop_on_signal(shutdown: CancellationToken) {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
    shutdown.cancel();
}

async fn import(config: ImportConfig) -> Result<ExitCode, RunError> {
    let stores = Stores::open(&config.data).await?;
    let library = Library::new(stores.database, stores.objects);
    let mut code = ExitCode::SUCCESS;
    for file in &config.files {
        let name = file.display().to_string();
        let imported = match tokio::fs::read(file).await {
            Ok(bytes) => {
                library.import(bytes.into(), &name).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match imported {
            Ok(book) if config.json => println!("{}", serde_json::json!(book)),
            Ok(book) => println!("{}  {}", book.id, book.title),
            Err(reason) => {
                eprintln!("earmark: {name}: {reason}");
                code = ExitCode::FAILURE;
            }
        }
    }
    library.close().await;
    Ok(code)
}
