//! The simulated disk loses what a real one may lose, and nothing that it must keep.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io;

use anystorage_conformance::simdisk::{Call, Outcome, SECTOR, SimDisk, SimOpen, Sweep};

const SEEDS: u64 = 200;

fn outcomes() -> impl Iterator<Item = Outcome> {
    Outcome::EXTREMES.into_iter().chain((0..SEEDS).map(Outcome::Random))
}

fn put(disk: &SimDisk, path: &str, data: &[u8]) -> io::Result<()> {
    let file = disk.open(path, SimOpen::CreateNew)?;
    assert_eq!(file.write_at(0, data)?, data.len());
    Ok(())
}

fn put_durably(disk: &SimDisk, path: &str, data: &[u8]) {
    put(disk, path, data).unwrap();
    disk.open(path, SimOpen::Write).unwrap().sync().unwrap();
    disk.sync_dir(path.rsplit_once('/').map_or("", |(parent, _)| parent)).unwrap();
}

fn content(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    let file = disk.open(path, SimOpen::Read).ok()?;
    let mut bytes = vec![0xEE; usize::try_from(file.metadata().unwrap().len).unwrap()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    Some(bytes)
}

/// Everything that cuts of `disk` may leave at `path`.
fn may_be_found(disk: &SimDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    outcomes().map(|outcome| content(&disk.cut(outcome), path)).collect()
}

fn found<const N: usize>(all: [Option<&[u8]>; N]) -> BTreeSet<Option<Vec<u8>>> {
    all.into_iter().map(|bytes| bytes.map(<[u8]>::to_vec)).collect()
}

#[test]
fn a_rename_without_fsync_of_the_file_leaves_an_empty_one() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", b"old");
    put(&disk, "t", b"new").unwrap();
    disk.rename("t", "a").unwrap();
    let all = may_be_found(&disk, "a");
    for outcome in [&b""[..], b"\0\0\0", b"old", b"new"] {
        assert!(all.contains(&Some(outcome.to_vec())), "{outcome:?} is among {all:?}");
    }
    assert!(!all.contains(&None), "a replaced name always leads to something");
}

#[test]
fn with_fsync_of_the_file_a_rename_leaves_old_or_new() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", b"old");
    put(&disk, "t", b"new").unwrap();
    disk.open("t", SimOpen::Write).unwrap().sync().unwrap();
    disk.rename("t", "a").unwrap();
    assert_eq!(may_be_found(&disk, "a"), found([Some(b"old"), Some(b"new")]));
    disk.sync_dir("").unwrap();
    assert_eq!(may_be_found(&disk, "a"), found([Some(b"new")]));
    assert_eq!(may_be_found(&disk, "t"), found([None]));
}

#[test]
fn fsync_of_a_file_does_not_keep_its_name() {
    let disk = SimDisk::new();
    put(&disk, "a", b"data").unwrap();
    disk.open("a", SimOpen::Write).unwrap().sync().unwrap();
    assert_eq!(may_be_found(&disk, "a"), found([None, Some(b"data")]));
}

#[test]
fn fsync_of_a_new_directory_does_not_keep_its_own_name() {
    let disk = SimDisk::new();
    disk.create_dir("d").unwrap();
    put_durably(&disk, "d/a", b"data");
    assert_eq!(may_be_found(&disk, "d/a"), found([None, Some(b"data")]));
    disk.sync_dir("").unwrap();
    assert_eq!(may_be_found(&disk, "d/a"), found([Some(b"data")]));
}

#[test]
fn a_rename_across_directories_is_one_step() {
    let disk = SimDisk::new();
    disk.create_dir("d").unwrap();
    disk.create_dir("e").unwrap();
    disk.sync_dir("").unwrap();
    put_durably(&disk, "d/a", b"1");
    disk.rename("d/a", "e/b").unwrap();
    let mut seen = BTreeSet::new();
    for outcome in outcomes() {
        let cut = disk.cut(outcome);
        let both = (content(&cut, "d/a").is_some(), content(&cut, "e/b").is_some());
        assert!(both.0 != both.1, "{outcome}: {both:?}");
        seen.insert(both);
    }
    assert_eq!(seen.len(), 2, "lost and kept both happen");
    disk.sync_dir("d").unwrap();
    assert_eq!(may_be_found(&disk, "e/b"), found([Some(b"1")]), "durable on one side is durable on both");
}

