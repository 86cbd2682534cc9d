//! What the tests share.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_native::sled::subject::SledSubject;
use anystorage_native::sled::{self, SledOptions};
use tempfile::TempDir;

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    sled: SledSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { sled: SledSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.sled.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.sled.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.sled.place(label).await
    }
}

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { Ok(Box::new(sled::open(address, &SledOptions::new())?) as Box<dyn StorageBackend>) });
}

/// This test binary as children that have a location open.
pub(crate) fn processes() -> Processes {
    let small = |directory: &Path| directory.to_str().unwrap().to_owned();
    // Sled's log needs room for another one beside it.
    Processes::this_test_program("support::child_entry").unwrap().with_small_places(small).with_small_places_times(4)
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
pub(crate) fn passes(mut command: Command, what: &str) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{what} needs {:?}, which cannot be started: {error}", command.get_program()));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{what}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// This test binary in a user namespace of its own, after `prepare` (of a shell, with the directory as `$1`) made mounts there.
pub(crate) fn in_namespace(prepare: &str, test: &str, directory: &Path) -> Command {
    let script = format!("set -e; {prepare}; shift; exec \"$@\"");
    let shown = directory.to_str().unwrap();
    wrapped(&["unshare", "-Urm", "sh", "-c", &script, "sh", shown], test, directory)
}
