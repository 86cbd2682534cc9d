//! Long random sequences of calls, beside a model, with syncs and reopenings in between.

use anystorage_conformance::model::{self, ModelOptions};
use anystorage_conformance::subject::Subject;
use anystorage_layers::subject::Mirrored;
use anystorage_memory::subject::MemorySubject;
use futures_lite::future::block_on;

use crate::support::{Files, Redb};

/// `ANYSTORAGE_SEED` repeats a sequence, `ANYSTORAGE_OPERATIONS` sets how many calls there are for each engine.
#[test]
fn every_answer_is_the_models() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number("ANYSTORAGE_SEED", u64::from(since.subsec_nanos()));
    let operations = number("ANYSTORAGE_OPERATIONS", 5_000);
    println!("seed {seed}");
    let subjects: [Box<dyn Subject>; 3] = [
        Box::new(Mirrored::new(MemorySubject::new(u64::MAX))),
        Box::new(Mirrored::new(Files::new())),
        Box::new(Mirrored::new(Redb::new())),
    ];
    for subject in subjects {
        match block_on(model::run(&*subject, ModelOptions::new(seed).operations(operations))) {
            Ok(report) => println!("{}: {report}", subject.name()),
            Err(failure) => panic!("{}: {failure}", subject.name()),
        }
    }
}
