//! Stored images of formats 1 to 3. Every later version has to open them, and to find every byte.
//!
//! `cargo test -p anystorage-kv --test kv -- --ignored write_the_fixtures` writes those of the latest format anew, which only a new
//! format may need.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anystorage_api::{Attributes, Error, ErrorKind, FileKind, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Timestamp};
use anystorage_conformance::durability_model::Tree;
use anystorage_kv::KvOptions;
use anystorage_kv::testing::{Outcome, SimMedium};
use futures_lite::future::block_on;

use crate::{open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn options() -> KvOptions {
    tiny(64, 1024)
}

/// A location of format 3.
fn with_small_contents() -> KvOptions {
    options().small_contents(48)
}

/// Those of which there are images.
const FORMATS: [u32; 3] = [1, 2, 3];

/// Where the sparse file has its second piece.
const FAR: u64 = 1 << 40;

/// Bytes that are no others.
fn bytes(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at * 7 + at / 64 + seed) % 255 + 1) as u8).collect()
}

/// Of `fragments`: a block in three.
const FRAGMENTS: usize = 40;

fn fragments() -> Vec<u8> {
    let mut expected = vec![0; (FRAGMENTS - 1) * 192 + 40];
    for number in 0..FRAGMENTS {
        expected[number * 192..][..40].copy_from_slice(&bytes(number, 40));
    }
    expected
}

/// `versions` after it was written, and overwritten in two places, each time with a sync.
fn versions() -> Vec<u8> {
    let mut expected = bytes(2, 400);
    expected[30..50].copy_from_slice(&bytes(3, 20));
    expected[350..370].copy_from_slice(&bytes(4, 20));
    expected
}

async fn synced_part(backend: &dyn StorageBackend) -> Result<()> {
    backend.create_dir(&path("d")).await?;
    backend.create_dir(&path("d/empty")).await?;
    backend.write(&path("d/small"), &bytes(1, 40)).await?;
    backend.write(&path("d/versions"), &bytes(2, 400)).await?;
    backend.write(&path("none"), b"").await?;
    backend.write(&path("ä"), b"name").await?;
    let sparse = backend.open(&path("sparse"), &OpenOptions::editing()).await?;
    sparse.write_at(5, b"start").await?;
    sparse.write_at(FAR, b"end").await?;
    sparse.set_len(FAR + 100).await?;
    let file = backend.open(&path("fragments"), &OpenOptions::editing()).await?;
    for number in 0..FRAGMENTS {
        file.write_at(number as u64 * 192, &bytes(number, 40)).await?;
    }
    backend.sync().await?;
    for (seed, at) in [(3, 30), (4, 350)] {
        let file = backend.open(&path("d/versions"), &OpenOptions::editing()).await?;
        file.write_at(at, &bytes(seed, 20)).await?;
        file.sync().await?;
    }
    let attributes = Attributes::new().mode(0o640).accessed(Timestamp::new(5, 6)).modified(Timestamp::new(-7, 8));
    backend.set_attributes(&path("d/small"), &attributes).await?;
    backend.open(&path("link"), &OpenOptions::editing()).await?;
    backend.set_attributes(&path("link"), &Attributes::new().link_target("d/small")).await?;
    backend.sync().await
}

/// A removed file that is still open, and changes that were spilled: blocks, names, and what they replace.
async fn pending_part(backend: &dyn StorageBackend) -> Result<Box<dyn StorageFile>> {
    backend.write(&path("removed"), &bytes(9, 200)).await?;
    backend.sync().await?;
    let removed = backend.open(&path("removed"), &OpenOptions::reading()).await?;
    backend.remove_file(&path("removed")).await?;
    backend.sync().await?;
    spilled_part(backend).await?;
    Ok(removed)
}

async fn spilled_part(backend: &dyn StorageBackend) -> Result<()> {
    backend.open(&path("d/versions"), &OpenOptions::editing()).await?.write_at(0, &bytes(6, 1500)).await?;
    backend.rename(&path("d/small"), &path("small")).await?;
    for number in 0..8 {
        backend.create_dir(&path(&format!("a directory of which no sync knows, number {number}"))).await?;
    }
    Ok(())
}

