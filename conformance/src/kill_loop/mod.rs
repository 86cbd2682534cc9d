//! The kill loop: a child plays a mixed load and is killed by SIGKILL in the middle of it, again and again, and after each kill everything
//! that the contract promises is compared with what is there.
//!
//! The load comes from a seed, so that parent and child know it without a word: files written in place, cut and lengthened, replaced
//! whole, created, renamed, also over others, and removed, directories too, with syncs of a file and of everything between. The child
//! announces the beginning and the end of each operation. The parent picks an operation ahead, kills as soon as that one has begun, and
//! then hears out what was announced until the end: what had begun and not ended is what the kill hit, whatever was aimed at. Then it
//! reaps the child, opens the location at once (contract line 7), reads everything, and holds it against the
//! [durability model](crate::durability_model) (lines 1, 2 and 4, and 3 where `atomic_sync` is declared). The next child goes on from
//! there.
//!
//! Who plays and who kills is up to a [`Killer`]: natively child processes and SIGKILL, by [`KillLoop`]; in browsers workers and pages that
//! are terminated, reloaded or killed with everything else.
//!
//! A kill does not lose the operating system's page cache. So this proves recovery, and finds what an engine keeps in its own memory or
//! does in the wrong order; that a sync reaches the disk is for a simulated disk to show.
//!
//! ```no_run
//! use anystorage_conformance::kill_loop::{KillLoop, Phase};
//! use anystorage_conformance::process::{Processes, run_child_if_asked};
//! # async fn open_my_engine(_: &str) -> anystorage_api::Result<Box<dyn anystorage_api::StorageBackend>> { Err(anystorage_api::Error::new(anystorage_api::ErrorKind::Unsupported, anystorage_api::Operation::OpenLocation)) }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     run_child_if_asked(|address| async move { open_my_engine(&address).await });
//!
//!     let kills = KillLoop::new(Processes::this_program()?, |address| async move { open_my_engine(&address).await });
//!     let report = kills.seed(7).kills(200).run(|number| format!("/var/tmp/kill-loop-{number}"))?;
//!     println!("{report}");
//!     assert!(report.violations.is_empty() && report.percent(Phase::Sync) >= 30.0);
//!     Ok(())
//! }
//! ```

mod aim;
#[cfg(unix)]
mod children;
mod episode;
mod killer;
mod line;
mod load;
mod player;
mod random;
mod report;
mod run;
#[cfg(unix)]
mod victim;

#[cfg(unix)]
pub use children::KillLoop;
pub use killer::{Ended, Found, Killer, Lost, Play, Target, look};
pub use line::Line;
pub(crate) use player::play;
pub use report::{KillReport, KillViolation, Phase, PhaseCounts};
pub use run::KillPlan;
