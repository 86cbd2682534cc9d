//! The reference keeps the whole contract: so every case can be passed, and none is skipped on it.

use anystorage_conformance::report::Status;
use anystorage_conformance::suite;
use futures_lite::future::block_on;

use crate::reference::Reference;

#[test]
fn the_reference_passes_every_case_and_skips_none() {
    let mut wrong = Vec::new();
    let report = block_on(suite::run(&Reference::correct(), &suite::Options::new(), None, &mut |case| {
        if case.status != Status::Passed {
            wrong.push(format!("{} (line {}): {:?} {}", case.name, case.line, case.status, case.detail));
        }
    }));
    println!("{} runs of cases", report.cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