#[test]
fn operations_keep_their_order_within_a_directory_only() {
    let disk = SimDisk::new();
    for directory in ["d", "e"] {
        disk.create_dir(directory).unwrap();
    }
    disk.sync_dir("").unwrap();
    put(&disk, "d/first", b"").unwrap();
    put(&disk, "e/second", b"").unwrap();
    put(&disk, "d/third", b"").unwrap();
    let mut seen = BTreeSet::new();
    for outcome in outcomes() {
        let cut = disk.cut(outcome);
        let there = ["d/first", "e/second", "d/third"].map(|path| cut.metadata(path).is_ok());
        assert!(there[0] || !there[2], "{outcome}: the third without the first");
        seen.insert(there);
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn fsync_of_a_directory_brings_what_has_to_come_before() {
    let disk = SimDisk::new();
    for directory in ["d", "e"] {
        disk.create_dir(directory).unwrap();
    }
    disk.sync_dir("").unwrap();
    put(&disk, "d/a", b"").unwrap();
    disk.rename("d/a", "e/a").unwrap();
    put(&disk, "d/later", b"").unwrap();
    disk.sync_dir("e").unwrap();
    let cut = disk.cut(Outcome::NothingUnsynced);
    assert!(cut.metadata("e/a").is_ok() && cut.metadata("d/a").is_err());
    assert!(cut.metadata("d/later").is_err());
}

#[test]
fn directories_moved_into_one_another_and_back_never_lose_a_tree() {
    // Without an order among the moves of a directory, a cut could keep x in y and y in x, both out of reach.
    let disk = SimDisk::new();
    for directory in ["x", "y", "z"] {
        disk.create_dir(directory).unwrap();
    }
    disk.sync_dir("").unwrap();
    disk.rename("x", "y/x").unwrap();
    disk.rename("y/x", "z/x").unwrap();
    disk.rename("y", "z/x/y").unwrap();
    for outcome in outcomes() {
        let cut = disk.cut(outcome);
        let places = |paths: &[&str]| paths.iter().filter(|path| cut.metadata(path).is_ok()).count();
        assert_eq!(places(&["x", "y/x", "z/x"]), 1, "{outcome}");
        assert_eq!(places(&["y", "z/x/y"]), 1, "{outcome}");
    }
}

#[test]
fn sectors_tear_one_by_one_and_in_any_order() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", &[1; 3 * SECTOR]);
    let file = disk.open("a", SimOpen::Write).unwrap();
    file.write_at(0, &[2; 3 * SECTOR]).unwrap();
    file.write_at(SECTOR as u64, &[3; SECTOR]).unwrap();
    let mut seen = BTreeSet::new();
    for outcome in outcomes() {
        let bytes = content(&disk.cut(outcome), "a").unwrap();
        assert_eq!(bytes.len(), 3 * SECTOR);
        let sectors: Vec<u8> = bytes.chunks(SECTOR).map(|sector| sector[0]).collect();
        assert!(bytes.chunks(SECTOR).all(|sector| sector.iter().all(|byte| *byte == sector[0])), "no sector tears within");
        seen.insert(sectors);
    }
    assert_eq!(seen.len(), 2 * 3 * 2, "every mix of versions: {seen:?}");
    file.sync().unwrap();
    let last = [[2; SECTOR], [3; SECTOR], [2; SECTOR]].concat();
    assert_eq!(may_be_found(&disk, "a"), found([Some(&last)]));
}

#[test]
fn a_length_may_be_kept_without_its_bytes_and_the_other_way_round() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", b"12");
    let file = disk.open("a", SimOpen::Write).unwrap();
    file.write_at(2, b"345").unwrap();
    assert_eq!(may_be_found(&disk, "a"), found([Some(b"12"), Some(b"12\0\0\0"), Some(b"12345")]));
    file.sync().unwrap();
    file.set_len(1).unwrap();
    file.set_len(3).unwrap();
    let all = may_be_found(&disk, "a");
    for outcome in [&b"12345"[..], b"1", b"1\0\0", b"123"] {
        assert!(all.contains(&Some(outcome.to_vec())), "{outcome:?} is among {all:?}");
    }
}

