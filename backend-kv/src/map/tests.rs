use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::Mutex;

use anystorage_conformance::simdisk::Rng;
use futures_lite::future::block_on;

use super::*;

const INO: u64 = 7;

/// `ANYSTORAGE_SEED`, or another one each time; printed, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    seed
}

/// Nodes in memory, and which were asked for.
#[derive(Default)]
struct Kept {
    nodes: BTreeMap<NodeId, Arc<Runs>>,
    asked: Mutex<Vec<NodeId>>,
}

impl Kept {
    fn take_asked(&self) -> Vec<NodeId> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Nodes for Kept {
    async fn node(&self, id: NodeId) -> Result<Arc<Runs>> {
        self.asked.lock().unwrap().push(id);
        self.nodes.get(&id).cloned().ok_or_else(|| corrupt(id, "has no node"))
    }

    fn set_node(&mut self, id: NodeId, runs: Option<Arc<Runs>>) {
        match runs {
            Some(runs) => {
                assert!(!runs.is_empty(), "{id:?} is kept with nothing in it");
                self.nodes.insert(id, runs);
            }
            None => assert!(self.nodes.remove(&id).is_some(), "{id:?} was removed and never there"),
        }
    }
}

#[derive(Default)]
struct File {
    map: BlockMap,
    kept: Kept,
    model: BTreeMap<u64, u64>,
}

impl File {
    fn assign(&mut self, block: u64, version: u64) -> Result<Option<u64>> {
        block_on(self.map.assign(&mut self.kept, INO, block, version))
    }

    fn cut(&mut self, from: u64) -> (Result<()>, BTreeMap<u64, u64>) {
        let mut freed = BTreeMap::new();
        let mut free = |extent: Freed| {
            for block in extent.block..extent.block + extent.count {
                assert_eq!(freed.insert(block, extent.version), None, "{block} is freed twice");
            }
        };
        let done = block_on(self.map.cut(&mut self.kept, INO, from, &mut free));
        (done, freed)
    }

    fn next(&self, from: u64) -> Result<Option<Extent>> {
        block_on(self.map.next_present(&self.kept, INO, from))
    }

    fn version_of(&self, block: u64) -> Result<Option<u64>> {
        block_on(self.map.version_of(&self.kept, INO, block))
    }

    /// All blocks, as a walk from one run to the next finds them.
    fn walk(&self) -> Result<BTreeMap<u64, u64>> {
        let (mut found, mut from) = (BTreeMap::new(), 0);
        while let Some(Extent { block, count, version }) = self.next(from)? {
            assert!(block >= from && count > 0, "{block} and {count} from {from}");
            found.extend((block..block + count).map(|block| (block, version)));
            from = block + count;
        }
        Ok(found)
    }

