//! The parent's side: [`Elsewhere`] over child processes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anystorage_api::engine;

use super::running::Running;
use super::small::WHAT_TO_ENABLE;
use super::wire::{Answer, Request, Then};
use crate::case::{Broken, Carry, Case, Verdict};
use crate::crossing::{Crossing, Elsewhere};

/// How long a child may be silent until it counts as hung. It decides nothing but that.
const PATIENCE: Duration = Duration::from_secs(180);

type Address = Arc<dyn Fn(&Path) -> String + Send + Sync>;

/// Runs halves of cases, and cases that need a small place, in child processes of their own.
///
/// Its calls block the thread: drive them with a plain `block_on`.
#[derive(Clone)]
pub struct Processes {
    command: Arc<dyn Fn() -> Command + Send + Sync>,
    address: Option<Address>,
    times: u64,
    patience: Duration,
}

impl Processes {
    /// `command` makes the command line of a program that calls [`run_child_if_asked`](super::run_child_if_asked) first of all. Standard
    /// input, output and error become pipes; environment and working directory stay as the command has them.
    #[must_use]
    pub fn new(command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self { command: Arc::new(command), address: None, times: 1, patience: PATIENCE }
    }

    /// The running program once more, without arguments: its `main` begins with [`run_child_if_asked`](super::run_child_if_asked).
    ///
    /// # Errors
    /// Whatever keeps [`std::env::current_exe`] from finding the program.
    pub fn this_program() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self::new(move || Command::new(&program)))
    }

    /// The running test program once more, with nothing but the test of this full name (`module::child_entry`), which calls
    /// [`run_child_if_asked`](super::run_child_if_asked).
    ///
    /// # Errors
    /// Whatever keeps [`std::env::current_exe`] from finding the program.
    pub fn this_test_program(entry: &str) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let entry = entry.to_owned();
        Ok(Self::new(move || {
            let mut command = Command::new(&program);
            command.args([&entry, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
            command
        }))
    }

    /// Offers small places to an engine that keeps its location in a directory of the host: `address` is the location's address in a
    /// directory that exists and is empty.
    #[must_use]
    pub fn with_small_places(mut self, address: impl Fn(&Path) -> String + Send + Sync + 'static) -> Self {
        self.address = Some(Arc::new(address));
        self
    }

    /// Makes small places this many times as large: for an engine that takes so many bytes of the disk for each byte of data, because it
    /// writes its log anew beside the old one. Places should run out after about as much data as those of other engines.
    #[must_use]
    pub const fn with_small_places_times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// How long a child may be silent until it is killed and reported as hung; three minutes if this is not called.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A command line of the child program.
    pub(crate) fn command(&self) -> Command {
        (self.command)()
    }

    /// See [`Self::with_patience`].
    #[cfg(unix)]
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    fn start(&self, command: Command, request: &Request) -> Result<Running, Broken> {
        let mut child = Running::start(command, request, self.patience)?;
        match child.answer()? {
            Answer::Started => Ok(child),
            other => Err(unexpected(&other)),
        }
    }

    fn verdict(mut child: Running) -> Verdict {
        let verdict = match child.answer()? {
            Answer::Verdict(verdict) => verdict.map_err(Broken::from),
            other => Err(unexpected(&other)),
        };
        verdict.and(child.ended())
    }
}

#[engine]
impl Elsewhere for Processes {
    fn crossings(&self) -> &[Crossing] {
        &[Crossing::Process, Crossing::Kill]
    }

    async fn before(&self, crossing: Crossing, case: &Case, address: &str) -> Result<Carry, Broken> {
        let then = match crossing {
            Crossing::Process => Then::Exit,
            Crossing::Kill => Then::Wait,
            other => return Err(Broken::NotOffered(format!("@{} is not for processes", other.as_str()))),
        };
        let request = Request::Before { case: case.name.to_owned(), address: address.to_owned(), then };
        let mut child = self.start(self.command(), &request)?;
        let carry = match child.answer()? {
            Answer::Carry(outcome) => outcome?,
            other => return Err(unexpected(&other)),
        };
        match then {
            Then::Exit => child.ended()?,
            Then::Wait => child.kill()?,
        }
        Ok(carry)
    }

    async fn after(&self, _crossing: Crossing, case: &Case, address: &str, carry: &str) -> Verdict {
        let request = Request::After { case: case.name.to_owned(), address: address.to_owned(), carry: carry.to_owned() };
        Self::verdict(self.start(self.command(), &request)?)
    }

    async fn in_small_place(&self, case: &Case, bytes: u64) -> Verdict {
        let Some(address) = &self.address else {
            return Err(Broken::NotOffered("no small place: nobody said how a directory becomes an address".to_owned()));
        };
        let room = Room::new().map_err(|error| Broken::promise(format!("no temporary directory for a small place: {error}")))?;
        let request = Request::InSmallPlace {
            case: case.name.to_owned(),
            bytes: bytes.saturating_mul(self.times),
            directory: room.0.clone(),
            address: address(&room.0),
        };
        let child = self.start(in_own_mount_namespace(&self.command()), &request);
        // Until a child in a namespace of its own has spoken, the namespace is what failed.
        let child = child.map_err(|broken| Broken::promise(format!("the small place could not be made: {broken}; {WHAT_TO_ENABLE}")))?;
        Self::verdict(child)
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes")
            .field("command", &(self.command)())
            .field("small_places", &self.address.is_some())
            .field("patience", &self.patience)
            .finish()
    }
}

fn unexpected(answer: &Answer) -> Broken {
    Broken::promise(format!("the child process answered out of turn: {answer:?}"))
}

/// The same command as root of a user namespace with mounts of its own. `unshare` becomes the program, so the process to kill is it.
fn in_own_mount_namespace(command: &Command) -> Command {
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--map-root-user", "--mount", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// A directory for one case, removed with everything in it.
struct Room(PathBuf);

impl Room {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let directory = std::env::temp_dir().join(format!("anystorage-small-{}-{number}", std::process::id()));
            let mut builder = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&directory) {
                Ok(()) => return Ok(Self(directory)),
                // Left by an earlier process with the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Best effort: what stays behind is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
