//! Random calls through `Offload`, many under way together and some dropped, behave as if each had been done alone when it was first
//! polled: every outcome, and every file in the end, is what a backend in memory says that runs the same calls one after another.
//!
//! A failure prints the seed; `ANYSTORAGE_SEED` repeats it.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anystorage_api::{OpenOptions, Result, StorageBackend, StorageBackendExt, StorageFile, StoragePath};
use anystorage_layers::Offload;
use anystorage_memory::MemoryBackend;
use futures_lite::future::{block_on, poll_once};

/// What a call says, in words that can be compared.
type Outcome = std::result::Result<String, String>;
type Call = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type File = Arc<dyn StorageFile>;

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % bound
    }
}

fn said<T>(outcome: Result<T>, show: impl Fn(T) -> String) -> Outcome {
    outcome.map(show).map_err(|error| error.to_string())
}

/// What is done, on either side.
#[derive(Clone, Debug)]
enum Action {
    ReadAt(usize, u64, usize),
    WriteAt(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    LenOfFile(usize),
    SyncFile(usize),
    Read(StoragePath),
    Write(StoragePath, Vec<u8>),
    Truncate(StoragePath),
    Len(StoragePath),
    List(StoragePath),
    CreateDir(StoragePath),
    RemoveFile(StoragePath),
    RemoveDir(StoragePath),
    Rename(StoragePath, StoragePath),
    Sync,
}

impl Action {
    fn random(random: &mut Random, files: usize) -> Self {
        let path = |random: &mut Random| {
            let directory = ["", "d/", "e/", "d/f/"][random.below(4)];
            let name = ["a", "b", "c"][random.below(3)];
            StoragePath::parse(&format!("{directory}{name}")).unwrap()
        };
        let directory = |random: &mut Random| StoragePath::parse(["d", "e", "d/f", "e/f"][random.below(4)]).unwrap();
        let data = |random: &mut Random| vec![random.below(256) as u8; 1 + random.below(3000)];
        let file = random.below(files);
        match random.below(24) {
            0..4 => Self::ReadAt(file, random.below(4000) as u64, random.below(4000)),
            4..9 => Self::WriteAt(file, random.below(4000) as u64, data(random)),
            9 => Self::SetLen(file, random.below(6000) as u64),
            10 => Self::LenOfFile(file),
            11 => Self::SyncFile(file),
            12 => Self::Read(path(random)),
            13 | 14 => Self::Write(path(random), data(random)),
            15 => Self::Truncate(path(random)),
            16 => Self::Len(path(random)),
            17 => Self::List(directory(random)),
            18 => Self::CreateDir(directory(random)),
            19 => Self::RemoveFile(path(random)),
            20 => Self::RemoveDir(directory(random)),
            21 => Self::Rename(path(random), path(random)),
            22 => Self::Rename(directory(random), directory(random)),
            _ => Self::Sync,
        }
    }