    /// It shows what the model does, it is as low as can be, no node is left over, and it comes back from its encoding.
    fn assert_as_modelled(&self) {
        assert_eq!(self.walk().unwrap(), self.model);
        let last = self.model.last_key_value().map_or(0, |(block, _)| *block);
        let height = (0..=MAX_HEIGHT).find(|height| last >> shift(*height) == 0);
        assert_eq!(Some(self.map.height), height, "its last block is {last}");
        let needed = self.model.keys().flat_map(|block| (0..self.map.height).map(|level| covering(INO, *block, level)));
        assert!(self.kept.nodes.keys().copied().eq(needed.collect::<BTreeSet<_>>()));
        assert_eq!(self.map.is_empty(), self.model.is_empty());
        let encoded = postcard::to_allocvec(&self.map).unwrap();
        assert_eq!(postcard::from_bytes::<BlockMap>(&encoded).as_ref(), Ok(&self.map));
    }
}

/// Near the edges of nodes of every level, and anywhere.
fn block(random: &mut Rng) -> u64 {
    let bits = random.below(56);
    let bits = if random.chance(1, 2) { 9 * random.below(7) } else { bits };
    let near = if random.chance(1, 2) { 1 << bits } else { random.below(1 << bits) };
    (near + random.below(5)).saturating_sub(2)
}

/// One random change of file and model.
fn change(file: &mut File, random: &mut Rng) {
    let version = random.below(3);
    match random.below(10) {
        0..4 => {
            let block = block(random);
            assert_eq!(file.assign(block, version).unwrap(), file.model.insert(block, version));
        }
        4..9 => {
            let (from, count) = (if random.chance(1, 2) { 500 } else { block(random) }, random.below(40));
            for block in from..from + count {
                assert_eq!(file.assign(block, version).unwrap(), file.model.insert(block, version));
            }
        }
        _ => {
            let from = block(random);
            let (done, freed) = file.cut(from);
            done.unwrap();
            assert_eq!(freed, file.model.split_off(&from));
        }
    }
}

#[test]
fn random_calls_do_what_a_map_does() {
    let mut random = Rng::new(seed());
    for _ in 0..300 {
        let mut file = File::default();
        for _ in 0..random.below(40) {
            change(&mut file, &mut random);
            file.assert_as_modelled();
            for _ in 0..10 {
                let block = block(&mut random);
                assert_eq!(file.version_of(block).unwrap(), file.model.get(&block).copied());
                let next = file.next(block).unwrap().map(|extent| (extent.block, extent.version));
                assert_eq!(next, file.model.range(block..).next().map(|(block, version)| (*block, *version)));
            }
        }
        let (done, freed) = file.cut(0);
        done.unwrap();
        assert_eq!(freed, file.model);
        assert_eq!((file.map, file.kept.nodes.len()), (BlockMap::default(), 0));
    }
}

/// With a node missing or empty, every answer is right or `Corrupt`, and a call that fails leaves no more harm behind.
#[test]
fn damage_is_corrupt_and_never_a_wrong_answer() {
    let mut random = Rng::new(seed());
    let (mut corrupt, mut right) = (0, 0);
    for _ in 0..500 {
        let mut file = File::default();
        for _ in 0..8 {
            change(&mut file, &mut random);
        }
        let Some(damaged) = random.pick(&file.kept.nodes.keys().copied().collect::<Vec<_>>()).copied() else { continue };
        file.kept.nodes.remove(&damaged);
        if random.chance(1, 2) {
            file.kept.nodes.insert(damaged, Arc::default());
        }
        let lost = |block: u64| covering(INO, block, damaged.level) == damaged;
        for known in file.model.keys().copied().chain((0..10).map(|_| block(&mut random))) {
            match file.version_of(known) {
                Ok(version) => {
                    assert_eq!((version, right += 1), (file.model.get(&known).copied(), ()));
                    assert!(version.is_none() || !lost(known));
                }
                Err(error) => assert_eq!((error.kind(), lost(known), corrupt += 1), (ErrorKind::Corrupt, true, ())),
            }
        }
        let from = block(&mut random);
        let expected = file.model.range(from..).next().map(|(block, version)| (*block, *version));
        match file.next(from) {
            Ok(next) => assert_eq!(next.map(|extent| (extent.block, extent.version)), expected),
            Err(error) => assert!(error.kind() == ErrorKind::Corrupt && (lost(from) || expected.is_some_and(|(block, _)| lost(block)))),
        }
        let (before, nodes) = (file.map.clone(), file.kept.nodes.clone());
        let written = block(&mut random);
        match file.assign(written, 9) {
            Ok(old) => assert_eq!(old, file.model.insert(written, 9)),
            Err(error) => {
                assert_eq!((error.kind(), lost(written), &file.map, &file.kept.nodes), (ErrorKind::Corrupt, true, &before, &nodes))
            }
        }
        let from = if random.chance(1, 2) { 0 } else { block(&mut random) };
        match file.cut(from) {
            (Ok(()), freed) => assert_eq!(freed, file.model.split_off(&from)),
            (Err(error), freed) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                let gone = freed.first_key_value().map_or(u64::MAX, |(block, _)| *block);
                assert_eq!(freed, file.model.split_off(&gone), "it went from the end, and skipped nothing");
                assert!(file.model.last_key_value().is_some_and(|(block, _)| lost(*block)));
            }
        }
        for (block, version) in file.model.iter().filter(|(block, _)| !lost(**block)) {
            assert_eq!(file.version_of(*block).unwrap(), Some(*version));
        }
    }
    println!("{right} right answers, {corrupt} times Corrupt");
    assert!(right > 0 && corrupt > 0);
}

