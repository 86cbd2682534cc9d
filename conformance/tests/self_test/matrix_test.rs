//! Which case is caught by which broken engine. A case that no broken engine fails proves nothing, and is a fault of the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use anystorage_conformance::list;
use anystorage_conformance::report::Status;
use anystorage_conformance::subject::Subject;
use anystorage_conformance::suite;
use futures_lite::future::block_on;

use crate::{catalogue, workers};

/// The cases that fail on an engine, without what lay between their halves.
fn failures(subject: &dyn Subject) -> BTreeSet<String> {
    let mut failed = BTreeSet::new();
    block_on(suite::run(subject, &suite::Options::new(), None, &mut |case| {
        if case.status == Status::Failed {
            failed.insert(case.name.split('@').next().unwrap().to_owned());
        }
    }));
    failed
}

/// By engine: the cases that catch it, and how long that took.
fn matrix() -> BTreeMap<String, (BTreeSet<String>, f64)> {
    let engines = Mutex::new(catalogue::engines());
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let work = || {
                loop {
                    let Some(engine) = engines.lock().unwrap().pop() else { break };
                    let started = std::time::Instant::now();
                    let failed = failures(&*engine);
                    let twice = found.lock().unwrap().insert(engine.name(), (failed, started.elapsed().as_secs_f64()));
                    assert!(twice.is_none(), "two broken engines are called {}", engine.name());
                }
            };
            workers::spawn(scope, worker, work);
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn every_case_is_failed_by_a_broken_engine() {
    let matrix = matrix();
    let mut uncaught = Vec::new();
    println!("\nwhich broken engines each case catches:");
    for case in list::cases() {
        let engines: Vec<&str> =
            matrix.iter().filter(|(_, (failed, _))| failed.contains(case.name)).map(|(engine, _)| engine.as_str()).collect();
        println!("{:2}  {:70} {:3}", case.line, case.name, engines.len());
        for engine in &engines {
            println!("        {engine}");
        }
        if engines.is_empty() {
            uncaught.push(case.name);
        }
    }
    println!("\nhow many cases catch each broken engine:");
    let mut survivors = Vec::new();
    for (engine, (failed, seconds)) in &matrix {
        println!("{:3}  {seconds:5.1} s  {engine}", failed.len());
        if failed.is_empty() {
            survivors.push(engine.as_str());
        }
    }
    println!("\n{} cases, {} broken engines, {} cases uncaught", list::cases().len(), matrix.len(), uncaught.len());
    assert!(uncaught.is_empty(), "no broken engine fails these cases: {uncaught:#?}");
    assert!(survivors.is_empty(), "no case catches these broken engines: {survivors:#?}");
}

#[test]
fn every_contract_line_has_four_cases_or_more() {
    let mut by_line: BTreeMap<u8, usize> = (1..=12).map(|line| (line, 0)).collect();
    for case in list::cases() {
        *by_line.entry(case.line).or_default() += 1;
    }
    for (line, count) in &by_line {
        println!("line {line:2}: {count} cases");
        assert!((1..=12).contains(line), "there is no line {line}");
        assert!(*count >= 4, "line {line} has only {count} cases");
    }
}
