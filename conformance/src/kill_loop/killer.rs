//! Who plays the load and how it is ended: a child process and SIGKILL, a browser's worker and its termination, or anything else.

use std::future::Future;
use std::time::Duration;

use anystorage_api::{Capabilities, Error, ErrorKind, Result, StorageBackend, StoragePath};
use serde::{Deserialize, Serialize};

use super::line::Line;
use crate::case::Broken;
use crate::durability_model::Tree;

/// Which part of the load is played, and where.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Play {
    /// The seed of the load.
    pub seed: u64,
    /// The number of its first operation; what comes is up to the seed, the number, and what is at the location.
    pub first: u64,
    /// The location.
    pub address: String,
    /// Whether directories are renamed too. A rename that is not atomic may be half done after a kill, which the model cannot follow.
    pub moves_directories: bool,
}

/// Which operation the kill is meant for, and how long after its beginning.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The number of the operation.
    pub number: u64,
    /// How long after it was announced.
    pub delay: Duration,
}

impl Target {
    pub(super) const fn new(number: u64, delay: Duration) -> Self {
        Self { number, delay }
    }

    /// Whether this announcement is the one to kill after.
    #[must_use]
    pub fn is_hit_by(&self, line: &Line) -> bool {
        matches!(line, Line::Begin { number, .. } if *number >= self.number)
    }
}

/// What was found at a location.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "made by whoever implements a killer")]
pub struct Found {
    /// What the engine declares.
    pub capabilities: Capabilities,
    /// All that is there.
    pub tree: Tree,
}

/// Why a location could not be looked at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(clippy::exhaustive_structs, reason = "made by whoever implements a killer")]
pub struct Lost {
    /// The contract line that this breaks, if it is one.
    pub line: Option<u8>,
    /// What failed.
    pub text: String,
}

/// How a player ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "made by whoever implements a killer")]
pub enum Ended {
    /// It was killed; an operation that was announced and had not ended was under way.
    Killed,
    /// It was killed while the operation of this number was under way, if any was. Whatever is announced as ended nevertheless was done
    /// by a player that died slowly.
    KilledDuring(Option<u64>),
    /// By itself, and why, as far as is known.
    ByItself(String),
}

/// Plays the load, ends its player in the middle, and looks at what is there then.
pub trait Killer {
    /// Opens the location at once, removes `leftover` if it is there, reads everything, syncs and closes.
    ///
    /// # Errors
    /// What failed: nothing may.
    fn look(&mut self, address: &str, leftover: Option<&StoragePath>) -> std::result::Result<Found, Lost>;

    /// Has the load played from where `play` says, and ends the player once an announcement [hits](Target::is_hit_by) the target. Every
    /// announcement, the last ones before the end too, is handed to `hear`, in order. When this returns, the player is gone.
    ///
    /// # Errors
    /// If no player can be started, or one hangs; what `hear` answers.
    fn kill(
        &mut self,
        play: &Play,
        target: Target,
        hear: &mut dyn FnMut(Line) -> std::result::Result<(), Broken>,
    ) -> std::result::Result<Ended, Broken>;
}

/// What [`Killer::look`] does, given the opening of the location.
///
/// # Errors
/// What failed.
pub async fn look(
    opening: impl Future<Output = Result<Box<dyn StorageBackend>>>,
    leftover: Option<&StoragePath>,
) -> std::result::Result<Found, Lost> {
    let failed = |doing: &str, error: &Error| Lost { line: None, text: format!("{doing} failed: {error}") };
    let backend = opening.await.map_err(|error| {
        let line = (error.kind() == ErrorKind::Locked).then_some(7);
        Lost { line, text: format!("the location cannot be opened: {error}") }
    })?;
    if let Some(leftover) = leftover {
        match backend.remove_file(leftover).await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("removing what a write had left", &error)),
            _ => {}
        }
    }
    let tree = Tree::observe(&*backend).await.map_err(|error| failed("reading everything", &error))?;
    let capabilities = backend.capabilities();
    backend.sync().await.map_err(|error| failed("a sync", &error))?;
    backend.close().await.map_err(|error| failed("the close", &error))?;
    Ok(Found { capabilities, tree })
}
