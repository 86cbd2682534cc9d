//! The runner: what it skips, what it refuses to skip, and what it reports.
#![allow(clippy::unwrap_used, clippy::panic)]

use anystorage_api::{
    Capabilities, DirEntry, Durability, ErrorKind, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_conformance::case::{Broken, Case, Need};
use anystorage_conformance::recorder::{REMEMBERED, Recorder};
use anystorage_conformance::report::{EngineReport, Report, Status};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::suite::{self, CAPABILITIES_CASE, Options};
use anystorage_conformance::{list, table};
use anystorage_memory::MemoryBackend;
use futures_lite::future::{block_on, poll_once};

/// Memory, with what a test wants to be otherwise.
#[derive(Clone, Copy, Debug)]
struct Memory {
    expected: Option<Capabilities>,
    declared: Option<Capabilities>,
    gives_small_places: bool,
    panics: bool,
    limit: u64,
}

const PLAIN: Memory = Memory { expected: Some(table::MEMORY), declared: None, gives_small_places: true, panics: false, limit: u64::MAX };

#[engine]
impl Subject for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.expected
    }
    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(*self))
    }
}

#[engine]
impl Place for Memory {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Bent { memory: MemoryBackend::with_limit(self.limit), how: *self }))
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(self.gives_small_places.then(|| Box::new(Self { limit: bytes, ..*self }) as Box<dyn Place>))
    }
}

#[derive(Debug)]
struct Bent {
    memory: MemoryBackend,
    how: Memory,
}

#[engine]
impl StorageBackend for Bent {
    fn capabilities(&self) -> Capabilities {
        self.how.declared.unwrap_or_else(|| self.memory.capabilities())
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.memory.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        assert!(!self.how.panics, "stat is not to be had");
        self.memory.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.memory.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.memory.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.memory.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.memory.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.memory.close().await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.memory.write(path, data).await
    }
    async fn usage(&self) -> Result<anystorage_api::Usage> {
        self.memory.usage().await
    }
}

fn run(subject: &Memory, filter: &str) -> EngineReport {
    block_on(suite::run(subject, &Options::new().filter(filter), None, &mut |_| {}))
}

#[test]
fn memory_keeps_the_contract_and_skips_what_the_table_lets_it() {
    let mut seen = 0;
    let found = block_on(suite::run(&PLAIN, &Options::new(), None, &mut |_| seen += 1));
    assert_eq!(found.cases.len(), seen, "the observer is told of every case");
    let report: Report = std::iter::once(found).collect();
    println!("{}", report.matrix());
    assert_eq!(report.failed, 0, "{}", report.matrix());
    assert_eq!(report.passed + report.skipped, seen);
    for case in report.engines.iter().flat_map(|engine| &engine.cases) {
        assert_eq!(case.status == Status::Passed, case.detail.is_empty(), "{}: {}", case.name, case.detail);
        assert!(case.name == CAPABILITIES_CASE || case.seconds.is_some(), "{} has no time", case.name);
    }
}

#[test]
fn every_line_has_cases_enough_and_every_name_is_one() {
    let cases = list::cases();
    for line in 1..=12 {
        let count = cases.iter().filter(|case| case.line == line).count();
        assert!(count >= 5, "contract line {line} has {count} cases");
    }
    let mut names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(names.iter().all(|name| list::find(name).is_some_and(|case| case.name == *name)));
}

#[test]
fn a_case_crosses_some_by_turns_and_all_of_them_in_the_end() {
    use anystorage_conformance::case::Run;
    use anystorage_conformance::crossing::Crossing;

    let offered = [Crossing::Reopen, Crossing::Drop, Crossing::Terminate, Crossing::Reload, Crossing::Kill];
    let words = |crossings: &[Crossing]| crossings.iter().map(|crossing| crossing.as_str()).collect::<Vec<_>>();
    let cases: Vec<&Case> = list::cases().iter().filter(|case| matches!(case.run, Run::Persistence { .. })).collect();
    for case in &cases {
        assert_eq!(words(&Options::new().chosen(case, &offered)), words(&offered));
        let mut crossed: Vec<&str> =
            (0..offered.len()).flat_map(|turn| words(&Options::new().crossings(2, turn).chosen(case, &offered))).collect();
        assert_eq!(crossed.len(), 2 * offered.len());
        crossed.sort_unstable();
        crossed.dedup();
        assert_eq!(crossed.len(), offered.len(), "{}: {crossed:?}", case.name);
        assert!(Options::new().crossings(2, usize::MAX).chosen(case, &[]).is_empty());
        assert_eq!(words(&Options::new().crossings(9, 0).chosen(case, &offered)).len(), offered.len());
    }
    for crossing in offered {
        let crossing = crossing.as_str();
        let share = cases.iter().filter(|case| words(&Options::new().crossings(2, 3).chosen(case, &offered)).contains(&crossing)).count();
        assert!(share >= cases.len() / offered.len(), "{crossing} has {share} of {}", cases.len());
    }
}

#[test]
fn capabilities_that_are_not_in_the_table_fail_and_so_does_what_is_lacking_for_them() {
    let modest = Memory { declared: Some(table::MEMORY.usage(false)), ..PLAIN };
    let found = run(&modest, "usage");
    let by_need = found.cases.iter().find(|case| case.name == "honesty::usage_moves_with_what_is_stored").unwrap();
    assert_eq!(by_need.status, Status::Failed, "what the table offers may not be left out: {}", by_need.detail);
    let own = run(&modest, CAPABILITIES_CASE);
    let own = own.cases.first().unwrap();
    assert_eq!((own.name.as_str(), own.line, own.status), (CAPABILITIES_CASE, 10, Status::Failed));
    assert!(own.detail.contains("usage is false, not true"), "{}", own.detail);
}

