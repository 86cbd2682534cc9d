//! Cases of the suite that other processes play. A module of each test program that has such processes.

use std::path::Path;

use anystorage_api::Capabilities;
use anystorage_conformance::case::{Case, Need, Run};
use anystorage_conformance::crossing::Elsewhere;
use anystorage_conformance::list;
use anystorage_conformance::process::Processes;
use anystorage_conformance::suite::SMALL_BYTES;
use futures_lite::future::block_on;

/// The cases whose needs an engine meets.
pub(crate) fn offered(capabilities: &Capabilities) -> impl Iterator<Item = &'static Case> {
    list::cases().iter().filter(|case| case.needs.iter().all(|need| need.met_by(capabilities) != Some(false)))
}

/// Plays every persistence case across a process that ends and across a SIGKILL. `address` is that of a location in a directory.
pub(crate) fn persistence_cases_hold(processes: &Processes, capabilities: &Capabilities, address: impl Fn(&Path) -> String) {
    let (mut runs, mut failures) = (0, Vec::new());
    let crosses = |case: &&Case| matches!(case.run, Run::Persistence { .. }) && !case.needs.contains(&Need::SmallPlace);
    for case in offered(capabilities).filter(crosses) {
        for crossing in processes.crossings() {
            let root = tempfile::tempdir().unwrap();
            let address = address(root.path());
            let verdict = block_on(async {
                let carry = processes.before(*crossing, case, &address).await?;
                processes.after(*crossing, case, &address, &carry).await
            });
            runs += 1;
            failures.extend(verdict.err().map(|broken| format!("{}@{}: {broken}", case.name, crossing.as_str())));
        }
    }
    println!("{runs} runs of persistence cases, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0);
}

/// Plays every case of a full disk on a tmpfs.
pub(crate) fn full_disk_cases_hold(processes: &Processes, capabilities: &Capabilities) {
    let (mut runs, mut failures) = (0, Vec::new());
    for case in offered(capabilities).filter(|case| case.needs.contains(&Need::SmallPlace)) {
        runs += 1;
        let verdict = block_on(processes.in_small_place(case, SMALL_BYTES));
        failures.extend(verdict.err().map(|broken| format!("{}: {broken}", case.name)));
    }
    println!("{runs} cases of a full disk, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0);
}
