//! What a case is: a plain async function, the contract line it checks, and what an engine must offer for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use anystorage_api::{Capabilities, Error, StorageBackend};

use crate::subject::Place;

/// How a case ends: kept, or broken with a reason.
pub type Verdict = Result<(), Broken>;

/// What the first half of a persistence case hands to the second: text, because it may cross a process or a page reload.
pub type Carry = String;

/// A promise that was not kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// The case saw something else than the contract promises; the text says what was promised and what was seen.
    Promise(String),
    /// An operation that had to succeed failed.
    Failed(Error),
    /// The subject cannot provide what the case needs (a small place, a failing flush). Counted as 'not offered', and a failure where
    /// the table of our own engines says that it is offered.
    NotOffered(String),
}

impl Broken {
    /// A broken promise.
    #[must_use]
    pub fn promise(text: impl Into<String>) -> Self {
        Self::Promise(text.into())
    }

    /// The same, with where it happened in front of it.
    #[must_use]
    pub fn in_context(self, place: &str) -> Self {
        match self {
            Self::NotOffered(_) => self,
            broken => Self::Promise(format!("{place}: {broken}")),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise(text) => f.write_str(text),
            Self::Failed(error) => write!(f, "an operation that must succeed failed: {error}"),
            Self::NotOffered(text) => write!(f, "not offered: {text}"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a case needs of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// A durability of at least `Process`.
    Durable,
    /// `atomic_sync`.
    AtomicSync,
    /// `atomic_rename_file`.
    AtomicRenameFile,
    /// `atomic_rename_dir`.
    AtomicRenameDir,
    /// `immediate`.
    Immediate,
    /// `checksums`.
    Checksums,
    /// `attributes`.
    Attributes,
    /// `usage`.
    Usage,
    /// Durable, and not `shared`: a location that one instance holds.
    OneHolder,
    /// [`Place::small`] of the subject. A case with this need is run over the small place itself, not over one that has such a place.
    SmallPlace,
    /// That what is removed gives its space back at once. Where the platform below keeps it for a while, no engine can change that.
    FreedSpace,
    /// [`Place::open_with_faults`] of the subject.
    FlushFaults,
    /// [`Place::damage`] of the subject.
    Damage,
}

impl Need {
    /// Whether capabilities meet it; none for what only the subject can tell.
    #[must_use]
    pub fn met_by(self, capabilities: &Capabilities) -> Option<bool> {
        Some(match self {
            Self::Durable => capabilities.is_durable(),
            Self::AtomicSync => capabilities.atomic_sync,
            Self::AtomicRenameFile => capabilities.atomic_rename_file,
            Self::AtomicRenameDir => capabilities.atomic_rename_dir,
            Self::Immediate => capabilities.immediate,
            Self::Checksums => capabilities.checksums,
            Self::Attributes => capabilities.attributes,
            Self::Usage => capabilities.usage,
            Self::OneHolder => capabilities.is_durable() && !capabilities.shared,
            Self::SmallPlace | Self::FreedSpace | Self::FlushFaults | Self::Damage => return None,
        })
    }

    /// The need in words, for the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durability",
            Self::AtomicSync => "atomic_sync",
            Self::AtomicRenameFile => "atomic_rename_file",
            Self::AtomicRenameDir => "atomic_rename_dir",
            Self::Immediate => "immediate",
            Self::Checksums => "checksums",
            Self::Attributes => "attributes",
            Self::Usage => "usage",
            Self::OneHolder => "a location with one holder",
            Self::SmallPlace => "a small place",
            Self::FreedSpace => "space that is free as soon as it is freed",
            Self::FlushFaults => "a flush that can be made to fail",
            Self::Damage => "stored bytes that can be damaged",
        }
    }
}

/// A future of a case, `Send` where futures are.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub type CaseFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A future of a case.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub type CaseFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How a case runs.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Run {
    /// Over one fresh, empty, open location.
    Plain(for<'a> fn(&'a dyn StorageBackend) -> CaseFuture<'a, Verdict>),
    /// Over a fresh place that the case opens, closes, damages or fills by itself.
    Place(for<'a> fn(&'a dyn Place) -> CaseFuture<'a, Verdict>),
    /// Two halves with nothing but the storage and the [`Carry`] between them. The harness decides what happens in between.
    Persistence {
        /// Works on a fresh, empty, open location.
        before: for<'a> fn(&'a dyn StorageBackend) -> CaseFuture<'a, Result<Carry, Broken>>,
        /// Checks the location opened anew.
        after: for<'a> fn(&'a dyn StorageBackend, &'a str) -> CaseFuture<'a, Verdict>,
    },
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Place(_) => "Place",
            Self::Persistence { .. } => "Persistence",
        })
    }
}

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its stable name: the module and the function, `replacing::write_is_whole_after_a_kill`.
    pub name: &'static str,
    /// The contract line it checks, 1 to 12.
    pub line: u8,
    /// What an engine must offer for it.
    pub needs: &'static [Need],
    /// How it runs.
    pub run: Run,
}
