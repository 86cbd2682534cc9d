//! What the tests share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anystorage_api::{Capabilities, ErrorKind, Result, StoragePath, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::redb::subject::RedbSubject;
use anystorage_native::redb::{RedbOptions, RedbStore, open_store};
use futures_lite::future::block_on;
use tempfile::TempDir;

/// A path that the test knows to be one.
pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    redb: RedbSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { redb: RedbSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.redb.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.redb.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.redb.place(label).await
    }
}

/// A file in a temporary directory, not there yet.
pub(crate) fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("location.redb");
    (directory, file)
}

pub(crate) fn store(file: impl AsRef<Path>) -> RedbStore {
    open_store(file, &RedbOptions::new()).unwrap()
}

/// Puts one value.
pub(crate) fn put(store: &RedbStore, key: &[u8], value: &[u8], how: Commit) -> Result<()> {
    let mut batch = Batch::new();
    batch.put(key, value);
    block_on(store.commit(batch, how))
}

pub(crate) fn get(store: &RedbStore, key: &[u8]) -> Result<Option<Vec<u8>>> {
    block_on(store.get(key))
}

/// The kind of the error that must be there.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

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

/// A number from the environment; another one each time where there is none, printed, so that it can be repeated.
pub(crate) fn seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = std::env::var("ANYSTORAGE_SEED").map_or(u64::from(since.subsec_nanos()), |text| text.parse().unwrap());
    println!("seed {seed}");
    seed
}
