//! Long random sequences of calls, beside a model.

use anystorage_conformance::model::{self, ModelOptions};
use futures_lite::future::block_on;

use crate::support::Scratch;

/// `ANYSTORAGE_SEED` repeats a sequence, `ANYSTORAGE_OPERATIONS` sets how many calls there are.
#[test]
fn every_answer_is_the_models() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number("ANYSTORAGE_SEED", u64::from(since.subsec_nanos()));
    let operations = number("ANYSTORAGE_OPERATIONS", 20_000);
    println!("seed {seed}");
    match block_on(model::run(&Scratch::new(), ModelOptions::new(seed).operations(operations))) {
        Ok(report) => println!("{report}"),
        Err(failure) => panic!("{failure}"),
    }
}
