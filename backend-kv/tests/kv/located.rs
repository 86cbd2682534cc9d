//! Blocks of which parts are read from where they lie, by a store whose places are those of other blocks soon.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::{OpenOptions, Result, StorageBackend, StoragePath, Usage, engine};
use anystorage_conformance::simdisk::Rng;
use anystorage_kv::testing::{SimMedium, SimStore};
use anystorage_kv::{Batch, Commit, KvBackend, KvEntry, KvStore};
use futures_lite::future::block_on;

use crate::tiny;

const BLOCK: usize = 9 << 10;
const BLOCKS: u64 = 24;
/// Fewer than there are blocks.
const PLACES: u64 = 16;
/// How far they are apart, in bytes.
const APART: u64 = 16 << 10;

/// A store that puts what was asked for somewhere, over what was there before.
#[derive(Debug)]
struct Somewhere {
    store: SimStore,
    bytes: Mutex<Vec<u8>>,
    random: Mutex<Rng>,
    /// How many parts were read from there, and how many bytes the longest one had.
    parts: AtomicU64,
    longest: AtomicU64,
}

#[engine]
impl KvStore for Somewhere {
    const LOCATES: bool = true;

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.store.get(key).await
    }

    async fn get_located(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        let Some(value) = self.store.get(key).await? else { return Ok(None) };
        let (mut bytes, mut random) = (self.bytes.lock().unwrap(), self.random.lock().unwrap());
        let place = random.below(PLACES) * APART;
        // Now and then a part of what was there stays, or all of it.
        let kept = if random.chance(1, 8) { random.below(value.len() as u64 + 1) as usize } else { 0 };
        let at = place as usize;
        bytes[at + kept..at + value.len()].copy_from_slice(&value[kept..]);
        Ok(Some((value, random.chance(7, 8).then_some(place))))
    }

    async fn read_located(&self, at: u64, out: &mut [u8]) -> bool {
        let at = at as usize;
        if self.random.lock().unwrap().chance(1, 16) {
            return false;
        }
        out.copy_from_slice(&self.bytes.lock().unwrap()[at..at + out.len()]);
        self.parts.fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(out.len() as u64, Ordering::Relaxed);
        true
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        self.store.scan(from, to, limit).await
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        self.store.commit(batch, durability).await
    }

    async fn size(&self) -> Result<Usage> {
        self.store.size().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

fn store(medium: &SimMedium, seed: u64) -> Somewhere {
    let bytes = Mutex::new(vec![0; (PLACES * APART) as usize]);
    let (parts, longest) = (AtomicU64::new(0), AtomicU64::new(0));
    Somewhere { store: medium.open().unwrap(), bytes, random: Mutex::new(Rng::new(!seed)), parts, longest }
}

/// Too little memory for a block, and enough to know where some of them lie.
fn options() -> anystorage_kv::KvOptions {
    tiny(BLOCK, 64 << 10).cache_bytes(20 << 10)
}

#[test]
fn what_is_read_is_what_was_written_whatever_becomes_of_its_place() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let mut random = Rng::new(seed);
    let medium = SimMedium::new();
    let backend = block_on(KvBackend::open(store(&medium, seed), options())).unwrap();
    let path = StoragePath::parse("file").unwrap();
    let len = BLOCK as u64 * BLOCKS;
    let played = block_on(async {
        let file = backend.open(&path, &OpenOptions::editing()).await?;
        let mut model: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        file.write_at(0, &model).await?;
        file.sync().await?;
        for step in 0..6000 {
            let at = random.below(len);
            let most = *random.pick(&[1, 100, 2048, 2 * BLOCK as u64]).unwrap();
            let count = random.below(most.min(len - at)) as usize + 1;
            let within = at as usize..at as usize + count;
            match random.below(20) {
                0 => {
                    let data: Vec<u8> = (0..count).map(|_| random.below(256) as u8).collect();
                    file.write_at(at, &data).await?;
                    model[within].copy_from_slice(&data);
                }
                1 => file.sync().await?,
                2 => {
                    file.set_len(at).await?;
                    file.set_len(len).await?;
                    model[at as usize..].fill(0);
                }
                3 => {
                    let data: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
                    file.write_at(0, &data).await?;
                    model = data;
                }
                _ => {
                    let mut read = vec![0; count];
                    assert_eq!(file.read_at(at, &mut read).await?, count, "step {step}");
                    assert_eq!(read, model[within], "step {step}");
                }
            }
        }
        Ok::<_, anystorage_api::Error>(())
    });
    played.unwrap();
    let store = backend.store();
    let (parts, longest) = (store.parts.load(Ordering::Relaxed), store.longest.load(Ordering::Relaxed));
    assert!(parts > 500, "{parts} parts");
    assert!(longest <= BLOCK as u64 / 2, "{longest} bytes");
}
