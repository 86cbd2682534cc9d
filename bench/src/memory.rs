//! The memory engine beside `memcpy`.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use anystorage_memory::MemoryBackend;

use crate::measure::{Outcome, at_once, nothing, pair, part, part_mut};
use crate::report::Report;
use crate::scale::{BLOCK, SMALL, STEP, Scale, bytes};

/// How many times the floor the engine may take.
const GOAL: f64 = 2.0;

pub(crate) fn measure(scale: &Scale, report: &mut Report) -> Outcome {
    let storage: Box<dyn StorageBackend> = Box::new(MemoryBackend::new());
    let large = StoragePath::parse("large")?;
    let mut plain = bytes(scale.large);
    at_once(storage.write(&large, &plain))?;
    let file = at_once(storage.open(&large, &OpenOptions::editing()))?;
    let offsets = scale.offsets();
    let (mut into, mut by_hand) = (vec![0; STEP], vec![0; STEP]);
    let data = bytes(STEP);
    let mut add = |case, floor, goal, medians| report.add("memory", case, floor, goal, medians);

    let medians = pair(
        scale.rounds,
        offsets.len(),
        || {
            for offset in &offsets {
                at_once(file.read_at(*offset as u64, part_mut(&mut into, 0, BLOCK)?))?;
                black_box(&into);
            }
            Ok(())
        },
        || {
            for offset in &offsets {
                part_mut(&mut by_hand, 0, BLOCK)?.copy_from_slice(part(&plain, *offset, BLOCK)?);
                black_box(&by_hand);
            }
            Ok(())
        },
        nothing,
    )?;
    add("4 KiB random read", "memcpy", Some(GOAL), medians);

    let block = part(&data, 0, BLOCK)?;
    let medians = pair(
        scale.rounds,
        offsets.len(),
        || offsets.iter().try_for_each(|offset| at_once(file.write_at(*offset as u64, black_box(block)))),
        || {
            for offset in &offsets {
                part_mut(&mut plain, *offset, BLOCK)?.copy_from_slice(black_box(block));
                black_box(&plain);
            }
            Ok(())
        },
        nothing,
    )?;
    add("4 KiB random overwrite", "memcpy", Some(GOAL), medians);

    let medians = pair(
        scale.rounds,
        offsets.len(),
        || {
            for offset in &offsets {
                at_once(file.write_at(*offset as u64, black_box(block)))?;
                at_once(file.sync())?;
            }
            Ok(())
        },
        || {
            for offset in &offsets {
                part_mut(&mut plain, *offset, BLOCK)?.copy_from_slice(black_box(block));
                black_box(&plain);
            }
            Ok(())
        },
        nothing,
    )?;
    add("4 KiB overwrite and sync", "memcpy", Some(GOAL), medians);

    let medians = pair(
        scale.rounds,
        1,
        || {
            for offset in scale.steps() {
                at_once(file.read_at(offset as u64, &mut into))?;
                black_box(&into);
            }
            Ok(())
        },
        || {
            for offset in scale.steps() {
                by_hand.copy_from_slice(part(&plain, offset, STEP)?);
                black_box(&by_hand);
            }
            Ok(())
        },
        nothing,
    )?;
    add("stream read", "memcpy", Some(GOAL), medians);

    let medians = pair(
        scale.rounds,
        1,
        || scale.steps().try_for_each(|offset| at_once(file.write_at(offset as u64, black_box(&data)))),
        || {
            for offset in scale.steps() {
                part_mut(&mut plain, offset, STEP)?.copy_from_slice(black_box(&data));
                black_box(&plain);
            }
            Ok(())
        },
        nothing,
    )?;
    add("stream overwrite", "memcpy", Some(GOAL), medians);

    let (new, editing) = (StoragePath::parse("new")?, OpenOptions::editing().truncate(true));
    let mut grown = Vec::new();
    let medians = pair(
        scale.rounds,
        1,
        || {
            let file = at_once(storage.open(&new, &editing))?;
            scale.steps().try_for_each(|offset| at_once(file.write_at(offset as u64, black_box(&data))))
        },
        || {
            grown = Vec::with_capacity(scale.large);
            for _ in scale.steps() {
                grown.extend_from_slice(black_box(&data));
                black_box(&grown);
            }
            Ok(())
        },
        nothing,
    )?;
    drop(grown);
    at_once(storage.remove_file(&new))?;
    add("stream write, new file", "memcpy into new memory", Some(GOAL), medians);

    let (stat, small) = beside_a_map(scale, &*storage)?;
    add("stat", "BTreeMap::get", None, stat);
    add("small file replaced whole", "BTreeMap::insert of a copy", None, small);
    Ok(())
}

/// Calls by path, beside a plain map from names to bytes.
fn beside_a_map(scale: &Scale, storage: &dyn StorageBackend) -> Result<(crate::measure::Medians, crate::measure::Medians), Box<dyn Error>> {
    let directory = StoragePath::parse("directory")?;
    at_once(storage.create_dir(&directory))?;
    let paths: Vec<StoragePath> = (0..1000).map(|number| directory.join(&format!("file-{number}"))).collect::<Result<_, _>>()?;
    let data = bytes(SMALL);
    let mut map: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in &paths {
        at_once(storage.write(path, &data))?;
        map.insert(path.to_string(), data.clone());
    }
    let chosen: Vec<&StoragePath> = scale.offsets().iter().filter_map(|offset| paths.get(offset / BLOCK % paths.len())).collect();
    let stat = pair(
        scale.rounds,
        chosen.len(),
        || {
            for path in &chosen {
                black_box(at_once(storage.stat(path))?);
            }
            Ok(())
        },
        || {
            for path in &chosen {
                black_box(map.get(path.as_str()).map(Vec::len));
            }
            Ok(())
        },
        nothing,
    )?;
    let small = pair(
        scale.rounds,
        chosen.len(),
        || chosen.iter().try_for_each(|path| at_once(storage.write(path, black_box(&data)))),
        || {
            chosen.iter().for_each(|path| drop(map.insert(path.to_string(), black_box(&data).clone())));
            Ok(())
        },
        nothing,
    )?;
    Ok((stat, small))
}