#[test]
fn what_lies_behind_the_end_never_comes_back() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", &[7; 2 * SECTOR]);
    disk.open("a", SimOpen::Write).unwrap().set_len(10).unwrap();
    for outcome in outcomes() {
        let cut = disk.cut(outcome);
        let file = cut.open("a", SimOpen::ReadWrite).unwrap();
        let len = file.metadata().unwrap().len;
        file.set_len(2 * SECTOR as u64).unwrap();
        let bytes = content(&cut, "a").unwrap();
        assert!(bytes[usize::try_from(len).unwrap()..].iter().all(|byte| *byte == 0), "{outcome}");
    }
}

#[test]
fn a_removed_file_may_come_back_until_its_directory_is_synced() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", b"1");
    let open = disk.open("a", SimOpen::ReadWrite).unwrap();
    disk.remove_file("a").unwrap();
    open.write_at(0, b"2").unwrap();
    assert_eq!(content(&disk, "a"), None);
    assert_eq!(may_be_found(&disk, "a"), found([None, Some(b"1"), Some(b"2")]));
    disk.sync_dir("").unwrap();
    assert_eq!(may_be_found(&disk, "a"), found([None]));
    assert_eq!((open.metadata().unwrap().len, open.metadata().unwrap().links), (1, 0));
}

#[test]
fn offsets_beyond_four_gib_take_no_memory_for_the_hole() {
    let disk = SimDisk::new();
    let file = disk.open("a", SimOpen::CreateNew).unwrap();
    file.write_at((1 << 40) - 3, b"abcdef").unwrap();
    file.sync().unwrap();
    disk.sync_dir("").unwrap();
    let cut = disk.cut(Outcome::NothingUnsynced);
    let mut bytes = [9; 8];
    assert_eq!(cut.open("a", SimOpen::Read).unwrap().read_at((1 << 40) - 5, &mut bytes).unwrap(), 8);
    assert_eq!(&bytes, b"\0\0abcdef");
    let (total, free) = cut.space();
    assert_eq!(total - free, 2 * SECTOR as u64);
}

#[test]
fn the_power_goes_off_before_the_operation_named_and_stays_off() {
    let disk = SimDisk::new();
    disk.stop_before(2);
    put(&disk, "a", b"1").unwrap();
    assert!(content(&disk, "a").is_some(), "reads still work");
    assert!(disk.create_dir("d").is_err() && disk.is_off());
    assert!(disk.metadata("a").is_err() && disk.entries("").is_err() && disk.sync_dir("").is_err());
    let calls: Vec<Call> = disk.log().iter().map(|operation| operation.call).collect();
    assert_eq!(calls, [Call::Create, Call::Write]);
}