#[test]
fn others_may_leave_out_what_they_do_not_declare() {
    let found = run(&Memory { declared: Some(table::MEMORY.usage(false)), expected: None, ..PLAIN }, "usage_moves");
    let case = found.cases.first().unwrap();
    assert_eq!((case.status, case.detail.as_str()), (Status::Skipped, "not offered: usage"));
}

#[test]
fn a_small_place_that_is_not_given_is_a_failure_for_our_own_engines_alone() {
    let found = run(&Memory { gives_small_places: false, ..PLAIN }, "space::running_out");
    assert_eq!(found.cases.first().unwrap().status, Status::Failed);
    let found = run(&Memory { gives_small_places: false, expected: None, ..PLAIN }, "space::running_out");
    assert_eq!(found.cases.first().unwrap().status, Status::Skipped);
}

#[test]
fn durability_that_is_only_declared_is_found_out() {
    let boasting = Memory { declared: Some(table::MEMORY.durability(Durability::Process)), expected: None, ..PLAIN };
    let found = run(&boasting, "syncs::");
    assert!(found.cases.len() >= 20, "persistence cases run across a reopen and a drop");
    assert!(found.cases.iter().all(|case| case.status == Status::Failed));
    assert!(found.cases.iter().any(|case| case.name == "syncs::the_last_of_many_syncs_counts@reopen"));
    assert!(found.cases.iter().any(|case| case.name == "syncs::the_last_of_many_syncs_counts@drop"));
}

#[test]
fn a_panic_is_a_failed_case_that_shows_what_led_to_it() {
    let found = run(&Memory { panics: true, ..PLAIN }, "reads::stat_tells");
    let case = found.cases.first().unwrap();
    assert_eq!(case.status, Status::Failed);
    for text in ["it panicked: stat is not to be had", "1. create_dir \"directory\" -> ok", "stat \"file\" -> no answer"] {
        assert!(case.detail.contains(text), "{text:?} is missing in: {}", case.detail);
    }
}

#[test]
fn a_location_that_does_not_open_fails_the_run() {
    #[derive(Debug)]
    struct Nowhere;
    #[engine]
    impl Subject for Nowhere {
        fn name(&self) -> String {
            "nowhere".to_owned()
        }
        async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
            Err(anystorage_api::Error::new(ErrorKind::PermissionDenied, anystorage_api::Operation::OpenLocation))
        }
    }
    let found = block_on(suite::run(&Nowhere, &Options::new(), None, &mut |_| {}));
    let report: Report = std::iter::once(found).collect();
    assert_eq!((report.passed, report.failed, report.skipped), (0, 1, 0));
    assert!(report.engines.first().unwrap().capabilities.is_none());
}

#[test]
fn the_report_for_machines_has_the_promised_shape() {
    let report: Report = std::iter::once(run(&PLAIN, "options::")).collect();
    let json = serde_json::to_value(&report).unwrap();
    let engine = &json["engines"][0];
    assert_eq!(engine["url"], "memory:");
    assert_eq!(engine["capabilities"]["durability"], "none");
    assert_eq!(engine["capabilities"]["max_name_len"], 255);
    let case = &engine["cases"][0];
    assert_eq!(case["name"], "options::every_combination_does_what_it_says");
    assert_eq!((&case["line"], &case["status"], &case["detail"]), (&5.into(), &"passed".into(), &"".into()));
    assert!(case["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0));
    assert_eq!(json["passed"], report.passed);
    assert_eq!((&json["failed"], &json["skipped"]), (&0.into(), &0.into()));
}

#[test]
fn the_report_for_people_ends_with_the_sums() {
    let boasting = Memory { declared: Some(table::MEMORY.durability(Durability::Process)), ..PLAIN };
    let report: Report = [run(&PLAIN, "::"), run(&boasting, "honesty::durability")].into_iter().collect();
    let text = report.matrix().to_string();
    let last = text.lines().last().unwrap();
    assert_eq!(last, format!("{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped));
    assert!(text.contains("FAILED honesty::durability_is_what_it_says on memory: (line 10)"), "{text}");
    let first_lacking = |case: &&Case| case.needs.iter().find(|need| need.met_by(&table::MEMORY) == Some(false)) == Some(&Need::Durable);
    let durable = list::cases().iter().filter(first_lacking).count();
    assert!(text.contains(&format!("memory:  not offered: durability ({durable} cases)")), "{text}");
}

#[test]
fn the_recorder_keeps_the_last_operations_and_changes_nothing() {
    let recorder = Recorder::new();
    let backend = recorder.backend(Box::new(MemoryBackend::new()));
    block_on(async {
        let file = StoragePath::parse("file").unwrap();
        // Ready at the first poll, as the engine is.
        poll_once(backend.write(&file, b"data")).await.unwrap().unwrap();
        for _ in 0..2 * REMEMBERED {
            assert_eq!(poll_once(backend.read(&file)).await.unwrap().unwrap(), b"data");
        }
        let error = backend.read(&StoragePath::parse("missing").unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        drop(backend.stat(&file));
    });
    let text = recorder.to_string();
    assert_eq!(text.lines().count(), REMEMBERED);
    assert!(text.ends_with("82. read \"missing\" -> error: not found\n"), "{text}");
}

#[test]
fn a_half_of_a_case_that_has_none_is_refused() {
    let plain = list::find("reads::holes_read_as_zeros").unwrap();
    let outcome = block_on(suite::before(plain, Box::new(MemoryBackend::new())));
    assert!(matches!(outcome, Err(Broken::Promise(text)) if text.contains("has no halves")));
}
