//! Every case of the conformance suite over a simulated store, natively and in browsers: one that answers at once, and one that has to wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::{Capabilities, Detached, Durability, Result, StorageBackend, engine};
use anystorage_conformance::model::{self, ModelFailure, ModelOptions, ModelReport};
use anystorage_conformance::simdisk::Rng;
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::testing::{Fault, SimMedium};
use anystorage_kv::{Commit, KvBackend, KvOptions, Paged};

#[derive(Debug)]
struct Simulated {
    waiting: bool,
    /// Small records are kept in pages.
    paged: bool,
    options: KvOptions,
    media: Mutex<HashMap<String, SimMedium>>,
}

/// As random as the seeds of two openings have to be.
fn salt() -> u64 {
    static OPENINGS: AtomicU64 = AtomicU64::new(0);
    Rng::new(OPENINGS.fetch_add(1, Ordering::Relaxed)).bits()
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn carry_on(rest: Detached) {
    std::thread::spawn(move || futures_lite::future::block_on(rest));
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn carry_on(rest: Detached) {
    wasm_bindgen_futures::spawn_local(rest);
}

impl Simulated {
    /// Over a store that waits, with somebody who carries on with dropped calls.
    fn waiting(block_size: usize, memory: usize) -> Self {
        let subject = Self::new(true, block_size, memory);
        Self { options: subject.options.spawner(carry_on), ..subject }
    }

    /// As IndexedDB is used.
    fn paged(block_size: usize, memory: usize) -> Self {
        let subject = Self::waiting(block_size, memory);
        Self { paged: true, options: subject.options.small_contents(block_size / 2), ..subject }
    }

    /// Small blocks and little memory: most cases spill.
    fn new(waiting: bool, block_size: usize, memory: usize) -> Self {
        let options = KvOptions::new().durability(Durability::PowerLoss).immediate(!waiting);
        let options = options.block_size(block_size).dirty_bytes(memory).cache_bytes(32 << 10);
        Self { waiting, paged: false, options, media: Mutex::default() }
    }
}

#[engine]
impl Subject for Simulated {
    fn name(&self) -> String {
        if self.waiting { "kv over a store that waits".to_owned() } else { "kv".to_owned() }
    }

    fn expected(&self) -> Option<Capabilities> {
        // As redb, whose pages alone keep it from declaring checksums.
        Some(table::REDB.immediate(!self.waiting).checksums(true))
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let mut media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let medium = media.entry(label.to_owned()).or_default().clone();
        medium.set_waiting(self.waiting);
        Ok(Box::new(OneMedium { medium, waiting: self.waiting, paged: self.paged, options: self.options.clone() }))
    }
}

#[derive(Debug)]
struct OneMedium {
    medium: SimMedium,
    waiting: bool,
    paged: bool,
    options: KvOptions,
}

#[engine]
impl Place for OneMedium {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        let (store, options) = (self.medium.open()?, self.options.clone().salt(salt()));
        Ok(match self.paged {
            true => Box::new(KvBackend::open(Paged::new(store, 8 << 10), options).await?),
            false => Box::new(KvBackend::open(store, options).await?),
        })
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let medium = SimMedium::new();
        medium.set_limit(bytes);
        medium.set_waiting(self.waiting);
        Ok(Some(Box::new(Self { medium, waiting: self.waiting, paged: self.paged, options: self.options.clone() })))
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let switch = Switch::default();
        let rule = switch.clone();
        self.medium.fail(move |commit, _| {
            let fails = commit.durability == Commit::Durable && rule.failing.load(Ordering::Relaxed);
            rule.failed.fetch_add(u64::from(fails), Ordering::Relaxed);
            fails.then_some(Fault::Lost)
        });
        Ok(Some((self.open().await?, Box::new(switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let mut rng = Rng::new(seed);
        let records: Vec<(Vec<u8>, Vec<u8>)> = self.medium.records().into_iter().collect();
        let Some((key, value)) = rng.pick(&records) else { return Ok(None) };
        let at = rng.below(value.len() as u64) as usize;
        let mut damaged = value.clone();
        if seed % 3 == 2 && at > 0 {
            damaged.truncate(at);
        } else if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 1 << rng.below(8);
        }
        self.medium.set(key, Some(&damaged));
        Ok(Some(format!("byte {at} of {} of the record {key:02x?}", value.len())))
    }
}

/// Makes durable commits fail.
#[derive(Clone, Debug, Default)]
struct Switch {
    failing: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

impl FlushFaults for Switch {
    fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

mod immediate {
    anystorage_conformance::suite!(subject = super::Simulated::new(false, 4 << 10, 64 << 10));
}

mod paged {
    anystorage_conformance::suite!(subject = super::Simulated::paged(4 << 10, 64 << 10));
}

mod waiting {
    anystorage_conformance::suite!(subject = super::Simulated::waiting(4 << 10, 64 << 10));
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod without_a_spawner {
    use anystorage_conformance::report::Status;
    use anystorage_conformance::suite::{self, Options};
    use futures_lite::future::block_on;

    /// Contract line 6 for futures that are dropped: over a store that waits the engine needs a spawner for it, as it says.
    const DROPPED: [&str; 5] = [
        "order::a_write_polled_once_runs_to_its_end",
        "order::a_replacing_write_polled_once_runs_to_its_end",
        "order::changes_of_the_tree_polled_once_run_to_their_end",
        "order::a_dropped_write_outlives_its_handle",
        "order::a_dropped_sync_disturbs_nothing",
    ];

    #[test]
    fn where_calls_wait_only_dropped_futures_are_missed() {
        let subject = super::Simulated::new(true, 4 << 10, 64 << 10);
        let report = block_on(suite::run(&subject, &Options::new(), None, &mut |_| {}));
        let of = |status: Status| report.cases.iter().filter(move |case| case.status == status);
        let failed: Vec<&str> = of(Status::Failed).map(|case| case.name.as_str()).collect();
        let details: Vec<&str> = of(Status::Failed).map(|case| case.detail.as_str()).collect();
        assert_eq!(failed, DROPPED, "{details:#?}");
        let skipped: Vec<&str> = of(Status::Skipped).map(|case| case.name.as_str()).collect();
        println!("{} passed, skipped: {skipped:?}", of(Status::Passed).count());
        assert!(of(Status::Passed).count() > 150, "{}", of(Status::Passed).count());
    }
}

/// Long random sequences of calls beside a model, with blocks and memory so small that most of them spill. The seed is fixed, as there is
/// nothing random to draw one from in a browser.
async fn plays_beside_the_model(subject: Simulated, seed: u64, calls: u64) -> Result<ModelReport, Box<ModelFailure>> {
    model::run(&subject, ModelOptions::new(seed).operations(calls)).await
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod model_test {
    use std::hash::{BuildHasher, Hasher, RandomState};

    use anystorage_conformance::model::ModelFailure;
    use futures_lite::future::block_on;

    use super::Simulated;

    /// `ANYSTORAGE_SEED` repeats a run, `ANYSTORAGE_OPERATIONS` sets how many calls there are.
    fn plays(subject: Simulated) -> Result<(), Box<ModelFailure>> {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let seed = number("ANYSTORAGE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("ANYSTORAGE_SEED={seed} repeats this run");
        let report = block_on(super::plays_beside_the_model(subject, seed, number("ANYSTORAGE_OPERATIONS").unwrap_or(20_000)))?;
        println!("{report}");
        Ok(())
    }

    #[test]
    fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
        plays(Simulated::new(false, 64, 4 << 10))
    }

    #[test]
    fn every_answer_is_the_models_where_calls_wait() -> Result<(), Box<ModelFailure>> {
        plays(Simulated::waiting(64, 4 << 10))
    }

    #[test]
    fn every_answer_is_the_models_where_small_records_are_in_pages() -> Result<(), Box<ModelFailure>> {
        plays(Simulated::paged(64, 4 << 10))
    }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
#[wasm_bindgen_test::wasm_bindgen_test]
async fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    plays_beside_the_model(Simulated::paged(64, 4 << 10), 0x6b76, 5_000).await.map(drop)
}
