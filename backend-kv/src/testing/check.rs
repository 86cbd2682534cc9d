use std::collections::BTreeMap;
use std::fmt;

use anystorage_api::{Error, ErrorKind, Result};
use anystorage_conformance::simdisk::Rng;

use crate::options::MAX_BLOCK_SIZE;
use crate::store::{Batch, Commit, KvStore, MAX_KEY_LEN, MAX_RECORD_LEN};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Why a store is not one: [`check_store`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreFailure {
    /// The seed that repeats it.
    pub seed: u64,
    /// The number of the opening, from 0.
    pub opening: usize,
    /// What was promised, and what was found.
    pub text: String,
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, opening {}: {}", self.seed, self.opening, self.text)
    }
}

impl std::error::Error for StoreFailure {}

/// Plays random commits, gets and scans on a store beside a map, and opens it `openings` times: whether it keeps what
/// [`KvStore`] promises as long as nobody kills it.
///
/// `open` opens the same store each time, which is empty at first. Run it before the conformance suite: what it finds is easier to
/// understand there.
///
/// # Errors
/// The first promise that is broken.
pub async fn check_store<S, F, Fut>(open: F, seed: u64, openings: usize) -> Result<(), StoreFailure>
where
    S: KvStore,
    F: Fn() -> Fut,
    Fut: Future<Output = Result<S>>,
{
    let mut player = Player { rng: Rng::new(seed), map: Map::new() };
    let mut allowed = vec![Map::new()];
    for opening in 0..openings {
        let played = async {
            let store = open().await.map_err(|error| format!("it cannot be opened: {error}"))?;
            player.opened(&store, &allowed).await?;
            let allowed = player.play(&store).await?;
            player.close(&store).await?;
            Ok(allowed)
        };
        allowed = played.await.map_err(|text| StoreFailure { seed, opening, text })?;
    }
    Ok(())
}

struct Player {
    rng: Rng,
    /// As the store must be.
    map: Map,
}

impl Player {
    /// The store has to hold one of these.
    async fn opened(&mut self, store: &impl KvStore, allowed: &[Map]) -> Result<(), String> {
        let found = all(store).await?;
        if !allowed.contains(&found) {
            return Err(format!(
                "opened again it holds {} keys, which are not those of the last durable commit and of some behind it",
                found.len()
            ));
        }
        self.map = found;
        Ok(())
    }

    /// Plays for one opening: what the next one may find.
    async fn play(&mut self, store: &impl KvStore) -> Result<Vec<Map>, String> {
        let mut durable = self.map.clone();
        let mut relaxed = Vec::new();
        for step in 0..12 {
            let large = step == 0 && self.rng.chance(1, 4);
            let batch = self.batch(large);
            let durability = if self.rng.chance(2, 3) && relaxed.len() < 6 { Commit::Relaxed } else { Commit::Durable };
            apply(&mut self.map, &batch);
            store.commit(batch.clone(), durability).await.map_err(|error| format!("a commit failed: {error}"))?;
            match durability {
                Commit::Relaxed => relaxed.push(batch),
                Commit::Durable => {
                    relaxed.clear();
                    durable.clone_from(&self.map);
                }
            }
            for _ in 0..4 {
                self.get(store).await?;
                self.scan(store).await?;
            }
        }
        store.size().await.map_err(|error| format!("its size cannot be told: {error}"))?;
        if all(store).await? != self.map {
            return Err("a scan over everything finds something else than was committed".to_owned());
        }
        // What is relaxed may be lost, each alone.
        let subsets = 0..1_u32 << relaxed.len();
        Ok(subsets
            .map(|subset| {
                let mut found = durable.clone();
                let kept = relaxed.iter().enumerate().filter(|(at, _)| subset & (1 << at) != 0);
                kept.for_each(|(_, batch)| apply(&mut found, batch));
                found
            })
            .collect())
    }

