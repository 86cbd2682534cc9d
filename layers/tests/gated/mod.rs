//! The memory engine behind a gate: a test holds calls inside the engine and lets them go, and sees what ran, when, and on which thread.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::Duration;

use anystorage_api::{Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, engine};
use anystorage_memory::MemoryBackend;

/// What calls pass through, by name: `write a` is a `write_at` on the file that was opened as `a`.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: BTreeSet<String>,
    panicking: BTreeSet<String>,
    inside: Vec<String>,
    log: Vec<String>,
    threads: BTreeSet<String>,
}

impl Gate {
    /// Calls of this name stay inside the engine until they are let go.
    pub(crate) fn hold(&self, call: &str) {
        self.lock().held.insert(call.to_owned());
    }

    pub(crate) fn let_go(&self, call: &str) {
        self.lock().held.remove(call);
        self.changed.notify_all();
    }

    /// Calls of this name panic.
    pub(crate) fn panic_in(&self, call: &str) {
        self.lock().panicking.insert(call.to_owned());
    }

    /// Waits until `count` calls of this name are inside the engine at the same time.
    pub(crate) fn wait_for(&self, call: &str, count: usize) {
        let inside = |state: &State| state.inside.iter().filter(|inside| *inside == call).count();
        // The time is no verdict on speed: it ends a test that would hang.
        let waited = self.changed.wait_timeout_while(self.lock(), Duration::from_secs(60), |state| inside(state) < count).unwrap();
        assert!(!waited.1.timed_out(), "{count} times {call:?} never were inside together: {:?}", waited.0);
    }

    /// What started and ended so far, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lock().log.clone()
    }

    /// Where in the log `what` is.
    pub(crate) fn when(&self, what: &str) -> Option<usize> {
        self.lock().log.iter().position(|logged| logged == what)
    }

    pub(crate) fn ran_on(&self, thread: ThreadId) -> bool {
        self.lock().threads.contains(&format!("{thread:?}"))
    }

    fn pass<T>(&self, call: &str, work: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        state.threads.insert(format!("{:?}", thread::current().id()));
        state.log.push(format!("start {call}"));
        state.inside.push(call.to_owned());
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.held.contains(call)).unwrap();
        let first = state.inside.iter().position(|inside| inside == call).unwrap();
        state.inside.remove(first);
        let panics = state.panicking.contains(call);
        drop(state);
        assert!(!panics, "as the test asked for");
        let done = work();
        self.lock().log.push(format!("end {call}"));
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Gated {
    memory: MemoryBackend,
    gate: Arc<Gate>,
    /// Held by the backend and all its files, as a location's lock is.
    lock: Arc<()>,
}

impl Gated {
    pub(crate) fn new() -> (Self, Arc<Gate>, Arc<()>) {
        let (gate, lock) = (Arc::default(), Arc::default());
        (Self { memory: MemoryBackend::new(), gate: Arc::clone(&gate), lock: Arc::clone(&lock) }, gate, lock)
    }

    fn pass<T>(&self, call: String, work: impl Future<Output = T>) -> T {
        self.gate.pass(&call, || futures_lite::future::block_on(work))
    }
}

#[derive(Debug)]
struct GatedFile {
    file: Box<dyn StorageFile>,
    path: StoragePath,
    gate: Arc<Gate>,
    letting_go: LettingGo,
    lock: Arc<()>,
}

/// Passes the gate as `drop` of the file when that is closed or dropped, while it still holds the lock.
#[derive(Debug)]
struct LettingGo {
    path: StoragePath,
    gate: Arc<Gate>,
}

impl Drop for LettingGo {
    fn drop(&mut self) {
        self.gate.pass(&format!("drop {}", self.path), || ());
    }
}

impl GatedFile {
    fn pass<T>(&self, call: &str, work: impl Future<Output = T>) -> T {
        self.gate.pass(&format!("{call} {}", self.path), || futures_lite::future::block_on(work))
    }
}

#[engine]
impl StorageBackend for Gated {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = self.pass(format!("open {path}"), self.memory.open(path, options))?;
        let letting_go = LettingGo { path: path.clone(), gate: Arc::clone(&self.gate) };
        Ok(Box::new(GatedFile { file, path: path.clone(), gate: Arc::clone(&self.gate), letting_go, lock: Arc::clone(&self.lock) }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.pass(format!("stat {path}"), self.memory.stat(path))
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.pass(format!("list {directory}"), self.memory.list(directory, after, limit))
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.pass(format!("create_dir {path}"), self.memory.create_dir(path))
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.pass(format!("remove_file {path}"), self.memory.remove_file(path))
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.pass(format!("remove_dir {path}"), self.memory.remove_dir(path))
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.pass(format!("rename {from}"), self.memory.rename(from, to))
    }
    async fn sync(&self) -> Result<()> {
        self.pass("sync".to_owned(), self.memory.sync())
    }
    async fn close(&self) -> Result<()> {
        self.pass("close".to_owned(), self.memory.close())
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.pass(format!("read_file {path}"), self.memory.read(path))
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.pass(format!("write_file {path}"), self.memory.write(path, data))
    }
}

#[engine]
impl StorageFile for GatedFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.pass("read", self.file.read_at(offset, buf))
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.pass("write", self.file.write_at(offset, data))
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.pass("set_len", self.file.set_len(len))
    }
    async fn stat(&self) -> Result<Metadata> {
        self.pass("stat_file", self.file.stat())
    }
    async fn sync(&self) -> Result<()> {
        self.pass("sync_file", self.file.sync())
    }
    async fn close(self: Box<Self>) -> Result<()> {
        let Self { file, path, gate, letting_go, lock } = *self;
        let closed = gate.pass(&format!("close {path}"), || futures_lite::future::block_on(file.close()));
        drop(letting_go);
        drop(lock);
        closed
    }
}