#[test]
fn a_hole_of_any_size_costs_a_few_nodes() {
    let mut file = File::default();
    let last = (1 << 53) - 1;
    for block in [0, 1 << 30, last] {
        assert_eq!(file.assign(block, 1).unwrap(), None);
    }
    file.kept.take_asked();
    assert_eq!(file.next((1 << 30) + 1).unwrap(), Some(Extent { block: last, count: 1, version: 1 }));
    assert!(file.kept.take_asked().len() <= 2 * usize::from(MAX_HEIGHT));
    assert_eq!(file.cut(1).1.len(), 2);
    assert!(file.kept.take_asked().len() <= 4 * usize::from(MAX_HEIGHT));
    assert_eq!((file.map.height, file.kept.nodes.len()), (0, 0));
}

#[test]
fn a_change_asks_for_the_nodes_above_it_only() {
    let mut file = File::default();
    for block in 0..3000 {
        file.assign(block, 1).unwrap();
    }
    file.kept.take_asked();
    assert_eq!(file.assign(700, 2).unwrap(), Some(1));
    assert_eq!(file.kept.take_asked(), [NodeId { ino: INO, level: 0, index: 1 }]);
    assert_eq!(file.cut(5000).1.len(), 0);
    assert_eq!(file.kept.take_asked(), [], "nothing is behind the last node");
}

#[test]
fn the_last_block_there_can_be_is_known_and_none_behind_it() {
    let mut file = File::default();
    let last = (1 << 63) - 1;
    assert_eq!(file.assign(last, 3).unwrap(), None);
    assert_eq!(file.version_of(last).unwrap(), Some(3));
    assert_eq!(file.next(0).unwrap(), Some(Extent { block: last, count: 1, version: 3 }));
    for beyond in [1 << 63, u64::MAX] {
        assert_eq!(file.version_of(beyond).unwrap(), None);
        assert_eq!(file.next(beyond).unwrap(), None);
        assert_eq!(file.assign(beyond, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(file.cut(beyond).1.len(), 0);
    }
    assert_eq!(file.cut(last).1, BTreeMap::from([(last, 3)]));
    assert_eq!(file.map, BlockMap::default());
}

#[test]
fn a_map_that_cannot_be_is_not_decoded() {
    let decoded = |height: u8, top: Runs| postcard::from_bytes::<BlockMap>(&postcard::to_allocvec(&(height, top)).unwrap());
    assert!(
        decoded(0, Runs::default()).is_ok() && decoded(0, Runs::single(3, 8)).is_ok() && decoded(MAX_HEIGHT, Runs::single(3, 0)).is_ok()
    );
    assert!(decoded(1, Runs::default()).is_err() && decoded(1, Runs::single(3, 8)).is_err() && decoded(7, Runs::single(3, 0)).is_err());
}

/// Nodes behind a future of unknown type, as a store's are.
struct Boxed<'a>(&'a Kept);

impl Nodes for Boxed<'_> {
    async fn node(&self, id: NodeId) -> Result<Arc<Runs>> {
        let boxed: Pin<Box<dyn Future<Output = Result<Arc<Runs>>> + Send + '_>> = Box::pin(self.0.node(id));
        boxed.await
    }

    fn set_node(&mut self, _: NodeId, _: Option<Arc<Runs>>) {}
}

#[test]
fn its_futures_may_go_to_another_thread() {
    fn sent<F: Future + Send>(future: F) -> F::Output {
        block_on(future)
    }
    let (kept, mut map) = (Kept::default(), BlockMap::default());
    let mut nodes = Boxed(&kept);
    assert_eq!(sent(map.assign(&mut nodes, INO, 1, 2)).unwrap(), None);
    assert_eq!(sent(map.version_of(&nodes, INO, 1)).unwrap(), Some(2));
    assert_eq!(sent(map.next_present(&nodes, INO, 0)).unwrap(), Some(Extent { block: 1, count: 1, version: 2 }));
    sent(map.cut(&mut nodes, INO, 0, &mut |_| {})).unwrap();
    assert!(map.is_empty());
}
