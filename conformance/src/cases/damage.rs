//! Line 9: damaged bytes are `Corrupt`, never a panic, and nothing is deleted or cut to 'repair' them.

use std::collections::BTreeMap;

use anystorage_api::{ErrorKind, StorageBackend};

use super::check::*;
use crate::case::{Broken, Need, Verdict};
use crate::subject::Place;

/// How many places in the stored bytes are damaged, each in turn on top of the ones before.
const SEEDS: u64 = 12;

/// The files that every case plants, and their bytes.
fn planted() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for number in 0..6_u64 {
        files.insert(format!("d/{number}"), pattern(number, 3000 + 20_000 * number as usize));
        files.insert(format!("d/sub/{number}"), pattern(100 + number, 500));
    }
    files.insert("large".to_owned(), pattern(200, 400_000));
    files
}

/// Plants them, synced, and closes the location.
async fn plant(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    backend.create_dir(&path("d")?).await?;
    backend.create_dir(&path("d/sub")?).await?;
    for (name, data) in planted() {
        put(&*backend, &name, &data).await?;
    }
    backend.sync().await?;
    Ok(backend.close().await?)
}

async fn damage(place: &dyn Place, seed: u64) -> Result<String, Broken> {
    place.damage(seed).await?.ok_or_else(|| Broken::NotOffered(Need::Damage.as_str().to_owned()))
}

/// Opens the location; none if it says that it is damaged.
async fn open(place: &dyn Place, damage: &str) -> Result<Option<Box<dyn StorageBackend>>, Broken> {
    match place.open().await {
        Ok(backend) => Ok(Some(backend)),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
        Err(error) => Err(Broken::promise(format!("opening after this damage: {damage}: answered neither Ok nor Corrupt: {error}"))),
    }
}

/// What reading a file gave: its bytes, or that it is damaged.
async fn read(backend: &dyn StorageBackend, at: &str, damage: &str) -> Result<Option<Vec<u8>>, Broken> {
    match backend.read(&path(at)?).await {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
        Err(error) => Err(Broken::promise(format!("reading {at:?} after this damage: {damage}: answered neither Ok nor Corrupt: {error}"))),
    }
}

/// Damage anywhere gives `Corrupt` or, without checksums, other bytes: no other error, no panic.
pub async fn damage_is_corrupt_and_never_a_panic(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..SEEDS {
        let done = damage(place, seed).await?;
        let Some(backend) = open(place, &done).await? else { continue };
        for directory in ["", "d", "d/sub"] {
            if let Err(error) = backend.list(&path(directory)?, None, 100).await {
                same(&format!("listing {directory:?} after this damage: {done}"), &error.kind(), &ErrorKind::Corrupt)?;
            }
        }
        for name in planted().keys() {
            read(&*backend, name, &done).await?;
            if let Err(error) = backend.stat(&path(name)?).await {
                same(&format!("stat of {name:?} after this damage: {done}"), &error.kind(), &ErrorKind::Corrupt)?;
            }
        }
        backend.close().await?;
    }
    Ok(())
}

/// One damaged place spoils the bytes of one file at most; every other file is right, or says that it is damaged.
pub async fn damage_stays_where_it_is(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..SEEDS {
        let done = damage(place, seed).await?;
        let Some(backend) = open(place, &done).await? else { continue };
        let mut wrong = Vec::new();
        for (name, data) in planted() {
            if read(&*backend, &name, &done).await?.is_some_and(|seen| seen != data) {
                wrong.push(name);
            }
        }
        backend.close().await?;
        let spoilt = usize::try_from(seed).unwrap_or(usize::MAX).saturating_add(1);
        ensure!(
            wrong.len() <= spoilt,
            "after {spoilt} damaged places, the last of them this one: {done}: other bytes than written were read from {} files: {wrong:?}",
            wrong.len()
        );
    }
    Ok(())
}

