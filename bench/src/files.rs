//! The files engine beside the system calls that it makes: equal bytes, equal durability.

use std::fs::{self, File, OpenOptions as HostOptions};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use anystorage_native::files::FilesBackend;

use crate::measure::{Outcome, at_once, nothing, pair, part, part_mut};
use crate::report::Report;
use crate::scale::{BLOCK, SMALL, STEP, Scale, bytes};

/// How many times the floor the engine may take.
const GOAL: f64 = 1.3;

pub(crate) fn measure(scale: &Scale, place: &Path, report: &mut Report) -> Outcome {
    let (ours, floor) = (place.join("engine"), place.join("floor"));
    fs::create_dir(&floor)?;
    let storage: Box<dyn StorageBackend> = Box::new(FilesBackend::open(&ours)?);
    on_a_large_file(scale, &*storage, &ours, report)?;
    streams(scale, &*storage, &floor, report)?;
    small_files(scale, &*storage, &floor, report)?;
    stats(scale, &*storage, &ours, report)?;
    at_once(storage.close())?;
    Ok(())
}

fn on_a_large_file(scale: &Scale, storage: &dyn StorageBackend, ours: &Path, report: &mut Report) -> Outcome {
    let data = bytes(scale.large);
    let large = StoragePath::parse("large")?;
    at_once(storage.write(&large, &data))?;
    let file = at_once(storage.open(&large, &OpenOptions::editing()))?;
    // The same file for both: two files lie differently in the page cache and on the disk, and that alone makes more than the goal.
    let host = HostOptions::new().read(true).write(true).open(ours.join("large"))?;
    // The engine flushes what it wrote itself; what was written by hand is flushed by hand.
    let settle = || -> Outcome {
        at_once(file.sync())?;
        Ok(host.sync_all()?)
    };
    settle()?;
    let offsets = scale.offsets();
    let (mut into, mut by_hand) = (vec![0; STEP], vec![0; STEP]);
    let block = part(&data, 0, BLOCK)?;
    let mut add = |case, floor, goal, medians| report.add("files", case, floor, goal, medians);

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
                host.read_exact_at(part_mut(&mut by_hand, 0, BLOCK)?, *offset as u64)?;
                black_box(&by_hand);
            }
            Ok(())
        },
        nothing,
    )?;
    add("4 KiB random read", "pread", Some(GOAL), medians);

    let medians = pair(
        scale.rounds,
        offsets.len(),
        || offsets.iter().try_for_each(|offset| at_once(file.write_at(*offset as u64, block))),
        || offsets.iter().try_for_each(|offset| Ok(host.write_all_at(block, *offset as u64)?)),
        settle,
    )?;
    add("4 KiB random overwrite", "pwrite", Some(GOAL), medians);

    let few: Vec<u64> = offsets.iter().take(scale.synced).map(|offset| *offset as u64).collect();
    let overwrite_and_sync = || -> Outcome {
        for offset in &few {
            at_once(file.write_at(*offset, block))?;
            at_once(file.sync())?;
        }
        Ok(())
    };
    let by_hand_with = |sync: fn(&File) -> std::io::Result<()>| -> Outcome {
        for offset in &few {
            host.write_all_at(block, *offset)?;
            sync(&host)?;
        }
        Ok(())
    };
    let medians = pair(scale.synced_rounds, few.len(), overwrite_and_sync, || by_hand_with(File::sync_all), nothing)?;
    add("4 KiB overwrite and sync", "pwrite, fsync", Some(GOAL), medians);
    let medians = pair(scale.synced_rounds, few.len(), overwrite_and_sync, || by_hand_with(File::sync_data), nothing)?;
    add("4 KiB overwrite and sync", "pwrite, fdatasync (times not durable)", None, medians);

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
                host.read_exact_at(&mut by_hand, offset as u64)?;
                black_box(&by_hand);
            }
            Ok(())
        },
        nothing,
    )?;
    add("stream read", "pread", Some(GOAL), medians);
    Ok(())
}

fn streams(scale: &Scale, storage: &dyn StorageBackend, floor: &Path, report: &mut Report) -> Outcome {
    let data = bytes(STEP);
    let (new, options) = (StoragePath::parse("new")?, OpenOptions::editing().create_new(true));
    let by_hand = floor.join("new");
    let medians = pair(
        scale.rounds,
        1,
        || {
            let file = at_once(storage.open(&new, &options))?;
            scale.steps().try_for_each(|offset| at_once(file.write_at(offset as u64, &data)))?;
            at_once(file.sync())?;
            at_once(file.close())
        },
        || {
            let file = HostOptions::new().read(true).write(true).create_new(true).open(&by_hand)?;
            scale.steps().try_for_each(|offset| file.write_all_at(&data, offset as u64))?;
            file.sync_all()?;
            Ok(File::open(floor)?.sync_all()?)
        },
        || {
            if fs::exists(&by_hand)? {
                fs::remove_file(&by_hand)?;
                File::open(floor)?.sync_all()?;
            } else {
                at_once(storage.remove_file(&new))?;
                at_once(storage.sync())?;
            }
            Ok(())
        },
    )?;
    report.add("files", "stream write, new file, one sync", "pwrite, fsync, fsync of the directory", Some(GOAL), medians);
    Ok(())
}

