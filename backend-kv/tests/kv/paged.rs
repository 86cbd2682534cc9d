//! Small records in pages: the store that `Paged` makes keeps what a store promises, and damage to a page is no loss without a word.

use anystorage_api::{Error, ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{DurabilityModel, Promise, Tree};
use anystorage_conformance::workload::Workload;
use anystorage_kv::testing::{Outcome, SimMedium, SimStore, check_store};
use anystorage_kv::{Batch, Commit, KvBackend, KvOptions, KvStore, Paged};
use futures_lite::future::block_on;

use crate::{seed, tiny};

#[test]
fn pages_keep_what_a_store_promises() {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    // None, some, and all of the first bytes that the keys have there; a cache that holds nothing, something, all.
    let rules: [fn(u8) -> bool; 4] = [|_| false, |tag| tag == 0x41 || tag == 0xff, |tag| tag < 0x80, |_| true];
    for in_pages in rules {
        for cache in [0, 6000, 1 << 20] {
            let medium = SimMedium::new();
            medium.set_waiting(cache > 0);
            let open = || async { Ok::<_, Error>(Paged::of(medium.open()?, in_pages, cache)) };
            block_on(check_store(open, seed, 20)).unwrap_or_else(|failure| panic!("{failure}"));
        }
    }
}

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn open(medium: &SimMedium, options: &KvOptions) -> Result<KvBackend<Paged<SimStore>>, Error> {
    block_on(KvBackend::open(Paged::new(medium.open()?, 64 << 10), options.clone()))
}

const FILES: usize = 300;

fn name(number: usize) -> StoragePath {
    path(&format!("d/file {number}"))
}

fn planted(small_contents: usize) -> (SimMedium, KvOptions) {
    let (medium, options) = (SimMedium::new(), tiny(4096, 1 << 20).small_contents(small_contents));
    let backend = open(&medium, &options).unwrap();
    block_on(async {
        backend.create_dir(&path("d")).await?;
        for number in 0..FILES {
            backend.write(&name(number), &[number as u8; 10]).await?;
        }
        backend.sync().await?;
        backend.close().await
    })
    .unwrap();
    (medium, options)
}

/// It is what pages are for.
#[test]
fn a_sync_of_many_files_is_few_puts_besides_their_bytes() {
    for (small_contents, puts) in [(0, FILES..FILES + 30), (100, 10..30)] {
        let (medium, _) = planted(small_contents);
        let largest = medium.log().into_iter().map(|commit| commit.changes).max().unwrap();
        assert!(puts.contains(&largest), "{largest} changes");
        let pages: Vec<usize> =
            medium.records().iter().filter(|(key, _)| key[0] == b'i' || key[0] == b'e').map(|(_, value)| value.len()).collect();
        assert!(pages.len() < 20 && pages.iter().all(|len| *len < 4200), "{pages:?}");
    }
}

/// A directory of ten files was asked for by as many pages as one of a thousand has.
#[test]
fn a_short_list_brings_few_pages() {
    let (medium, options) = planted(100);
    let backend = block_on(async { KvBackend::open(Paged::new(medium.open()?, 1 << 20), options).await }).unwrap();
    let before = medium.scanned();
    assert_eq!(block_on(backend.list(&path(""), None, 1000)).unwrap().len(), 1);
    assert!(medium.scanned() - before <= 4, "{} pages", medium.scanned() - before);
    // What was listed is there for whoever looks at each name.
    assert_eq!(block_on(backend.list(&path("d"), None, 1000)).unwrap().len(), FILES);
    let before = (medium.gets(), medium.scans());
    for number in 0..FILES {
        block_on(backend.stat(&name(number))).unwrap();
    }
    let asked = medium.gets() + medium.scans() - before.0 - before.1;
    assert!(asked <= 3, "{asked} questions");
}

/// Every page, each of some of its bytes: a file is right or `Corrupt`, never missing; a listing is whole or `Corrupt`; also after
/// the page was written again.
#[test]
fn damage_to_a_page_is_never_a_missing_name() {
    let (medium, options) = planted(100);
    let pages: Vec<(Vec<u8>, Vec<u8>)> = medium.records().into_iter().filter(|(key, _)| b"iec".contains(&key[0])).collect();
    assert!(pages.len() > 6, "{} pages", pages.len());
    let (mut right, mut corrupt) = (0, 0);
    for (key, value) in &pages {
        for at in (0..value.len()).step_by(61).chain([value.len() - 1]) {
            for cut in [false, true] {
                let mut damaged = value.clone();
                if cut {
                    damaged.truncate(at)
                } else {
                    damaged[at] ^= 1 << (at % 8)
                }
                let copy = SimMedium::holding(medium.records());
                copy.set(key, Some(&damaged));
                for opening in 0..2 {
                    let backend = match open(&copy, &options) {
                        Ok(backend) => backend,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Corrupt);
                            break;
                        }
                    };
                    match block_on(backend.list(&path("d"), None, 1000)) {
                        Ok(names) => assert!(names.len() >= FILES, "{} names", names.len()),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
                    }
                    for number in (0..FILES).step_by(7) {
                        match block_on(backend.read(&name(number))) {
                            Ok(data) => {
                                assert_eq!(data, [number as u8; 10]);
                                right += 1;
                            }
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::Corrupt, "file {number}, byte {at}, opening {opening}: {error}");
                                corrupt += 1;
                            }
                        }
                    }
                    // So that pages are written again, the damaged one among them.
                    for number in [0, FILES / 2, FILES - 1] {
                        if let Err(error) = block_on(backend.write(&name(number), &[number as u8; 10])) {
                            assert_eq!(error.kind(), ErrorKind::Corrupt);
                        }
                    }
                    block_on(backend.sync()).unwrap();
                    block_on(backend.close()).unwrap();
                }
            }
        }
    }
    println!("{right} reads were right, {corrupt} Corrupt");
    assert!(right > 10 * corrupt / 2, "{right} right, {corrupt} Corrupt");
}