/// Synced files of all kinds, and everything that may be pending.
fn unsynced_image() -> SimMedium {
    let medium = SimMedium::new();
    let backend = open(&medium, &with_small_contents()).unwrap();
    let removed = block_on(async {
        synced_part(&backend).await?;
        pending_part(&backend).await
    });
    let image = medium.cut(Outcome::Everything);
    drop(removed.unwrap());
    image
}

/// The same, where the last sync is published and its records are still to be moved.
fn applying_image() -> SimMedium {
    let sync = |stop: Option<usize>| {
        let medium = SimMedium::new();
        let backend = open(&medium, &with_small_contents()).unwrap();
        block_on(synced_part(&backend)).unwrap();
        block_on(spilled_part(&backend)).unwrap();
        if let Some(stop) = stop {
            medium.stop_before(stop);
        }
        let answer = block_on(backend.sync());
        assert_eq!(answer.is_ok(), stop.is_none());
        medium
    };
    let mark = sync(None).log().iter().rposition(|commit| commit.changes == 1 && commit.bytes == 6).unwrap();
    sync(Some(mark + 1)).cut(Outcome::Returned)
}

fn images() -> [(&'static str, SimMedium); 2] {
    [("format-3.txt", unsynced_image()), ("format-3-applying.txt", applying_image())]
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn stored(name: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(key, value)| (unhex(key), unhex(value))).collect()
}

#[test]
#[ignore = "writes into the source tree"]
fn write_the_fixtures() {
    for (name, medium) in images() {
        let mut text = "# A location of format 3: on each line the key and the value of a record.\n".to_owned();
        for (key, value) in medium.records() {
            text += &format!("{} {}\n", hex(&key), hex(&value));
        }
        std::fs::create_dir_all(fixture("")).unwrap();
        std::fs::write(fixture(name), text).unwrap();
    }
}

/// Every record of a kind has to be in some image, or a change of its layout would go unseen.
#[test]
fn the_images_have_records_of_every_kind() {
    let kinds = |name: &str| -> Vec<String> {
        let mut kinds: Vec<String> = stored(name)
            .keys()
            .map(|key| {
                let len = if key[0] != b'p' {
                    1
                } else if key[1] == b'w' {
                    3
                } else {
                    2
                };
                String::from_utf8(key[..len].to_vec()).unwrap()
            })
            .collect();
        kinds.dedup();
        kinds
    };
    for format in FORMATS {
        let blocks: &[&str] = if format < 3 { &["b"] } else { &["b", "c"] };
        let rest: &[&str] = &["e", "i", "n", "po", "ps", "pwe", "pwi", "s"];
        assert_eq!(kinds(&format!("format-{format}.txt")), [blocks, rest].concat());
        let rest: &[&str] = &["e", "i", "n", "pa", "ps", "pwe", "pwi", "s"];
        assert_eq!(kinds(&format!("format-{format}-applying.txt")), [blocks, rest].concat());
    }
}

/// What `synced_part` wrote, told independently of the engine.
async fn expect_synced(backend: &dyn StorageBackend, small: &str, versions: &[u8]) -> Result<()> {
    for (name, expected) in [
        (small, bytes(1, 40)),
        ("d/versions", versions.to_vec()),
        ("none", Vec::new()),
        ("ä", b"name".to_vec()),
        ("fragments", fragments()),
    ] {
        assert_eq!(backend.read(&path(name)).await?, expected, "{name}");
    }
    let sparse = backend.open(&path("sparse"), &OpenOptions::reading()).await?;
    assert_eq!(sparse.stat().await?.len, FAR + 100);
    let (mut start, mut end) = ([1; 200], [1; 300]);
    assert_eq!(sparse.read_at(0, &mut start).await?, 200);
    assert_eq!(sparse.read_at(FAR - 100, &mut end).await?, 200);
    assert_eq!(start[..5], [0; 5]);
    assert_eq!(&start[5..10], b"start");
    assert_eq!(start[10..], [0; 190]);
    assert_eq!(end[..100], [0; 100]);
    assert_eq!(&end[100..103], b"end");
    assert_eq!(end[103..200], [0; 97]);
    let found = backend.stat(&path(small)).await?;
    assert_eq!((found.mode, found.accessed, found.modified), (Some(0o640), Some(Timestamp::new(5, 6)), Some(Timestamp::new(-7, 8))));
    let link = backend.stat(&path("link")).await?;
    assert_eq!((link.kind, link.link_target.as_deref()), (FileKind::Symlink, Some("d/small")));
    assert_eq!(backend.stat(&path("none")).await?.modified, Some(Timestamp::new(1_700_000_000, 5)));
    assert!(backend.list(&path("d/empty"), None, 10).await?.is_empty());
    Ok(())
}

async fn names(backend: &dyn StorageBackend, directory: &str) -> Result<Vec<String>> {
    Ok(backend.list(&path(directory), None, 100).await?.into_iter().map(|entry| entry.name).collect())
}

/// It goes on as any other location does: with what it has, and with what is new.
fn goes_on(medium: &SimMedium, options: &KvOptions) {
    let backend = open(medium, options).unwrap();
    block_on(async {
        for name in ["d/versions", "fragments", "new"] {
            let file = backend.open(&path(name), &OpenOptions::editing()).await?;
            file.write_at(70, &bytes(20, 3000)).await?;
            file.sync().await?;
        }
        backend.rename(&path("d"), &path("e")).await?;
        backend.sync().await?;
        backend.close().await
    })
    .unwrap();
    let medium = medium.cut(Outcome::NothingUnsynced);
    let backend = open(&medium, options).unwrap();
    block_on(async {
        for name in ["e/versions", "fragments", "new"] {
            assert_eq!(backend.read(&path(name)).await?[70..3070], bytes(20, 3000), "{name}");
        }
        Ok::<(), Error>(())
    })
    .unwrap();
}

#[test]
fn an_image_with_unsynced_changes_opens_as_it_was_synced() {
    // A location has its own size of blocks, whatever the options say.
    let all = |format| [(format, options()), (format, with_small_contents()), (format, tiny(512, 64 << 10))];
    for (format, options) in FORMATS.into_iter().flat_map(all) {
        let medium = SimMedium::holding(stored(&format!("format-{format}.txt")));
        let backend = open(&medium, &options).unwrap();
        block_on(async {
            expect_synced(&backend, "d/small", &versions()).await?;
            assert_eq!(names(&backend, "").await?, ["d", "fragments", "link", "none", "sparse", "ä"]);
            assert_eq!(names(&backend, "d").await?, ["empty", "small", "versions"]);
            Ok::<(), Error>(())
        })
        .unwrap();
        drop(backend);
        goes_on(&medium, &options);
    }
}

#[test]
fn an_image_whose_last_sync_is_not_moved_yet_opens_with_it() {
    for format in FORMATS {
        opens_with_its_last_sync(&SimMedium::holding(stored(&format!("format-{format}-applying.txt"))));
    }
}

fn opens_with_its_last_sync(medium: &SimMedium) {
    let backend = open(medium, &options()).unwrap();
    block_on(async {
        expect_synced(&backend, "small", &bytes(6, 1500)).await?;
        let mut expected: Vec<String> = (0..8).map(|number| format!("a directory of which no sync knows, number {number}")).collect();
        expected.extend(["d", "fragments", "link", "none", "small", "sparse", "ä"].map(str::to_owned));
        assert_eq!(names(&backend, "").await?, expected);
        assert_eq!(names(&backend, "d").await?, ["empty", "versions"]);
        Ok::<(), Error>(())
    })
    .unwrap();
    drop(backend);
    goes_on(medium, &options());
}

/// The layout of every record that a location cannot be without, byte by byte.
#[test]
fn records_are_laid_out_as_format_2_says() {
    let medium = SimMedium::new();
    let backend = open(&medium, &options()).unwrap();
    block_on(async {
        backend.write(&path("f"), b"bytes").await?;
        backend.sync().await
    })
    .unwrap();
    assert_eq!(laid_out(&medium), LAID_OUT, "a change of the format needs another number, and this version still has to read those before");
}

/// What is small has a tag of its own, and says so in its version.
#[test]
fn records_are_laid_out_as_format_3_says() {
    let medium = SimMedium::new();
    let backend = open(&medium, &with_small_contents()).unwrap();
    block_on(async {
        backend.write(&path("f"), b"bytes").await?;
        backend.sync().await
    })
    .unwrap();
    let [_, entry, root, ..] = LAID_OUT;
    let expected = [
        // A block: inode 2, block 0, version 2.
        "63000000000000000200000000000000008000000000000002 627974657394b8e6cffbc997a2",
        entry,
        root,
        "690000000000000002 0001010166050180c49fd50c0500000009030200010001828080808080808080010000002b30a995",
        "73 616e7973746f726167650000030000004082800475c8856e",
    ];
    assert_eq!(laid_out(&medium), expected, "a change of the format needs another number, and this version still has to read those before");
}

fn laid_out(medium: &SimMedium) -> Vec<String> {
    medium.records().iter().map(|(key, value)| format!("{} {}", hex(key), hex(value))).collect()
}

const LAID_OUT: [&str; 5] = [
    // A block: inode 2, block 0, version 2.
    "62000000000000000200000000000000000000000000000002 6279746573df203bc2f74b0633",
    // A name in directory 1: inode 2, a file.
    "65000000000000000166 02004bf6b284",
    // The root, and the file.
    "690000000000000001 0100000180c49fd50c050000000a0001000000000034cef1d8",
    "690000000000000002 0001010166050180c49fd50c05000000090302000100010200000072b9d723",
    // The superblock: magic, format, size of blocks, numbers.
    "73 616e7973746f726167650000020000004082800452b5b927",
];

/// The superblock with another number or magic, under a checksum that fits.
fn with_superblock(change: impl FnOnce(&mut Vec<u8>)) -> SimMedium {
    let mut records = stored("format-2.txt");
    let mut payload = records[&b"s"[..]].clone();
    payload.truncate(payload.len() - 4);
    change(&mut payload);
    let sum = crc32c::crc32c_append(crc32c::crc32c(b"s"), &payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    records.insert(b"s".to_vec(), payload);
    SimMedium::holding(records)
}

#[test]
fn what_is_no_location_of_a_known_format_is_refused_and_left_alone() {
    let no_superblock = SimMedium::holding(stored("format-2.txt"));
    no_superblock.set(b"s", None);
    let foreign = SimMedium::holding([(b"users/7".to_vec(), b"{}".to_vec())]);
    for (what, medium, kind, text) in [
        ("format 4", with_superblock(|payload| payload[12] = 4), ErrorKind::Unsupported, "format 4"),
        ("format 0", with_superblock(|payload| payload[12] = 0), ErrorKind::Unsupported, "format 0"),
        ("another magic", with_superblock(|payload| payload[0] = b'A'), ErrorKind::Corrupt, "superblock"),
        ("no superblock", no_superblock, ErrorKind::Corrupt, "another program"),
        ("records of something else", foreign, ErrorKind::Corrupt, "another program"),
    ] {
        let before = medium.records();
        let error = open(&medium, &options()).unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(error.to_string().contains(text), "{what}: {error}");
        assert_eq!((medium.records(), medium.commits()), (before, 0), "{what}");
    }
}

#[test]
fn an_empty_store_stays_empty_unless_it_is_to_become_a_location() {
    let medium = SimMedium::new();
    assert_eq!(open(&medium, &options().create(false)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(medium.commits(), 0);
    drop(open(&medium, &options()).unwrap());
    assert!(block_on(Tree::observe(&open(&medium, &options().create(false)).unwrap())).unwrap().is_empty());
}