    fn on(&self, storage: &Arc<dyn StorageBackend>, files: &[File]) -> Call {
        let (storage, action) = (Arc::clone(storage), self.clone());
        let file = match self {
            Self::ReadAt(file, ..) | Self::WriteAt(file, ..) | Self::SetLen(file, _) | Self::LenOfFile(file) | Self::SyncFile(file) => {
                *file
            }
            _ => 0,
        };
        let file = Arc::clone(&files[file]);
        let done = |outcome| said(outcome, |()| String::new());
        Box::pin(async move {
            match action {
                Self::ReadAt(_, offset, len) => {
                    let mut buf = vec![0; len];
                    let count = file.read_at(offset, &mut buf).await;
                    said(count, |count| format!("{:?}", &buf[..count]))
                }
                Self::WriteAt(_, offset, data) => done(file.write_at(offset, &data).await),
                Self::SetLen(_, len) => done(file.set_len(len).await),
                Self::LenOfFile(_) => said(file.stat().await, |metadata| metadata.len.to_string()),
                Self::SyncFile(_) => done(file.sync().await),
                Self::Read(path) => said(storage.read(&path).await, |data| format!("{data:?}")),
                Self::Write(path, data) => done(storage.write(&path, &data).await),
                Self::Truncate(path) => {
                    let options = OpenOptions::editing().truncate(true);
                    said(storage.open(&path, &options).await, |_| String::new())
                }
                Self::Len(path) => said(storage.stat(&path).await, |metadata| format!("{:?} {}", metadata.kind, metadata.len)),
                Self::List(path) => said(storage.list(&path, None, 99).await, |entries| format!("{entries:?}")),
                Self::CreateDir(path) => done(storage.create_dir(&path).await),
                Self::RemoveFile(path) => done(storage.remove_file(&path).await),
                Self::RemoveDir(path) => done(storage.remove_dir(&path).await),
                Self::Rename(from, to) => done(storage.rename(&from, &to).await),
                Self::Sync => done(storage.sync().await),
            }
        })
    }
}

/// Every name and every byte.
async fn everything(storage: &Arc<dyn StorageBackend>) -> Vec<(String, Option<Vec<u8>>)> {
    let root = StoragePath::root();
    let mut walk = storage.walk(&root);
    let mut found = Vec::new();
    while let Some(entry) = walk.next().await.unwrap() {
        let path = entry.path.unwrap();
        let bytes = storage.read(&path).await.ok();
        found.push((path.to_string(), bytes));
    }
    found
}

async fn play(seed: u64, calls: usize) {
    let random = &mut Random(seed);
    let alone: Arc<dyn StorageBackend> = Arc::new(MemoryBackend::new());
    let together: Arc<dyn StorageBackend> = Arc::new(Offload::new(MemoryBackend::new()));
    let mut files: [Vec<File>; 2] = Default::default();
    for (storage, files) in [&alone, &together].into_iter().zip(&mut files) {
        for directory in ["d", "e", "d/f"] {
            storage.create_dir(&StoragePath::parse(directory).unwrap()).await.unwrap();
        }
        // Several handles on one file, and others.
        for at in ["a", "a", "d/a", "d/f/b", "d/f/b", "e/c"] {
            files.push(storage.open(&StoragePath::parse(at).unwrap(), &OpenOptions::editing()).await.unwrap().into());
        }
    }
    let [files_alone, files_together] = files;

    let mut under_way: VecDeque<(usize, Action, Call, Outcome)> = VecDeque::new();
    for number in 0..calls {
        let action = Action::random(random, files_alone.len());
        let expected = action.on(&alone, &files_alone).await;
        let mut call = action.on(&together, &files_together);
        match poll_once(&mut call).await {
            Some(outcome) => assert_eq!(outcome, expected, "seed {seed}, call {number}, {action:?}"),
            None if random.below(4) == 0 => drop(call),
            None => under_way.push_back((number, action, call, expected)),
        }
        while under_way.len() > random.below(40) {
            let (number, action, call, expected) = under_way.remove(random.below(under_way.len())).unwrap();
            assert_eq!(call.await, expected, "seed {seed}, call {number}, {action:?}");
        }
    }
    for (number, action, call, expected) in under_way {
        assert_eq!(call.await, expected, "seed {seed}, call {number}, {action:?}");
    }
    assert!(everything(&together).await == everything(&alone).await, "seed {seed}: the trees differ in the end");
    for (number, (alone, together)) in files_alone.iter().zip(&files_together).enumerate() {
        let mut ends = [vec![0; 10_000], vec![0; 10_000]];
        let counts = (alone.read_at(0, &mut ends[0]).await.unwrap(), together.read_at(0, &mut ends[1]).await.unwrap());
        assert!(counts.0 == counts.1 && ends[0] == ends[1], "seed {seed}: handle {number} differs in the end");
    }
}

#[test]
fn calls_under_way_together_end_as_if_done_in_order() {
    let given = std::env::var("ANYSTORAGE_SEED").ok().map(|seed| seed.parse().expect("ANYSTORAGE_SEED is a number"));
    let seeds = given.map_or_else(|| (0..40).collect(), |seed| vec![seed]);
    for seed in seeds {
        block_on(play(seed, 500));
    }
}
