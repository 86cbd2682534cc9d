//! The machinery, tried with cases and engines that tell what was done to them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anystorage_api::{Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, engine};
use anystorage_memory::MemoryBackend;
use futures_lite::future::block_on;

use super::child::run_child_with_cases_if_asked;
use super::{Processes, running::Running, wire};
use crate::case::{Broken, Carry, Case, CaseFuture, Run, Verdict};
use crate::crossing::{Crossing, Elsewhere};
use crate::subject::Place;

/// Where children begin.
#[test]
fn child_entry() {
    run_child_with_cases_if_asked(&cases(), |address| async move {
        Ok(Box::new(Tattling { inner: MemoryBackend::new(), mark: PathBuf::from(address).join("dropped") }) as Box<dyn StorageBackend>)
    });
}

#[test]
fn the_halves_run_in_two_other_processes_and_the_first_is_gone() {
    for crossing in [Crossing::Process, Crossing::Kill] {
        let here = tempfile::tempdir().unwrap();
        let address = here.path().to_str().unwrap();
        let processes = processes();
        let carry = block_on(processes.before(crossing, &two_processes(), address)).unwrap();
        assert_ne!(carry, std::process::id().to_string());
        assert!(!Path::new("/proc").join(&carry).exists(), "{crossing:?}: process {carry} is reaped");
        assert!(!here.path().join("dropped").exists(), "{crossing:?}: nothing was dropped or closed before the end");
        block_on(processes.after(crossing, &two_processes(), address, &carry)).unwrap();
    }
}

#[test]
fn a_carry_of_any_size_and_bytes_arrives() {
    let here = tempfile::tempdir().unwrap();
    let carry = block_on(processes().before(Crossing::Kill, &long_carry(), here.path().to_str().unwrap())).unwrap();
    assert_eq!(carry, awkward());
    block_on(processes().after(Crossing::Kill, &long_carry(), here.path().to_str().unwrap(), &carry)).unwrap();
}

#[test]
fn a_broken_promise_comes_back_with_its_text() {
    let here = tempfile::tempdir().unwrap();
    let verdict = block_on(processes().after(Crossing::Process, &two_processes(), here.path().to_str().unwrap(), "not a number"));
    let Err(Broken::Promise(text)) = verdict else { panic!("{verdict:?}") };
    assert!(text.contains("not a number"), "{text}");
}

#[test]
fn a_panic_in_a_half_is_a_failure_that_shows_it() {
    let here = tempfile::tempdir().unwrap();
    let outcome = block_on(processes().before(Crossing::Process, &panicking(), here.path().to_str().unwrap()));
    let Err(Broken::Promise(text)) = outcome else { panic!("{outcome:?}") };
    assert!(text.contains("the case lost its temper"), "{text}");
}

#[test]
fn a_first_half_that_ends_its_process_is_no_kill() {
    let here = tempfile::tempdir().unwrap();
    let outcome = block_on(processes().before(Crossing::Kill, &exiting(), here.path().to_str().unwrap()));
    let Err(Broken::Promise(text)) = outcome else { panic!("{outcome:?}") };
    assert!(text.contains("ended without an answer"), "{text}");
}

#[test]
fn a_child_that_hangs_is_killed_and_reported() {
    let here = tempfile::tempdir().unwrap();
    let impatient = processes().with_patience(Duration::from_millis(300));
    let outcome = block_on(impatient.before(Crossing::Kill, &hanging(), here.path().to_str().unwrap()));
    let Err(Broken::Promise(text)) = outcome else { panic!("{outcome:?}") };
    assert!(text.contains("hung"), "{text}");
}

#[test]
fn a_small_place_is_small() {
    block_on(processes().with_small_places(|directory| directory.display().to_string()).in_small_place(&small(), 1 << 20)).unwrap();
}

#[test]
fn without_a_way_to_address_a_directory_no_small_place_is_offered() {
    let verdict = block_on(processes().in_small_place(&small(), 1 << 20));
    assert!(matches!(verdict, Err(Broken::NotOffered(_))), "{verdict:?}");
}

#[test]
fn a_namespace_that_cannot_be_made_is_a_failure_that_says_what_to_enable() {
    // No `unshare` can be found on this path.
    let processes = Processes::new(|| {
        let mut command = std::process::Command::new("/nonexistent/program");
        command.env("PATH", "/nonexistent");
        command
    });
    let verdict = block_on(processes.with_small_places(|directory| directory.display().to_string()).in_small_place(&small(), 1 << 20));
    let Err(Broken::Promise(text)) = verdict else { panic!("{verdict:?}") };
    assert!(text.contains("could not be made") && text.contains("user.max_user_namespaces"), "{text}");
}

#[test]
fn a_child_whose_parent_lets_go_of_it_ends() {
    let here = tempfile::tempdir().unwrap();
    assert_eq!(waiting_child(&two_processes(), here.path()).abandon().unwrap().code(), Some(wire::ORPHANED));
}

