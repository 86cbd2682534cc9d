//! Whether a batch is made whole or not at all, and lasts when it is acknowledged, below the engine: SIGKILL in the middle of commits.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anystorage_conformance::simdisk::Rng;
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::sled::{SledOptions, SledStore};
use futures_lite::future::block_on;

use crate::own_process::{again, own_part};

const KEYS: u64 = 600;
const KILLS: u32 = 40;

/// Every key gets the number of the round; how long its value is differs.
fn batch(round: u64) -> Batch {
    let mut batch = Batch::new();
    for key in 0..KEYS {
        let len = 8 + usize::try_from((round * 7 + key * 131) % 4000).unwrap();
        let mut value = round.to_le_bytes().to_vec();
        value.resize(len, u8::try_from(key % 251).unwrap());
        batch.put(key.to_be_bytes().to_vec(), value);
    }
    batch
}

fn round_of(value: &[u8]) -> u64 {
    u64::from_le_bytes(value[..8].try_into().unwrap())
}

fn commits_for_ever(root: &Path) {
    let store = SledStore::open(root, &SledOptions::new()).unwrap();
    let first = block_on(store.get(&0_u64.to_be_bytes())).unwrap().map_or(0, |value| round_of(&value));
    for round in first + 1.. {
        let durability = if round % 3 == 0 { Commit::Relaxed } else { Commit::Durable };
        block_on(store.commit(batch(round), durability)).unwrap();
        if durability == Commit::Durable {
            println!("made {round}");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn a_batch_is_made_whole_and_an_acknowledged_one_lasts() {
    if let Some(root) = own_part() {
        return commits_for_ever(Path::new(&root));
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let mut rng = Rng::new(0x5eed);
    let (mut acknowledged, mut inside) = (0, 0);
    for kill in 0..KILLS {
        let mut child = again("atomic::a_batch_is_made_whole_and_an_acknowledged_one_lasts", &root).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let wanted = 1 + rng.below(4);
        let mut heard = 0;
        while heard < wanted {
            let line = said.next().expect("the child ended by itself");
            if let Some((_, round)) = line.split_once("made ") {
                acknowledged = round.parse().unwrap();
                heard += 1;
            }
        }
        std::thread::sleep(Duration::from_micros(rng.below(20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in said {
            if let Some((_, round)) = line.split_once("made ") {
                acknowledged = round.parse().unwrap();
            }
        }
        let store = SledStore::open(&root, &SledOptions::new()).unwrap();
        let entries = block_on(store.scan(&[0], &[1], usize::MAX)).unwrap();
        let round = round_of(&entries[0].1);
        assert_eq!(entries.len() as u64, KEYS, "kill {kill}");
        let mut whole = Batch::new();
        entries.iter().for_each(|(key, value)| whole.put(key.clone(), value.clone()));
        let rounds: Vec<u64> = entries.iter().map(|(_, value)| round_of(value)).collect();
        assert_eq!(whole, batch(round), "kill {kill}: a batch was made in part, rounds {rounds:?}, acknowledged {acknowledged}");
        assert!(round >= acknowledged, "kill {kill}: round {acknowledged} was acknowledged, and {round} is there");
        inside += u32::from(round == acknowledged);
        block_on(store.close()).unwrap();
    }
    println!("{KILLS} kills, the last acknowledged round {acknowledged}; after {inside} nothing of the next round was there");
    assert!(inside > 0);
}
