//! Running the program.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_anystorage");

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn anystorage<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Ran {
    ran(Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap())
}

pub fn ran(output: Output) -> Ran {
    Ran { code: output.status.code(), stdout: String::from_utf8(output.stdout).unwrap(), stderr: String::from_utf8(output.stderr).unwrap() }
}

impl Ran {
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The error of JSON mode.
    pub fn error(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        value["error"].clone()
    }
}

pub fn url(directory: &Path) -> String {
    anystorage::StorageUrl::directory(directory).unwrap().to_string()
}

/// The URL of a sled or a redb store.
pub fn store_url(scheme: &str, path: &Path) -> String {
    anystorage::StorageUrl::on_host(scheme, path).unwrap().to_string()
}

/// A place in a location, as `cp` takes it.
pub fn place(directory: &Path, path: &str) -> String {
    format!("{}#{path}", url(directory))
}
