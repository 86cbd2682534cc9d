//! The file of extents by itself, written here and there, cut, lengthened, with its last extents moved to the front, and the power cut at
//! every operation: each page is as it was at the last flush, or as it was written since.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use anystorage_conformance::simdisk::{Outcome, Rng, SimDisk, Sweep};
use anystorage_redb::StoreFile;

use crate::disk::Disk;

const EXTENT: u64 = 256 << 10;
const EXTENTS: u64 = 40;
const PAGE: usize = 4096;
const ACTIONS: usize = 60;

/// What may be found: of each extent the stamps that its first page may have, and the lengths. The first of each is that of the last flush.
#[derive(Clone, Debug)]
struct Known {
    stamps: BTreeMap<u64, Vec<u64>>,
    lens: Vec<u64>,
}

impl Known {
    /// What is there, all of it durable. Pages that were written in part count as those of which nothing is known.
    fn of(image: &SimDisk) -> Self {
        let file = disk(&image.cut(Outcome::Everything)).file().unwrap();
        let len = file.len().unwrap();
        let mut stamps = BTreeMap::new();
        for extent in (0..EXTENTS).filter(|extent| extent * EXTENT + PAGE as u64 <= len) {
            stamps.insert(extent, vec![stamp_of(&file, extent).unwrap()]);
        }
        Self { stamps, lens: vec![len] }
    }

    fn may(&mut self, extent: u64, stamp: u64) {
        self.stamps.entry(extent).or_insert_with(|| vec![0]).push(stamp);
    }

    fn settle(&mut self) {
        for stamps in self.stamps.values_mut() {
            *stamps = stamps.last().copied().into_iter().collect();
        }
        self.lens = self.lens.last().copied().into_iter().collect();
    }
}

/// Of the first page of an extent; 0 if it is not all the same.
fn stamp_of(file: &impl StoreFile, extent: u64) -> io::Result<u64> {
    let mut page = vec![0; PAGE];
    file.read(extent * EXTENT, &mut page)?;
    let (words, _) = page.as_chunks::<8>();
    Ok(if words.iter().all(|word| *word == words[0]) { u64::from_le_bytes(words[0]) } else { 0 })
}

fn disk(image: &SimDisk) -> Disk {
    Disk::of(image.clone(), anystorage_redb::RedbOptions::new())
}

/// Ends at the first call that fails: the power is off.
fn play(image: &SimDisk, seed: u64, known: &mut Known) -> io::Result<()> {
    let file = disk(image).file().map_err(io::Error::from)?;
    let mut rng = Rng::new(seed);
    let mut stamp = 1 + rng.below(1 << 40);
    for _ in 0..ACTIONS {
        match rng.below(10) {
            0..5 => {
                let extent = rng.below(EXTENTS);
                let len = known.lens.last().copied().unwrap_or(0);
                stamp += 1;
                known.may(extent, stamp);
                known.lens.push(len.max(extent * EXTENT + PAGE as u64));
                file.write(extent * EXTENT, &stamp.to_le_bytes().repeat(PAGE / 8))?;
            }
            5 => {
                let extents = rng.below(EXTENTS + 1);
                known.lens.push(extents * EXTENT);
                for extent in extents..EXTENTS {
                    known.may(extent, 0);
                }
                file.set_len(extents * EXTENT)?;
            }
            6..9 => {
                file.flush()?;
                known.settle();
                file.settled();
                file.set_aside(false);
            }
            _ => {
                // What had nothing at the last flush has nothing again; the rest stays.
                file.take_back(u64::MAX, u64::MAX);
                let len = file.len()?;
                for extent in (0..EXTENTS).filter(|extent| extent * EXTENT + PAGE as u64 <= len) {
                    known.may(extent, stamp_of(&file, extent)?);
                }
            }
        }
    }
    file.flush()?;
    known.settle();
    Ok(())
}

fn check(image: &SimDisk, known: &Known) -> Result<(), String> {
    let file = disk(&image.cut(Outcome::Everything)).file().map_err(|error| error.to_string())?;
    let len = file.len().map_err(|error| error.to_string())?;
    let mut wrong = String::new();
    if !known.lens.contains(&len) {
        let _ = write!(wrong, "the length {len} is none of {:?}; ", known.lens);
    }
    for extent in 0..EXTENTS {
        let mut page = vec![0; PAGE];
        let there = len.saturating_sub(extent * EXTENT).min(PAGE as u64) as usize;
        if there == 0 {
            break;
        }
        file.read(extent * EXTENT, &mut page[..there]).map_err(|error| error.to_string())?;
        let allowed = known.stamps.get(&extent).cloned().unwrap_or_else(|| vec![0]);
        for bytes in page[..there].as_chunks::<8>().0 {
            let found = u64::from_le_bytes(*bytes);
            // Where nothing was flushed, or what was flushed was cut off, there may be whatever its slot had before.
            if !allowed.contains(&0) && !allowed.contains(&found) {
                let _ = write!(wrong, "{found} in extent {extent}, which is none of {allowed:?}; ");
                break;
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[test]
fn each_page_is_as_flushed_or_as_written_since() {
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let mut seeds = Rng::new(first);
    let mut states = 0;
    for load in 0..3 {
        let seed = seeds.bits();
        let image = Disk::new(anystorage_redb::RedbOptions::new()).disk;
        let mut begin = Known { stamps: BTreeMap::new(), lens: vec![0] };
        play(&image, !seed, &mut begin).unwrap();
        let image = image.cut(Outcome::Everything);
        let mut rng = Rng::new(seed);
        let survey = Sweep::new(seed).random_outcomes(2).run(
            || image.cut(Outcome::Everything),
            |disk| {
                let mut known = begin.clone();
                let played = play(disk, seed, &mut known);
                assert!(played.is_ok() || disk.is_off(), "{played:?}");
                known
            },
            |disk, known| {
                check(disk, known)?;
                // Whoever goes on with what was left may lose the power as well.
                let found = disk.cut(Outcome::Everything);
                let mut known = Known::of(&found);
                found.stop_before(usize::try_from(rng.below(40)).unwrap_or(0));
                let _ = play(&found, rng.bits(), &mut known);
                check(&found.cut(Outcome::Random(rng.bits())), &known).map_err(|wrong| format!("after a second cut: {wrong}"))
            },
        );
        states += survey.unwrap_or_else(|failure| panic!("load {load}: {failure}")).states;
    }
    println!("{states} states");
}
