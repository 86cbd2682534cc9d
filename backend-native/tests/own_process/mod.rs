//! Tests that run a part of themselves in a process of its own: to be killed, watched, or given other mounts. A module of each test program that
//! has such tests.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

/// Set where a test runs as its own other process: the path that it is to work on.
const PART: &str = "ANYSTORAGE_TEST_DIRECTORY";

/// The path for the part of a test that runs in a process of its own; none in the test itself.
pub(crate) fn own_part() -> Option<OsString> {
    std::env::var_os(PART)
}

/// This test binary, so that it runs `test` alone and finds itself in its own part with `at`.
pub(crate) fn again(test: &str, at: &Path) -> Command {
    wrapped(&[], test, at)
}

/// The same behind another command, such as `strace`.
pub(crate) fn wrapped(wrapper: &[&str], test: &str, at: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(PART, at);
    command
}

/// Runs a part of a test, insists that the part ran and passed, and returns what it printed.
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
