//! The lab server's command line; everything else is in the library, where tests can reach it.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::backup::backup;
use server::config::{Command, LogFormat, USAGE};
use server::demo::fill;
use server::error::panic_text;
use server::{App, Config, StartError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let config = match Config::from_args(std::env::args_os()) {
        Ok(Command::Serve(config)) => config,
        Ok(Command::Backup(config, folder)) => return back_up(&config, &folder),
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("server: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    start_log(config.log);
    raise_connections();
    match run(*config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies the data folder and says what the copy holds.
#[tokio::main(flavor = "current_thread")]
async fn back_up(config: &Config, folder: &Path) -> ExitCode {
    match backup(config, folder).await {
        Ok(files) => {
            for file in files {
                println!("{}", file.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Connections that are enough for a process, whatever the system would allow.
const CONNECTIONS_MAX: u64 = 1 << 17;

/// Lets this process have as many connections as the system allows it: by tradition it begins with 1024 files,
/// which one lesson can use up.
fn raise_connections() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "this process may not have more than {current:?} files");
    }
}

/// Serves until a signal says stop.
#[tokio::main]
async fn run(config: Config) -> Result<(), StartError> {
    let addr = config.addr.clone();
    // First, so that a second server by mistake does not touch the data of the first.
    let listener = server::bind(&addr).await?;
    let demo = config.demo.clone();
    let app = App::new(config).await?;
    if let Some(file) = demo {
        fill(&app, &file).await?;
    }
    let local = listener
        .local_addr()
        .map_err(|source| StartError::Bind { addr, source })?;
    if !local.ip().is_loopback() {
        warn!(%local, "other machines can reach this server");
    }
    let stop = stop_signal().map_err(StartError::Signals)?;
    // The line that scripts wait for; the log goes to stderr.
    println!("listening on http://{local}");
    server::serve(listener, app, stop).await;
    info!("stopped");
    Ok(())
}

/// Catches what a terminal, its closing, and a service manager send to stop a program; the future
/// resolves at the first such signal.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => info!("interrupted"),
            _ = hang_up.recv() => info!("the terminal is gone"),
            _ = terminate.recv() => info!("asked to terminate"),
        }
    })
}

/// Sends log and panics to stderr. `RUST_LOG` chooses what is worth saying.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match format {
        LogFormat::Human => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        error!(
            thread = thread.name().unwrap_or("unnamed"),
            at = panic.location().map(tracing::field::display),
            backtrace = %std::backtrace::Backtrace::capture(),
            "panic: {}",
            panic_text(panic.payload()),
        );
    }));
}
