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
                match self {
                    // The parser's message points at the place with lines of its own.
                    Self::Configuration(text) => {
                        complain(&format!("error: {}", text.trim_end().lines().map(shown).collect::<Vec<_>>().join("\n")));
                    }
                    _ => complain(&format!("error: {}", shown(&self.message()))),
                }
                if let Self::Storage { error, url } = self
                    && let Some(hint) = hint(error, url.as_deref())
                {
                    complain(&format!("hint: {hint}"));
                }
            }
            Format::Json => {
                let (kind, operation, path, url, hint) = match self {
                    Self::Storage { error, url } => (
                        error.kind().code(),
                        Some(error.operation().as_str()),
                        error.path().map(ToString::to_string),
                        url.clone(),
                        hint(error, url.as_deref()),
                    ),
                    Self::Host { error, .. } => {
                        (Error::from_io(io::Error::from(error.kind()), Operation::Open).kind().code(), None, None, None, None)
                    }
                    Self::Configuration(_) => (ErrorKind::InvalidInput.code(), Some(Operation::Configure.as_str()), None, None, None),
                    Self::BrokenPipe => return ExitCode::SUCCESS,
                };
                complain_json(kind, operation, path.as_deref(), url.as_deref(), &self.message(), hint);
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

/// The one shape of errors for programs: every key is always there.
fn complain_json(kind: &str, operation: Option<&str>, path: Option<&str>, url: Option<&str>, message: &str, hint: Option<&str>) {
    let error = json!({"kind": kind, "operation": operation, "path": path, "url": url, "message": message, "hint": hint});
    complain(&json!({ "error": error }).to_string());
}

/// Reports arguments that clap refused, or prints the help that was asked for.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let wants_json =
        std::env::args_os().collect::<Vec<_>>().windows(2).any(|pair| matches!(pair, [a, b] if a == "--format" && b == "json"))
            || std::env::args_os().any(|argument| argument == "--format=json");
    if error.use_stderr() && wants_json {
        let message = error.render().to_string();
        complain_json("usage", None, None, None, message.trim_end(), None);
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

/// Whether the engine of a URL can read while another process has the location.
fn has_read_only_mode(url: Option<&str>) -> bool {
    url.is_some_and(|url| StorageUrl::parse(url).is_ok_and(|url| url.read_only().is_read_only()))
}

/// What the reader can do.
fn hint(error: &Error, url: Option<&str>) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Locked if has_read_only_mode(url) => {
            Some("another process has the location open: wait until it ends; reading works meanwhile with ?mode=ro")
        }
        ErrorKind::Locked => Some("another process has the location open: wait until it ends"),
        ErrorKind::NoSpace => Some("free some space, or raise the limit, and run it again"),
        ErrorKind::NotFound if error.operation() == Operation::OpenLocation => {
            Some("correct the URL; put -p and cp create the location, unless the URL has ?mode=rw")
        }
        ErrorKind::PermissionDenied if url.is_some_and(|url| StorageUrl::parse(url).is_ok_and(|url| url.is_read_only())) => {
            Some("the URL says ?mode=ro, which changes nothing: leave that out")
        }
        ErrorKind::PermissionDenied => Some("check the permissions"),
        ErrorKind::IsADirectory if error.operation() == Operation::RemoveFile => Some("use rm -r for a directory with everything in it"),
        ErrorKind::DirectoryNotEmpty => Some("names that are not UTF-8 cannot be addressed and are left: remove them on the host"),
        _ => None,
    }
}