/// Files in a row are read ahead: beside a damaged page those of whole pages were `Corrupt` too, for as long as it was there. And of files that
/// were removed none was deleted any more behind one that has its place in it.
#[test]
fn a_damaged_page_is_the_damage_of_its_own_files_alone() {
    let content = |number: usize| vec![number as u8 | 1; 800];
    let (planted, options) = (SimMedium::new(), tiny(4096, 1 << 20).small_contents(1000).immediate(false).cache_bytes(1 << 20));
    // More blocks than are deleted at once.
    let large = ["large", "large too"];
    block_on(async {
        let backend = KvBackend::open(Paged::new(planted.open()?, 64 << 10), options.clone()).await?;
        backend.create_dir(&path("d")).await?;
        for number in 0..FILES {
            backend.write(&name(number), &content(number)).await?;
            if let Some(large) = (number % (FILES / 2) == FILES / 4).then(|| large[number * 2 / FILES]) {
                backend.write(&path(large), &vec![1; 4096 * 1100]).await?;
            }
        }
        backend.sync().await?;
        backend.close().await
    })
    .unwrap();
    let pages: Vec<(Vec<u8>, Vec<u8>)> = planted.records().into_iter().filter(|(key, _)| key[0] == b'c').collect();
    assert!(pages.len() > 10, "{} pages", pages.len());
    for (key, value) in &pages {
        let medium = SimMedium::holding(planted.records());
        let mut damaged = value.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        medium.set(key, Some(&damaged));
        let backend = open(&medium, &options).unwrap();
        let mut corrupt = 0;
        for number in 0..FILES {
            match block_on(backend.read(&name(number))) {
                Ok(data) => assert_eq!(data, content(number)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                    corrupt += 1;
                }
            }
        }
        assert!((1..=20).contains(&corrupt), "{corrupt} files are lost with one page");
        block_on(async {
            for large in large {
                backend.remove_file(&path(large)).await?;
            }
            backend.sync().await?;
            backend.create_dir(&path("another")).await?;
            backend.sync().await
        })
        .unwrap();
        let left = medium.records().into_keys().filter(|key| key[0] == b'b').count();
        assert_eq!(left, 0, "blocks of files that were removed");
    }
}

/// Relaxed commits that are lost from the last one backwards, as a store below loses them: each state that a commit has left is one of those.
#[test]
fn what_is_in_pages_survives_every_cut() {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let options = tiny(512, 4096).small_contents(300);
    let play = |medium: &SimMedium| {
        let mut model = DurabilityModel::new(Promise::AtomicSync);
        if let Ok(backend) = open(medium, &options) {
            let played = block_on(Workload::new(seed, 300).play(&backend, &mut model));
            assert!(played.is_ok() || medium.is_off(), "{played:?}");
        }
        model
    };
    let commits = {
        let medium = SimMedium::new();
        play(&medium);
        medium.log().len()
    };
    let mut found = 0;
    for stop in 1..=commits {
        let medium = SimMedium::new();
        medium.stop_before(stop);
        let model = play(&medium);
        for outcome in [Outcome::NothingUnsynced, Outcome::Returned, Outcome::Everything] {
            let medium = medium.cut(outcome);
            let backend = open(&medium, &options).unwrap();
            let tree = block_on(Tree::observe(&backend)).unwrap_or_else(|error| panic!("before commit {stop}, {outcome}: {error}"));
            model.check(&tree).unwrap_or_else(|violation| panic!("before commit {stop}, {outcome}: {violation}"));
            found += 1;
        }
    }
    println!("{found} states");
    assert!(found > 100, "{found} states");
}

/// Scans meet commits at every point, and see them whole or not at all.
#[test]
fn a_scan_beside_a_commit_sees_before_or_after() {
    let medium = SimMedium::new();
    let store = Paged::of(medium.open().unwrap(), |_| true, 64 << 10);
    let put = |value: u8| {
        let mut batch = Batch::new();
        for number in 0..200_u8 {
            batch.put([b'k', number], [value; 200]);
        }
        batch
    };
    block_on(store.commit(put(0), Commit::Durable)).unwrap();
    medium.set_waiting(true);
    for value in 1..20_u8 {
        let (found, committed) =
            block_on(futures_lite::future::zip(store.scan(b"k", b"l", 1000), store.commit(put(value), Commit::Relaxed)));
        committed.unwrap();
        let values: Vec<u8> = found.unwrap().into_iter().map(|(_, bytes)| bytes[0]).collect();
        assert_eq!(values.len(), 200);
        assert!(values.iter().all(|seen| *seen == values[0]), "{values:?}");
        assert_eq!(block_on(store.get(&[b'k', 7])).unwrap().unwrap(), [value; 200]);
    }
}
