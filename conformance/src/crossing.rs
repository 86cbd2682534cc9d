//! What lies between the two halves of a persistence case.

use std::fmt::Debug;

use anystorage_api::{MaybeSend, MaybeSync, engine};
use serde::{Deserialize, Serialize};

use crate::case::{Broken, Carry, Case, Verdict};

/// What happens between the halves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Crossing {
    /// The instance is closed and the location opened again, in the same process.
    Reopen,
    /// The instance and its files are dropped without a close.
    Drop,
    /// The first half's process ends by itself, and another one runs the second half.
    Process,
    /// The first half's process is killed by SIGKILL, with everything still open; a browser with all its processes.
    Kill,
    /// The worker that ran the first half is terminated by its page, with everything still open.
    Terminate,
    /// The page that ran the first half, or had a worker do it, is reloaded.
    Reload,
    /// The browser is asked to quit, and is started again on the same profile.
    Restart,
}

impl Crossing {
    /// The word in a report's case name, behind `@`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reopen => "reopen",
            Self::Drop => "drop",
            Self::Process => "process",
            Self::Kill => "kill",
            Self::Terminate => "terminate",
            Self::Reload => "reload",
            Self::Restart => "restart",
        }
    }
}

/// Runs cases, or halves of them, where the suite itself cannot: in another process, in a place that is really small.
#[engine]
pub trait Elsewhere: Debug + MaybeSend + MaybeSync {
    /// The crossings it offers.
    fn crossings(&self) -> &[Crossing];

    /// Runs the first half of a persistence case at the place with this address, and then does what `crossing` says.
    async fn before(&self, crossing: Crossing, case: &Case, address: &str) -> Result<Carry, Broken>;

    /// Runs the second half.
    async fn after(&self, crossing: Crossing, case: &Case, address: &str, carry: &str) -> Verdict;

    /// Runs a whole case that needs a small place ([`Need::SmallPlace`](crate::case::Need::SmallPlace)) in one of about `bytes`.
    async fn in_small_place(&self, case: &Case, bytes: u64) -> Verdict {
        let _ = (case, bytes);
        Err(Broken::NotOffered("no small place here".to_owned()))
    }
}
