//! Opening a location after a power cut: what an interrupted write left is never shown, and does not stay.

use anystorage_api::{StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{DurabilityModel, Promise};
use anystorage_conformance::simdisk::{SimDisk, Sweep};
use futures_lite::future::block_on;

use crate::{check, is_temporary, open};
use anystorage_conformance::script::{Step, play};

fn temporaries(disk: &SimDisk) -> Vec<String> {
    let entries = disk.entries("d").unwrap_or_default();
    entries.into_iter().map(|(name, _)| name).filter(|name| is_temporary(name)).collect()
}

fn prepare() -> SimDisk {
    let disk = SimDisk::new();
    let mut model = DurabilityModel::new(Promise::InPlace);
    block_on(play(&open(&disk), &mut model, &[Step::CreateDir("d"), Step::Sync])).unwrap();
    disk
}

const WRITES: &[Step] = &[Step::Replace("d/a", &[1; 600]), Step::Replace("d/a", &[2; 1100]), Step::Replace("d/b", &[3; 40]), Step::Sync];

#[test]
fn leftovers_of_interrupted_writes_are_hidden_and_removed() {
    let path = |text: &str| StoragePath::parse(text).unwrap();
    let mut with_leftovers = 0;
    let workload = |disk: &SimDisk| {
        let mut model = DurabilityModel::new(Promise::InPlace);
        model.done(&anystorage_conformance::durability_model::Action::CreateDir { path: &path("d") }).unwrap();
        let _ = block_on(play(&open(disk), &mut model, WRITES));
        model
    };
    let survey = Sweep::new(crate::seed()).run(prepare, workload, |disk, model| {
        let before = temporaries(disk).len();
        with_leftovers += usize::from(before > 0);
        check(disk, model)?;
        let after = temporaries(disk);
        if !after.is_empty() {
            return Err(format!("{after:?} are still there after the directory was listed"));
        }
        // The location is as good as new.
        let backend = open(disk);
        block_on(async {
            backend.write(&path("d/a"), b"again").await?;
            backend.sync().await?;
            backend.read(&path("d/a")).await
        })
        .map_err(|error| error.to_string())
        .and_then(|bytes| if bytes == b"again" { Ok(()) } else { Err(format!("read back {bytes:?}")) })
    });
    let survey = survey.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} states, {with_leftovers} of them with a leftover", survey.states);
    assert!(with_leftovers > 20, "an interrupted write leaves something behind: {with_leftovers}");
}

#[test]
fn a_directory_with_nothing_but_leftovers_can_be_removed() {
    let mut with_leftovers = 0;
    let workload = |disk: &SimDisk| {
        let path = StoragePath::parse("d/a").unwrap();
        let _ = block_on(open(disk).write(&path, &[1; 600]));
    };
    let survey = Sweep::new(crate::seed()).run(prepare, workload, |disk, ()| {
        let left = temporaries(disk).len();
        let named = disk.metadata("d/a").is_ok();
        if left == 0 || named {
            return Ok(());
        }
        with_leftovers += 1;
        block_on(open(disk).remove_dir(&StoragePath::parse("d").unwrap())).map_err(|error| error.to_string())
    });
    survey.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(with_leftovers > 5, "{with_leftovers}");
}
