//! What the tests share.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{Capabilities, ErrorKind, Result, StoragePath, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_native::files::subject::FilesSubject;
use tempfile::TempDir;

/// A path that the test knows to be one.
pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    files: FilesSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { files: FilesSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.files.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.files.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.files.place(label).await
    }
}

/// The kind of the error that must be there.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// Set where a test runs as its own other process: the directory that it is to work in.
const PART: &str = "ANYSTORAGE_TEST_DIRECTORY";

/// The directory for the part of a test that runs in a process of its own; none in the test itself.
pub(crate) fn own_part() -> Option<OsString> {
    std::env::var_os(PART)
}

/// This test binary, so that it runs `test` alone and finds itself in its own part with `directory`.
pub(crate) fn again(test: &str, directory: &Path) -> Command {
    wrapped(&[], test, directory)
}

/// The same behind another command, such as `strace`.
pub(crate) fn wrapped(wrapper: &[&str], test: &str, directory: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(PART, directory);
    command
}

/// Runs a part of a test and insists that the part ran and passed.
#[track_caller]
pub(crate) fn passes(mut command: Command, what: &str) {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{what} needs {:?}, which cannot be started: {error}", command.get_program()));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{what}: {status}\n{stdout}\n{stderr}");
}

/// This test binary in a user namespace of its own, after `prepare` (of a shell, with the directory as `$1`) made mounts there.
pub(crate) fn in_namespace(prepare: &str, test: &str, directory: &Path) -> Command {
    let script = format!("set -e; {prepare}; shift; exec \"$@\"");
    let shown = directory.to_str().unwrap();
    wrapped(&["unshare", "-Urm", "sh", "-c", &script, "sh", shown], test, directory)
}

/// Set when this goes, also because a check failed: threads that wait for it end.
pub(crate) struct Over<'f>(pub(crate) &'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