/// A parent that is killed cannot kill its children: they have to see for themselves, or they would hold locks for ever.
#[test]
fn a_child_whose_parent_is_killed_ends() {
    let here = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["process::tests::parent_entry", "--exact", "--nocapture"])
        .env(PARENT_VARIABLE, here.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(lines.map_while(|line| line.ok()).any(|line| line.ends_with(CHILD_HOLDS_LOCK)), "the parent has no child that waits");
    let lock = File::open(here.path().join("lock")).unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)), "the child holds the lock");
    parent.kill().unwrap();
    parent.wait().unwrap();

    let (say, ended) = channel();
    thread::spawn(move || say.send(lock.lock().is_ok()));
    // Far more than it takes: this is to fail, and not to hang, if the child lives on.
    assert_eq!(ended.recv_timeout(Duration::from_secs(120)), Ok(true), "the child outlives its parent");
}

/// The parent of [`a_child_whose_parent_is_killed_ends`].
#[test]
fn parent_entry() {
    let Some(here) = std::env::var_os(PARENT_VARIABLE) else { return };
    let _child = waiting_child(&locking(), Path::new(&here));
    println!("{CHILD_HOLDS_LOCK}");
    loop {
        thread::park();
    }
}

const PARENT_VARIABLE: &str = "ANYSTORAGE_CONFORMANCE_TEST_PARENT";
const CHILD_HOLDS_LOCK: &str = "the child holds the lock";

/// A child that has done the first half and waits to be killed.
fn waiting_child(case: &Case, here: &Path) -> Running {
    let address = here.to_str().unwrap().to_owned();
    let request = wire::Request::Before { case: case.name.to_owned(), address, then: wire::Then::Wait };
    let mut child = Running::start(processes().command(), &request, Duration::from_secs(180)).unwrap();
    assert!(matches!(child.answer().unwrap(), wire::Answer::Started));
    assert!(matches!(child.answer().unwrap(), wire::Answer::Carry(Ok(_))));
    child
}

fn processes() -> Processes {
    Processes::this_test_program("process::tests::child_entry").unwrap()
}

fn cases() -> Vec<Case> {
    vec![two_processes(), locking(), long_carry(), panicking(), exiting(), hanging(), small()]
}

fn persistence(
    name: &'static str,
    before: for<'a> fn(&'a dyn StorageBackend) -> CaseFuture<'a, Result<Carry, Broken>>,
    after: for<'a> fn(&'a dyn StorageBackend, &'a str) -> CaseFuture<'a, Verdict>,
) -> Case {
    Case { name, line: 1, needs: &[], run: Run::Persistence { before, after } }
}

fn two_processes() -> Case {
    persistence(
        "processes::two",
        |_| Box::pin(async { Ok(std::process::id().to_string()) }),
        |_, carry| {
            Box::pin(async move {
                let first: u32 = carry.parse().map_err(|error| Broken::promise(format!("{carry:?}: {error}")))?;
                if first == std::process::id() {
                    return Err(Broken::promise("both halves ran in one process"));
                }
                Ok(())
            })
        },
    )
}

/// Takes a lock on a file named by the environment of its parent, and keeps it.
fn locking() -> Case {
    persistence(
        "processes::locking",
        |_| {
            Box::pin(async {
                let lock = File::create(Path::new(&std::env::var_os(PARENT_VARIABLE).unwrap()).join("lock")).unwrap();
                lock.lock().unwrap();
                std::mem::forget(lock);
                Ok(String::new())
            })
        },
        |_, _| Box::pin(async { Ok(()) }),
    )
}

fn awkward() -> String {
    "\0 \n \u{1f600} anystorage-conformance: {}".repeat(20_000)
}

fn long_carry() -> Case {
    persistence(
        "processes::long_carry",
        |_| Box::pin(async { Ok(awkward()) }),
        |_, carry| Box::pin(async move { if carry == awkward() { Ok(()) } else { Err(Broken::promise("another carry")) } }),
    )
}

fn panicking() -> Case {
    persistence("processes::panicking", |_| Box::pin(async { panic!("the case lost its temper") }), |_, _| Box::pin(async { Ok(()) }))
}

fn exiting() -> Case {
    persistence("processes::exiting", |_| Box::pin(async { std::process::exit(0) }), |_, _| Box::pin(async { Ok(()) }))
}

fn hanging() -> Case {
    persistence("processes::hanging", |_| Box::pin(std::future::pending()), |_, _| Box::pin(async { Ok(()) }))
}

/// Fills the directory past its size by itself: the engine of these tests keeps nothing on a disk.
fn small() -> Case {
    Case {
        name: "processes::small",
        line: 8,
        needs: &[],
        run: Run::Place(|place: &dyn Place| {
            Box::pin(async move {
                let filler = PathBuf::from(place.address().unwrap()).join("filler");
                std::fs::write(&filler, vec![7; 512 << 10]).unwrap();
                match std::fs::write(&filler, vec![7; 2 << 20]) {
                    Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
                    other => Err(Broken::promise(format!("2 MiB into 1 MiB: {other:?}"))),
                }
            })
        }),
    }
}

/// An engine that leaves a mark on the host when it is closed or dropped.
#[derive(Debug)]
struct Tattling {
    inner: MemoryBackend,
    mark: PathBuf,
}

impl Drop for Tattling {
    fn drop(&mut self) {
        std::fs::write(&self.mark, "").unwrap();
    }
}

#[engine]
impl StorageBackend for Tattling {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.inner.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.inner.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        std::fs::write(&self.mark, "").unwrap();
        self.inner.close().await
    }
}
