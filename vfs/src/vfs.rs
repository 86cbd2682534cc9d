use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, StoragePath};
use web_time::Instant;

use crate::causes::Causes;
use crate::counters::{Call, Counter, Counters};
use crate::descriptors::{Description, Descriptors};
use crate::devices::{self, Device};
use crate::node::Node;
use crate::tree::{Location, Tree};
use crate::{AT_FDCWD, Config, DeviceNumber, Errno, Result};

/// Mounts, descriptors and a working directory: what a process has on a POSIX system.
///
/// Copies are the same face. It may be used by several threads where its engines may; calls about names are done one after another, reads
/// and writes of open files are not.
#[derive(Clone, Debug)]
pub struct Vfs {
    shared: Arc<Shared>,
    pub(crate) causes: Causes,
}

#[derive(Debug)]
struct Shared {
    tree: Mutex<Tree>,
    descriptors: Mutex<Descriptors>,
    devices: Mutex<BTreeMap<DeviceNumber, Arc<dyn Device>>>,
    counters: Counters,
    verbosity: u8,
    sanity_checks: bool,
    umask: AtomicU32,
    /// None for the root of all.
    working: Mutex<Option<Arc<Node>>>,
}

/// A lock whose holder panicked still guards what it did.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Vfs {
    fn default() -> Self {
        Self::new()
    }
}

impl Vfs {
    /// A face with nothing mounted.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(&Config::new())
    }

    /// The same, as configured. With [`sanity_checks`](Config::sanity_checks) each engine is tried when it is mounted.
    #[must_use]
    pub fn with_config(config: &Config) -> Self {
        let limit = i32::try_from(config.max_descriptors).unwrap_or(i32::MAX);
        let shared = Shared {
            tree: Mutex::new(Tree::default()),
            descriptors: Mutex::new(Descriptors::new(limit)),
            devices: Mutex::new(devices::built_in()),
            counters: Counters::default(),
            verbosity: config.verbosity,
            sanity_checks: config.sanity_checks,
            umask: AtomicU32::new(0o022),
            working: Mutex::new(None),
        };
        Self { shared: Arc::new(shared), causes: Causes::default() }
    }

    /// What an engine last reported, behind the errno of some call: with the operation, the path and the cause.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.causes.last()
    }

    /// What was counted, call by call.
    #[must_use]
    pub fn counters(&self) -> Vec<(Call, Counter)> {
        self.shared.counters.all()
    }

    /// Sets the permission bits that new files do not get, and returns those before. At first `0o022`.
    pub fn umask(&self, mask: u32) -> u32 {
        self.shared.umask.swap(mask & 0o777, Ordering::Relaxed)
    }

    /// Gives the device of that number a driver, a terminal for instance ([`Tty`](crate::Tty)); the driver before is returned. Descriptors
    /// that are open keep theirs.
    pub fn register_device(&self, number: DeviceNumber, device: Arc<dyn Device>) -> Option<Arc<dyn Device>> {
        lock(&self.shared.devices).insert(number, device)
    }

    pub(crate) fn device(&self, number: DeviceNumber) -> Result<Arc<dyn Device>> {
        lock(&self.shared.devices).get(&number).cloned().ok_or(Errno::ENXIO)
    }

    pub(crate) fn tree(&self) -> MutexGuard<'_, Tree> {
        lock(&self.shared.tree)
    }

    pub(crate) fn descriptors(&self) -> MutexGuard<'_, Descriptors> {
        lock(&self.shared.descriptors)
    }

    pub(crate) fn description(&self, descriptor: i32) -> Result<Arc<Description>> {
        self.descriptors().get(descriptor)
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, Option<Arc<Node>>> {
        lock(&self.shared.working)
    }

    pub(crate) fn sanity_checks(&self) -> bool {
        self.shared.sanity_checks
    }

    /// The permission bits that a new file gets of those that were asked for.
    pub(crate) fn masked(&self, mode: u32) -> u32 {
        mode & 0o7777 & !self.shared.umask.load(Ordering::Relaxed)
    }

    /// Where the paths of a call start.
    pub(crate) fn start_at(&self, directory: i32, path: &str) -> Result<Start> {
        if directory == AT_FDCWD || path.starts_with('/') {
            return Ok(Start::Working(self.working().clone()));
        }
        let description = self.description(directory)?;
        if description.node.is_dir() { Ok(Start::At(description)) } else { Err(Errno::ENOTDIR) }
    }

    /// The working directory.
    pub(crate) fn start(&self) -> Start {
        Start::Working(self.working().clone())
    }

    pub(crate) fn add_bytes(&self, call: Call, bytes: usize) {
        self.shared.counters.add_bytes(call, bytes);
    }

    /// Makes a call: counted, timed and logged.
    pub(crate) fn call<T>(&self, call: Call, what: impl std::fmt::Debug, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let outcome = make();
        self.note(call, &what, start, &outcome);
        outcome
    }

    /// The same for a call that waits.
    pub(crate) async fn call_waiting<T>(&self, call: Call, what: &str, made: impl Future<Output = Result<T>>) -> Result<T> {
        let start = Instant::now();
        let outcome = made.await;
        self.note(call, &what, start, &outcome);
        outcome
    }

    fn note<T>(&self, call: Call, what: &dyn std::fmt::Debug, start: Instant, outcome: &Result<T>) {
        self.shared.counters.add(call, start.elapsed(), outcome.is_err());
        let verbosity = self.shared.verbosity;
        match outcome {
            Err(errno) if errno.is_grave() && verbosity >= 1 => match self.last_error() {
                Some(error) => log::error!("{} {what:?}: {}: {error}", call.as_str(), errno.name()),
                None => log::error!("{} {what:?}: {}", call.as_str(), errno.name()),
            },
            Err(errno) if verbosity >= 3 => log::debug!("{} {what:?}: {}", call.as_str(), errno.name()),
            Ok(_) if verbosity >= 3 => log::debug!("{} {what:?}", call.as_str()),
            _ => {}
        }
    }
}

/// Where paths that do not begin with `/` start.
#[derive(Debug)]
pub(crate) enum Start {
    Working(Option<Arc<Node>>),
    At(Arc<Description>),
}

impl Start {
    fn node(&self) -> Option<&Arc<Node>> {
        match self {
            Self::Working(node) => node.as_ref(),
            Self::At(description) => Some(&description.node),
        }
    }

    /// Where `path` starts.
    pub(crate) fn location(&self, tree: &Tree, path: &str) -> Result<Location> {
        match self.node() {
            Some(node) if !path.starts_with('/') => Ok(Location { mount: node.mount, path: node.path().ok_or(Errno::ENOENT)? }),
            _ => tree.root(),
        }
    }

    /// The directory itself, where that is what `path` says and it was removed: it can still be asked about, and opened.
    pub(crate) fn removed(&self, path: &str) -> Option<&Arc<Node>> {
        let itself = path.starts_with('.') && path.split('/').all(|part| part.is_empty() || part == ".");
        self.node().filter(|node| itself && node.path().is_none())
    }
}

/// The place of an open node.
pub(crate) fn place(node: &Node) -> Result<(u32, StoragePath)> {
    Ok((node.mount, node.path().ok_or(Errno::ENOENT)?))
}
