//! Why a command ends early.

use std::process::ExitCode;

/// The reason for ending, and with it the exit status.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// The command line makes no sense. Status 2.
    Usage(String),
    /// Something could not be done. Status 1.
    Failed(String),
}

impl Stop {
    /// Says why, on stderr, and returns the status to exit with.
    pub fn report(self) -> ExitCode {
        match self {
            Stop::Usage(message) => {
                eprintln!("error: {message}\n       `cargo xtask --help` lists the commands");
                ExitCode::from(2)
            }
            Stop::Failed(message) => {
                eprintln!("error: {}", message.replace('\n', "\n       "));
                ExitCode::FAILURE
            }
        }
    }

    /// The message alone.
    pub fn into_reason(self) -> String {
        match self {
            Stop::Usage(message) | Stop::Failed(message) => message,
        }
    }

    /// A failure to do `what` with a file or folder.
    pub fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Stop {
        Stop::Failed(format!("can't {what} {}: {error}", path.display()))
    }
}

impl From<lexopt::Error> for Stop {
    fn from(error: lexopt::Error) -> Stop {
        Stop::Usage(error.to_string())
    }
}