/// Where checksums are declared, damage is never read as data.
pub async fn checksums_catch_every_damage(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..2 * SEEDS {
        let done = damage(place, seed).await?;
        let Some(backend) = open(place, &done).await? else { continue };
        for (name, data) in planted() {
            if let Some(seen) = read(&*backend, &name, &done).await? {
                same_bytes(
                    &format!("checksums are declared, and wrong data was read from {name:?} after this damage: {done}"),
                    &seen,
                    &data,
                )?;
            }
        }
        backend.close().await?;
    }
    Ok(())
}

/// Opening and reading a damaged location deletes nothing and cuts nothing: names and lengths are as before, the second time too.
pub async fn nothing_is_deleted_or_cut_to_repair(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..SEEDS {
        let done = damage(place, seed).await?;
        let mut first: Option<BTreeMap<String, Option<Vec<u8>>>> = None;
        for opening in ["first", "second"] {
            let Some(backend) = open(place, &done).await? else { break };
            for (directory, expected) in
                [("", &["d", "large"][..]), ("d", &["0", "1", "2", "3", "4", "5", "sub"]), ("d/sub", &["0", "1", "2", "3", "4", "5"])]
            {
                match backend.list(&path(directory)?, None, 100).await {
                    Err(error) if error.kind() == ErrorKind::Corrupt => {}
                    Err(error) => return Err(error.into()),
                    Ok(entries) => {
                        let seen: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
                        let promise = format!("the names in {directory:?} at the {opening} opening after this damage: {done}");
                        same(&promise, seen.as_slice(), expected)?;
                    }
                }
            }
            let mut seen = BTreeMap::new();
            for name in planted().into_keys() {
                let data = read(&*backend, &name, &done).await?;
                seen.insert(name, data);
            }
            backend.close().await?;
            match &first {
                None => first = Some(seen),
                Some(first) => {
                    for (name, before) in first {
                        let now = seen.get(name);
                        ensure!(now == Some(before), "opening a damaged location changed {name:?}, after this damage: {done}");
                    }
                }
            }
        }
    }
    Ok(())
}

/// A damaged file can be replaced, and is right from then on.
pub async fn a_damaged_file_can_be_replaced(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..SEEDS {
        let done = damage(place, seed).await?;
        let Some(backend) = open(place, &done).await? else { continue };
        let mut replaced = Vec::new();
        for (name, data) in planted() {
            if read(&*backend, &name, &done).await?.is_none_or(|seen| seen != data) {
                match backend.write(&path(&name)?, &data).await {
                    Ok(()) => replaced.push((name, data)),
                    Err(error) => same(&format!("replacing {name:?} after this damage: {done}"), &error.kind(), &ErrorKind::Corrupt)?,
                }
            }
        }
        backend.sync().await?;
        for (name, data) in &replaced {
            holds("a file that was replaced after damage", &*backend, name, data).await?;
        }
        backend.close().await?;
        let Some(backend) = open(place, &done).await? else { continue };
        for (name, data) in &replaced {
            holds("a file that was replaced after damage, opened anew", &*backend, name, data).await?;
        }
        backend.close().await?;
    }
    Ok(())
}

/// A damaged location that opens takes new files, and keeps them.
pub async fn a_damaged_location_takes_new_files(place: &dyn Place) -> Verdict {
    plant(place).await?;
    for seed in 0..SEEDS {
        let done = damage(place, seed).await?;
        let Some(backend) = open(place, &done).await? else { continue };
        let name = format!("new-{seed}");
        match backend.write(&path(&name)?, &pattern(seed, 30_000)).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Corrupt => continue,
            Err(error) => return Err(Broken::from(error).in_context(&format!("a new file after this damage: {done}"))),
        }
        backend.sync().await?;
        backend.close().await?;
        let Some(backend) = open(place, &done).await? else { continue };
        holds("a file written after damage", &*backend, &name, &pattern(seed, 30_000)).await?;
        backend.remove_file(&path(&name)?).await?;
        backend.sync().await?;
        backend.close().await?;
    }
    Ok(())
}