#[test]
fn errors_are_those_of_posix() {
    let disk = SimDisk::new();
    put(&disk, "a", b"1").unwrap();
    disk.create_dir("d").unwrap();
    disk.create_dir("d/e").unwrap();
    let long = "n".repeat(256);
    let cases = [
        (disk.open("x/y", SimOpen::Read).err(), io::ErrorKind::NotFound),
        (disk.open("a/y", SimOpen::Read).err(), io::ErrorKind::NotADirectory),
        (disk.open("d", SimOpen::Read).err(), io::ErrorKind::IsADirectory),
        (disk.open("a", SimOpen::CreateNew).err(), io::ErrorKind::AlreadyExists),
        (disk.open(&long, SimOpen::CreateNew).err(), io::ErrorKind::InvalidFilename),
        (disk.entries("a").err(), io::ErrorKind::NotADirectory),
        (disk.create_dir("").err(), io::ErrorKind::AlreadyExists),
        (disk.remove_dir("d").err(), io::ErrorKind::DirectoryNotEmpty),
        (disk.remove_dir("a").err(), io::ErrorKind::NotADirectory),
        (disk.remove_file("d").err(), io::ErrorKind::IsADirectory),
        (disk.remove_dir("").err(), io::ErrorKind::InvalidInput),
        (disk.rename("a", "d").err(), io::ErrorKind::IsADirectory),
        (disk.rename("d", "a").err(), io::ErrorKind::NotADirectory),
        (disk.rename("d", "d/e/f").err(), io::ErrorKind::InvalidInput),
        (disk.rename("d/../a", "b").err(), io::ErrorKind::InvalidInput),
    ];
    for (number, (error, kind)) in cases.into_iter().enumerate() {
        assert_eq!(error.map(|error| error.kind()), Some(kind), "case {number}");
    }
    #[cfg(target_os = "linux")]
    assert_eq!(disk.metadata("x").unwrap_err().raw_os_error(), Some(2));

    disk.set_capacity(SECTOR as u64);
    let full = disk.open("a", SimOpen::Write).unwrap().write_at(0, &[1; 4 * SECTOR]).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_removed_file_takes_space_until_it_is_closed() {
    let disk = SimDisk::new();
    put_durably(&disk, "a", &[1; SECTOR]);
    let open = disk.open("a", SimOpen::Read).unwrap();
    let used = || disk.space().0 - disk.space().1;
    disk.remove_file("a").unwrap();
    assert_eq!(used(), SECTOR as u64);
    drop(open);
    assert_eq!(used(), 0);
    assert_eq!(may_be_found(&disk, "a"), found([None, Some(&[1; SECTOR])]), "a cut may still bring it back");
}

/// One whole-file write as engines do it, and what it promises: old or new at any time, new once it is done.
fn replaces_safely(leave_out: Option<u64>) -> Result<u64, u64> {
    let prepare = || {
        let disk = SimDisk::new();
        put_durably(&disk, "a", b"old");
        let before = disk.syncs();
        disk.leave_out_syncs(move |call| leave_out.is_some_and(|nth| call.nth == before + nth));
        disk
    };
    let workload = |disk: &SimDisk| -> io::Result<()> {
        put(disk, "t", b"new")?;
        disk.open("t", SimOpen::Write)?.sync()?;
        disk.rename("t", "a")?;
        disk.sync_dir("")
    };
    let mut states = 0;
    let survey = Sweep::new(1).run(prepare, workload, |disk, outcome| {
        states += 1;
        let bytes = content(disk, "a");
        let kept = bytes.as_deref() == Some(b"new") || (outcome.is_err() && bytes.as_deref() == Some(b"old"));
        if kept { Ok(()) } else { Err(format!("a is {bytes:?}")) }
    });
    survey.map(|survey| survey.states).map_err(|_| states)
}

#[test]
fn a_sweep_finds_each_fsync_that_is_left_out() {
    assert_eq!(replaces_safely(None), Ok(6 * 13), "six positions, five extremes and eight random outcomes each");
    assert!(replaces_safely(Some(0)).is_err(), "without the fsync of the file");
    assert!(replaces_safely(Some(1)).is_err(), "without the fsync of the directory");
}

#[test]
fn a_failure_can_be_repeated_from_what_it_prints() {
    let workload = |disk: &SimDisk| put(disk, "a", &[1; 2 * SECTOR]);
    let never_torn = |disk: &SimDisk, _: &io::Result<()>| match content(disk, "a") {
        Some(bytes) if bytes.contains(&0) && bytes.contains(&1) => Err("torn"),
        _ => Ok(()),
    };
    let sweep = Sweep::new(7).random_outcomes(64);
    let failure = sweep.run(SimDisk::new, workload, never_torn).unwrap_err();
    assert_eq!((failure.seed, failure.position, failure.log.len()), (7, 2, 2));
    let again = sweep.at(failure.position).run(SimDisk::new, workload, never_torn).unwrap_err();
    assert_eq!(again.outcome, failure.outcome);
    assert!(failure.to_string().contains("seed 0x7, power off before operation 2, random, seed 0x"), "{failure}");
}
