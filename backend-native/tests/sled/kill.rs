//! SIGKILL in the middle of a mixed load, again and again: nothing synced is lost (contract lines 1, 2, 3, 4 and 7).
//!
//! `ANYSTORAGE_KILL_SEED` repeats a load, `ANYSTORAGE_KILLS` sets another number of kills. `--nocapture` shows the counts.

use std::fmt::Debug;
use std::str::FromStr;

use anystorage_api::StorageBackend;
use anystorage_conformance::kill_loop::{KillLoop, Phase};
use anystorage_native::sled::{self, SledOptions};

use crate::support::processes;

#[test]
fn nothing_that_was_synced_is_lost() {
    let kills = from_environment("ANYSTORAGE_KILLS", 200);
    // Where the build is, and so on a disk: in memory no sync lasts long enough to be hit.
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let open = |address: String| async move { Ok(Box::new(sled::open(address, &SledOptions::new())?) as Box<dyn StorageBackend>) };
    let kill_loop = KillLoop::new(processes(), open).seed(from_environment("ANYSTORAGE_KILL_SEED", 0x5eed));
    let report = kill_loop.kills(kills).run(|number| format!("{}/{number}", here.path().to_str().unwrap())).unwrap();
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.kills, kills);
    assert_eq!(Phase::ALL.map(|phase| report.by_phase.of(phase)).iter().sum::<u32>(), kills);
    assert!(report.percent(Phase::Sync) >= 30.0, "too few kills hit a sync; are its files on a disk that has to be waited for? {report}");
    assert!(report.by_phase.write > 0 && report.bytes_compared > 0 && report.syncs > 0, "{report}");
}

fn from_environment<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}
