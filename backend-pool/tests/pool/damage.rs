//! Damage of the name table, and what a power cut leaves of it.

use anystorage_api::{ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::Outcome;
use futures_lite::future::block_on;

use crate::disk::{Disk, Pool, TABLE, closed};

/// Where the second place begins, and what both take.
const SECOND: u64 = 64 << 10;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn filled(pool: &Pool) {
    block_on(async {
        pool.create_dir(&path("d")).await.unwrap();
        for number in 0..3_u8 {
            pool.write(&path(&format!("d/{number}")), &[number + 1; 3000]).await.unwrap();
        }
        pool.sync().await.unwrap();
    });
}

fn location() -> Disk {
    let disk = Disk::new(4);
    let pool = disk.open().unwrap();
    filled(&pool);
    block_on(pool.close()).unwrap();
    disk
}

fn holds_all(pool: &Pool) {
    for number in 0..3_u8 {
        assert_eq!(block_on(pool.read(&path(&format!("d/{number}")))).unwrap(), [number + 1; 3000]);
    }
}

/// A table of which one bit is another one, wherever: the other place has the same, and nothing is lost.
#[test]
fn one_damaged_place_costs_nothing() {
    let disk = location();
    let table = disk.bytes_of(TABLE);
    let used = table[..SECOND as usize].iter().rposition(|byte| *byte != 0).unwrap() as u64;
    for at in (0..=used).flat_map(|at| [at, SECOND + at]) {
        disk.flip(TABLE, at, 0x10);
        let damaged = disk.bytes_of(TABLE);
        let pool = disk.open().unwrap();
        holds_all(&pool);
        assert_eq!(pool.set_aside(), 0);
        assert_eq!(disk.bytes_of(TABLE), damaged, "opening writes nothing");
        drop(pool);
        disk.flip(TABLE, at, 0x10);
    }
    disk.flip(TABLE, SECOND + 20, 1);
    let damaged = disk.bytes_of(TABLE)[SECOND as usize..][..used as usize].to_vec();
    let pool = disk.open().unwrap();
    block_on(pool.sync()).unwrap();
    block_on(pool.close()).unwrap();
    assert_eq!(disk.bytes_of(TABLE)[2 * SECOND as usize..][..used as usize], damaged, "what was damaged lies behind both places");
    disk.flip(TABLE, 20, 1);
    holds_all(&disk.open().unwrap());
}

#[test]
fn with_both_places_damaged_nothing_is_changed() {
    let disk = location();
    disk.flip(TABLE, 30, 1);
    disk.flip(TABLE, SECOND + 25, 1);
    let before = disk.bytes();
    for _ in 0..2 {
        let error = disk.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(disk.bytes(), before);
    }
    disk.flip(TABLE, 30, 1);
    holds_all(&disk.open().unwrap());
}

/// After a power cut the two places differ. If the newer one is damaged then, the files that only it names are kept, and told of.
#[test]
fn files_that_a_damaged_table_may_name_are_set_aside() {
    let disk = Disk::new(4);
    let pool = disk.open().unwrap();
    filled(&pool);
    block_on(pool.sync()).unwrap();
    let disk = Disk::of(disk.disk.cut(Outcome::NothingUnsynced), 4);
    let table = disk.bytes_of(TABLE);
    let newer = u64::from(table[16] < table[SECOND as usize + 16]) * SECOND;
    assert_ne!(table[16], table[SECOND as usize + 16]);
    disk.flip(TABLE, newer + 40, 8);
    for _ in 0..2 {
        let pool = disk.open().unwrap();
        assert_eq!((pool.set_aside(), pool.spare(), pool.capacity()), (3, 4, 7));
        assert_eq!(block_on(pool.list(&path(""), None, 10)).unwrap(), []);
        block_on(pool.write(&path("new"), b"new")).unwrap();
        block_on(pool.sync()).unwrap();
        block_on(pool.remove_file(&path("new"))).unwrap();
        block_on(pool.sync()).unwrap();
        block_on(pool.close()).unwrap();
        let kept = disk.bytes().into_iter().filter(|(_, bytes)| bytes.len() == 3000).count();
        assert_eq!(kept, 3);
    }
    let pool = disk.open().unwrap();
    pool.discard_set_aside().unwrap();
    assert_eq!((pool.set_aside(), pool.spare()), (0, 7));
    block_on(pool.close()).unwrap();
    assert!(disk.bytes().iter().all(|(name, bytes)| name == TABLE || bytes.is_empty()));
}

#[test]
fn a_file_that_is_missing_is_damage_of_that_file_alone() {
    let disk = location();
    let (missing, _) = disk.bytes().into_iter().find(|(_, bytes)| bytes.first() == Some(&2) && bytes.len() == 3000).unwrap();
    disk.disk.remove_file(&missing).unwrap();
    let pool = disk.open().unwrap();
    block_on(async {
        assert_eq!(pool.read(&path("d/1")).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(pool.stat(&path("d/1")).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(pool.read(&path("d/2")).await.unwrap(), [3; 3000]);
        pool.write(&path("d/1"), &[2; 3000]).await.unwrap();
        pool.sync().await.unwrap();
        holds_all(&pool);
        pool.close().await.unwrap();
    });
    holds_all(&disk.open().unwrap());
}

/// A name was left whose file the host had lost. The next file of the pool had its number: then the name led to that, and a second one did, and
/// a table with a file under two names is damage, of both places.
#[test]
fn the_number_of_a_missing_file_is_not_given_again() {
    let disk = location();
    let last = disk.bytes().into_iter().filter_map(|(name, _)| name.parse::<u32>().ok()).max().unwrap();
    let bytes = disk.bytes_of(&last.to_string());
    let lost = format!("d/{}", bytes[0] - 1);
    assert_eq!(bytes.len(), 3000);
    disk.disk.remove_file(&last.to_string()).unwrap();
    let pool = disk.open().unwrap();
    assert_eq!(pool.next_number(), last + 1);
    for number in [0, last, u32::MAX] {
        assert_eq!(pool.add(number, disk.raw("other", None).unwrap()).unwrap_err().kind(), ErrorKind::InvalidInput, "{number}");
    }
    // Whoever makes several at a time may have the later ones first.
    for number in [last + 2, last + 1] {
        pool.add(number, disk.raw(&number.to_string(), None).unwrap()).unwrap();
    }
    assert_eq!(pool.next_number(), last + 3);
    block_on(async {
        assert_eq!(pool.read(&path(&lost)).await.unwrap_err().kind(), ErrorKind::Corrupt);
        pool.write(&path("new"), b"new").await.unwrap();
        pool.write(&path("newer"), b"newer").await.unwrap();
        pool.sync().await.unwrap();
        pool.close().await.unwrap();
    });
    let pool = disk.open().unwrap();
    assert_eq!(block_on(pool.read(&path(&lost))).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(block_on(pool.read(&path("newer"))).unwrap(), b"newer");
}

/// After a power cut one place has an older table. It stayed there as long as no name changed, and later damage of the other one brought it
/// back: a name led to bytes of another file.
#[test]
fn an_older_table_does_not_stay() {
    let disk = Disk::new(4);
    let pool = disk.open().unwrap();
    filled(&pool);
    block_on(pool.remove_file(&path("d/1"))).unwrap();
    block_on(pool.sync()).unwrap();
    let disk = Disk::of(disk.disk.cut(Outcome::NothingUnsynced), 4);
    let numbers = |table: &[u8]| [table[16], table[SECOND as usize + 16]];
    let [first, second] = numbers(&disk.bytes_of(TABLE));
    assert_ne!(first, second);
    let pool = disk.open().unwrap();
    block_on(pool.sync()).unwrap();
    block_on(pool.close()).unwrap();
    let [first, second] = numbers(&disk.bytes_of(TABLE));
    assert_eq!(first, second);
}

/// A place that a power cut has torn is kept behind both when the next table is stored. With a full quota there was no space for it, and so no
/// removal could give any back.
#[test]
fn what_is_set_aside_of_the_table_has_its_space() {
    let disk = location();
    disk.flip(TABLE, 20, 1);
    let used: u64 = disk.bytes().iter().map(|(_, bytes)| bytes.len() as u64).sum();
    disk.quota.store(used, std::sync::atomic::Ordering::Relaxed);
    let pool = disk.open().unwrap();
    block_on(async {
        assert_eq!(pool.write(&path("more"), &[9; 4000]).await.unwrap_err().kind(), ErrorKind::NoSpace);
        pool.remove_file(&path("d/0")).await.unwrap();
        pool.remove_file(&path("d/1")).await.unwrap();
        pool.sync().await.unwrap();
        pool.write(&path("more"), &[9; 4000]).await.unwrap();
        pool.sync().await.unwrap();
        pool.close().await.unwrap();
    });
    assert_eq!(block_on(disk.open().unwrap().read(&path("more"))).unwrap(), [9; 4000]);
}

/// A location of directories alone has no files beside its table. With both places damaged it was taken for one that was never begun.
#[test]
fn a_damaged_table_of_directories_alone_is_damage() {
    let disk = Disk::new(0);
    let pool = disk.open().unwrap();
    block_on(async {
        pool.create_dir(&path("a directory")).await.unwrap();
        pool.sync().await.unwrap();
        pool.close().await.unwrap();
    });
    drop(pool);
    disk.flip(TABLE, 30, 1);
    disk.flip(TABLE, SECOND + 30, 1);
    let before = disk.bytes();
    assert_eq!(disk.open().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(disk.bytes(), before);
}

/// The number behind the magic, with its checksum right.
#[test]
fn a_later_format_is_left_alone() {
    let disk = location();
    for place in [0, SECOND] {
        let table = disk.bytes_of(TABLE);
        let slot = &table[place as usize..];
        let len = 28 + u32::from_le_bytes(slot[24..28].try_into().unwrap()) as usize;
        let mut later = slot[..len].to_vec();
        later[15] = 2;
        let sum = crc32c(&later);
        disk.flip(TABLE, place + 15, 1 ^ 2);
        for (at, byte) in sum.to_le_bytes().into_iter().enumerate() {
            disk.flip(TABLE, place + (len + at) as u64, slot[len + at] ^ byte);
        }
    }
    let before = disk.bytes();
    let error = disk.open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(disk.bytes(), before);
}

/// Bit by bit, as the standard has it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))))
}

/// The first format, as it was first written: every version opens it.
#[test]
fn the_first_format_stays() {
    let disk = Disk::new(1);
    closed(&disk);
    let written = concat!(
        "616e7973746f7261676520706f6f6c", // magic
        "01",                             // format
        "0200000000000000",               // number
        "1f000000",                       // bytes that follow
        "02000000",                       // names
        "0000",                           // of the first: as many bytes as of the one before,
        "0100",                           // so many others,
        "64",                             // and these
        "00000000",                       // it is a directory
        "0100",
        "0600",
        "2f6669727374",
        "01000000", // it is file 0
        "00000000", // set aside
        "8876fe50", // crc32c
    );
    let pool = disk.open().unwrap();
    block_on(async {
        pool.create_dir(&path("d")).await.unwrap();
        pool.write(&path("d/first"), b"bytes").await.unwrap();
        pool.sync().await.unwrap();
        pool.close().await.unwrap();
    });
    let table = disk.bytes_of(TABLE);
    let hex: String = table[..written.len() / 2].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, written);
}