fn small_files(scale: &Scale, storage: &dyn StorageBackend, floor: &Path, report: &mut Report) -> Outcome {
    let data = bytes(SMALL);
    let directory = StoragePath::parse("small")?;
    at_once(storage.create_dir(&directory))?;
    at_once(storage.sync())?;
    let floor = floor.join("small");
    fs::create_dir(&floor)?;
    let names: Vec<String> = (0..scale.synced).map(|number| format!("file-{number}")).collect();
    let paths: Vec<StoragePath> = names.iter().map(|name| directory.join(name)).collect::<Result<_, _>>()?;
    let hosts: Vec<_> = names.iter().map(|name| floor.join(name)).collect();
    let temporary = floor.join("temporary");
    let creating = OpenOptions::new().write(true).create_new(true);
    let mut add = |case, floor, goal, medians| report.add("files", case, floor, goal, medians);

    let medians = pair(
        scale.synced_rounds,
        paths.len(),
        || {
            for path in &paths {
                let file = at_once(storage.open(path, &creating))?;
                at_once(file.write_at(0, &data))?;
                at_once(file.sync())?;
                at_once(file.close())?;
            }
            Ok(())
        },
        || {
            for path in &hosts {
                let file = HostOptions::new().write(true).create_new(true).open(path)?;
                file.write_all_at(&data, 0)?;
                file.sync_all()?;
                drop(file);
                File::open(&floor)?.sync_all()?;
            }
            Ok(())
        },
        || {
            for (path, host) in paths.iter().zip(&hosts) {
                if fs::exists(host)? {
                    fs::remove_file(host)?;
                } else {
                    at_once(storage.remove_file(path))?;
                }
            }
            at_once(storage.sync())?;
            Ok(File::open(&floor)?.sync_all()?)
        },
    )?;
    add("small file created, synced", "open, pwrite, fsync, fsync of the directory", Some(GOAL), medians);

    let medians = pair(
        scale.synced_rounds,
        paths.len(),
        || {
            for path in &paths {
                at_once(storage.write(path, &data))?;
                at_once(storage.sync())?;
            }
            Ok(())
        },
        || {
            for path in &hosts {
                let file = HostOptions::new().write(true).create_new(true).open(&temporary)?;
                file.write_all_at(&data, 0)?;
                file.sync_all()?;
                drop(file);
                fs::rename(&temporary, path)?;
                File::open(&floor)?.sync_all()?;
            }
            Ok(())
        },
        nothing,
    )?;
    add("small file replaced whole, synced", "open, pwrite, fsync, rename, fsync of the directory", Some(GOAL), medians);

    Ok(())
}

/// `stat` of files in the root, and of files below a directory, where no link may lead out of the root.
fn stats(scale: &Scale, storage: &dyn StorageBackend, ours: &Path, report: &mut Report) -> Outcome {
    let below = StoragePath::parse("below")?;
    at_once(storage.create_dir(&below))?;
    let mut near = Vec::new();
    let mut deep = Vec::new();
    for number in 0..100 {
        near.push(StoragePath::parse(&format!("stat-{number}"))?);
        deep.push(below.join(&format!("stat-{number}"))?);
    }
    for path in near.iter().chain(&deep) {
        let options = OpenOptions::new().write(true).create_new(true);
        at_once(at_once(storage.open(path, &options))?.close())?;
    }
    let repeats = (scale.random / near.len()).max(1);
    let operations = repeats * near.len();
    let through_the_plug = |paths: &[StoragePath]| -> Outcome {
        for path in std::iter::repeat_n(paths, repeats).flatten() {
            black_box(at_once(storage.stat(path))?);
        }
        Ok(())
    };
    let by_hand = |paths: &[PathBuf]| -> Outcome {
        for path in std::iter::repeat_n(paths, repeats).flatten() {
            black_box(fs::metadata(path)?);
        }
        Ok(())
    };
    let mut add = |case, floor, goal, medians| report.add("files", case, floor, goal, medians);

    let hosts: Vec<PathBuf> = near.iter().map(|path| ours.join(path.as_str())).collect();
    let medians = pair(scale.rounds, operations, || through_the_plug(&near), || by_hand(&hosts), nothing)?;
    add("stat in the root", "stat of the whole path", Some(GOAL), medians);

    let hosts: Vec<PathBuf> = deep.iter().map(|path| ours.join(path.as_str())).collect();
    let medians = pair(scale.rounds, operations, || through_the_plug(&deep), || by_hand(&hosts), nothing)?;
    add("stat in a directory", "stat of the whole path (not confined)", None, medians);

    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, openat2};

        let root = File::open(ours)?;
        let confined = || -> Outcome {
            for path in std::iter::repeat_n(&deep, repeats).flatten() {
                let found = openat2(&root, path.as_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::BENEATH)?;
                black_box(fstat(&found)?);
            }
            Ok(())
        };
        let medians = pair(scale.rounds, operations, || through_the_plug(&deep), confined, nothing)?;
        add("stat in a directory", "openat2 beneath the root, fstat, close", Some(GOAL), medians);
    }
    Ok(())
}