    async fn get(&mut self, store: &impl KvStore) -> Result<(), String> {
        let key = self.key();
        let found = store.get(&key).await.map_err(|error| format!("a get failed: {error}"))?;
        if found.as_ref() != self.map.get(&key) {
            return Err(format!("get of {} answers another value", shown(&key)));
        }
        let located = store.get_located(&key).await.map_err(|error| format!("a get failed: {error}"))?;
        if located.as_ref().map(|(value, _)| value) != found.as_ref() {
            return Err(format!("get_located of {} answers another value than get", shown(&key)));
        }
        Ok(())
    }

    async fn scan(&mut self, store: &impl KvStore) -> Result<(), String> {
        let (from, to) = (self.key(), self.key());
        let limit = *self.rng.pick(&[1, 2, 5, 1000]).unwrap_or(&1);
        let found = store.scan(&from, &to, limit).await.map_err(|error| format!("a scan failed: {error}"))?;
        let between = |key: &[u8]| *from <= *key && *key < *to;
        let expected = self.map.iter().filter(|(key, _)| between(key)).take(limit);
        if found.iter().map(|(key, value)| (key, value)).eq(expected) {
            return Ok(());
        }
        let text = format!("from {} to {}, at most {limit}", shown(&from), shown(&to));
        Err(format!("a scan {text}, finds {} entries that are not the right ones, in their order", found.len()))
    }

    async fn close(&mut self, store: &impl KvStore) -> Result<(), String> {
        if self.rng.chance(1, 3) {
            return Ok(());
        }
        store.close().await.map_err(|error| format!("close failed: {error}"))?;
        let answers: [Result<(), Error>; 3] = [
            store.get(b"key").await.map(drop),
            store.scan(b"a", b"z", 1).await.map(drop),
            store.commit(Batch::new(), Commit::Durable).await,
        ];
        for answer in answers {
            if !matches!(&answer, Err(error) if error.kind() == ErrorKind::Closed) {
                return Err(format!("a call after close answers {answer:?}, not Closed"));
            }
        }
        Ok(())
    }

    fn batch(&mut self, large: bool) -> Batch {
        let mut batch = Batch::new();
        for change in 0..self.rng.below(9) {
            let key = self.key();
            let value = if large && change == 0 { Some(self.bytes(MAX_BLOCK_SIZE + 64)) } else { self.value() };
            batch.push(key, value);
        }
        batch
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let longest = *self.rng.pick(&[0, 0, 1, 40, 40, 40, MAX_RECORD_LEN]).unwrap_or(&1);
        (longest > 0).then(|| {
            let len = 1 + self.rng.below(longest as u64) as usize;
            self.bytes(len)
        })
    }

    /// Mostly short, so that the same ones come again; of bytes that order wrongly where signs or text get in the way.
    fn key(&mut self) -> Vec<u8> {
        let longest = *self.rng.pick(&[2, 2, 3, MAX_KEY_LEN]).unwrap_or(&1);
        let len = if longest == MAX_KEY_LEN && self.rng.chance(1, 2) { longest } else { 1 + self.rng.below(longest as u64) as usize };
        (0..len).map(|_| *self.rng.pick(&[0x00, 0x2f, 0x41, 0x7f, 0x80, 0xff]).unwrap_or(&0)).collect()
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend(self.rng.bits().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// Everything, in pages.
async fn all(store: &impl KvStore) -> Result<Map, String> {
    const PAGE: usize = 7;
    let end = [0xff; MAX_KEY_LEN + 1];
    let mut found = Map::new();
    let mut from = vec![0];
    loop {
        let page = store.scan(&from, &end, PAGE).await.map_err(|error| format!("a scan failed: {error}"))?;
        let last = page.len() < PAGE;
        if let Some((key, _)) = page.last() {
            from.clone_from(key);
            from.push(0);
        }
        found.extend(page);
        if last {
            return Ok(found);
        }
    }
}

fn apply(map: &mut Map, batch: &Batch) {
    for (key, value) in batch.iter() {
        match value {
            Some(value) => map.insert(key.to_vec(), value.to_vec()),
            None => map.remove(key),
        };
    }
}

fn shown(key: &[u8]) -> String {
    let start: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{start}{} ({} bytes)", if key.len() > 8 { ".." } else { "" }, key.len())
}
