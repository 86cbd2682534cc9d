use std::error::Error as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anystorage::{Error, ErrorKind, Operation, StorageUrl};
use serde_json::json;

use crate::output::{Format, complain, shown};

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An engine, a URL or a path.
    Storage {
        /// What was answered.
        error: Error,
        /// The location it is about.
        url: Option<String>,
    },
    /// Something of the host outside any location: stdin, stdout, a file named on the command line.
    Host {
        /// What was being done, and with what.
        what: String,
        /// What the host said.
        error: io::Error,
    },
    /// A file that was read is not what it should be.
    Configuration(String),
    /// Who reads our output has gone: no failure at all.
    BrokenPipe,
}

impl Failure {
    /// Something of the host that failed.
    pub(crate) fn host(what: impl Into<String>, error: io::Error) -> Self {
        Self::Host { what: what.into(), error }
    }

    /// A host file that failed.
    pub(crate) fn host_file(doing: &str, path: &Path, error: io::Error) -> Self {
        Self::host(format!("{doing} {path:?}"), error)
    }

    /// Writing to stdout failed.
    pub(crate) fn stdout(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::host("write to stdout", error) }
    }

    /// With the location it is about.
    pub(crate) fn at(self, location: &StorageUrl) -> Self {
        match self {
            Self::Storage { error, url: None } => Self::Storage { error, url: Some(location.to_string()) },
            other => other,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Storage { error, .. } if matches!(error.operation(), Operation::Configure | Operation::ParsePath) => USAGE,
            Self::Configuration(_) => USAGE,
            _ => FAILED,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Storage { error, url } => {
                let mut text = url.as_ref().map_or_else(String::new, |url| format!("{url}: "));
                text.push_str(&with_causes(error));
                text
            }
            Self::Host { what, error } => format!("{what}: {error}"),
            Self::Configuration(text) => text.clone(),
            Self::BrokenPipe => String::new(),
        }
    }

    /// Prints the failure on stderr, and gives the exit code.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        if matches!(self, Self::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        match format {
            Format::Table => {
                complain(&format!("error: {}", shown(&self.message())));
                if let Self::Storage { error, .. } = self
                    && let Some(hint) = hint(error)
                {
                    complain(&format!("hint: {hint}"));
                }
            }
            Format::Json => {
                let (kind, operation, path, url, hint) = match self {
                    Self::Storage { error, url } => (
                        error.kind().as_str(),
                        Some(error.operation().as_str()),
                        error.path().map(ToString::to_string),
                        url.clone(),
                        hint(error),
                    ),
                    Self::Host { error, .. } => {
                        (Error::from_io(io::Error::from(error.kind()), Operation::Open).kind().as_str(), None, None, None, None)
                    }
                    Self::Configuration(_) => (ErrorKind::InvalidInput.as_str(), Some(Operation::Configure.as_str()), None, None, None),
                    Self::BrokenPipe => return ExitCode::SUCCESS,
                };
                let error =
                    json!({"kind": kind, "operation": operation, "path": path, "url": url, "message": self.message(), "hint": hint});
                complain(&json!({ "error": error }).to_string());
            }
        }
        ExitCode::from(self.exit_code())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Storage { error, url: None }
    }
}

/// Reports arguments that clap refused, or prints the help that was asked for.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let wants_json =
        std::env::args_os().collect::<Vec<_>>().windows(2).any(|pair| matches!(pair, [a, b] if a == "--format" && b == "json"))
            || std::env::args_os().any(|argument| argument == "--format=json");
    if error.use_stderr() && wants_json {
        let message = error.render().to_string();
        complain(&json!({"error": {"kind": "usage", "message": message.trim_end()}}).to_string());
        return ExitCode::from(USAGE);
    }
    // Nothing can be done if the terminal itself is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// The error and everything behind it; an [`Error`] shows its direct cause by itself.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source().and_then(|direct| direct.source());
    while let Some(deeper) = cause {
        text.push_str(&format!(": {deeper}"));
        cause = deeper.source();
    }
    text
}

/// What the reader can do.
fn hint(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Locked => Some("another process has the location open: wait until it ends; reading works meanwhile with ?mode=ro"),
        ErrorKind::NoSpace => Some("free some space, or raise the limit, and run it again"),
        ErrorKind::NotFound if error.operation() == Operation::OpenLocation => Some("create the directory first, or correct the URL"),
        ErrorKind::PermissionDenied => Some("check the permissions; a location opened with ?mode=ro cannot be changed"),
        ErrorKind::DirectoryNotEmpty => Some("use rm -r for a directory with everything in it"),
        _ => None,
    }
}
