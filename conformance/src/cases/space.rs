//! Line 8: running out of space is `NoSpace`, takes nothing of what is there, and passes when space is freed. All over a small place.

use anystorage_api::{Error, ErrorKind, StorageBackend, StorageFile};

use super::check::*;
use crate::case::{Broken, Verdict};
use crate::subject::Place;

/// Far more than any small place holds. An engine that takes this much does not run out.
const ENDLESS: u64 = 256 << 20;

const PIECE: usize = 64 << 10;

/// Appends pieces to the file, with a sync each, until one is refused: how many bytes were taken, and the refusal.
async fn fill(file: &dyn StorageFile) -> Result<(u64, Error), Broken> {
    let mut taken = file.stat().await?.len;
    while taken < ENDLESS {
        let refused = match file.write_at(taken, &pattern(taken, PIECE)).await {
            Ok(()) => file.sync().await.err(),
            Err(error) => Some(error),
        };
        if let Some(error) = refused {
            return Ok((taken, error));
        }
        taken += PIECE as u64;
    }
    Err(Broken::promise(format!("a small place took {ENDLESS} bytes and did not run out of space")))
}

/// Fills the location through a file `ballast`.
async fn fill_up(backend: &dyn StorageBackend) -> Result<Box<dyn StorageFile>, Broken> {
    let file = edit(backend, "ballast").await?;
    let (_, error) = fill(&*file).await?;
    same("the kind of error when space runs out", &error.kind(), &ErrorKind::NoSpace)?;
    Ok(file)
}

/// Empties `ballast` and removes it.
async fn free_up(backend: &dyn StorageBackend, ballast: Box<dyn StorageFile>) -> Verdict {
    ballast.close().await?;
    backend.remove_file(&path("ballast")?).await?;
    Ok(backend.sync().await?)
}

/// Running out is `NoSpace`, again and again, and the pieces that were taken are there.
pub async fn running_out_is_no_space(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let file = edit(&*backend, "file").await?;
    let (taken, error) = fill(&*file).await?;
    same("the kind of error when space runs out", &error.kind(), &ErrorKind::NoSpace)?;
    ensure!(taken > 0, "a small place took nothing at all");
    for _ in 0..3 {
        // A place may have room for some bytes of a piece, and a refused piece may leave a prefix; a large one cannot fit.
        let outcome = async {
            file.write_at(taken, &pattern(taken, 12 << 20)).await?;
            file.sync().await
        };
        fails_with("a large write where no space is left", ErrorKind::NoSpace, outcome.await)?;
    }
    for at in (0..taken).step_by(PIECE) {
        let promise = format!("what was written at {at} before space ran out reads back otherwise");
        same_bytes(&promise, &bytes_at(&*file, at, PIECE).await?, &pattern(at, PIECE))?;
    }
    Ok(())
}

/// What was synced before space ran out stays readable, through old handles and new ones.
pub async fn what_was_synced_stays_readable(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let data = pattern(1, 300_000);
    backend.create_dir(&path("d")?).await?;
    put(&*backend, "d/kept", &data).await?;
    backend.sync().await?;
    let kept = edit(&*backend, "d/kept").await?;
    let ballast = fill_up(&*backend).await?;
    same_bytes("a synced file is not readable when space has run out", &bytes_at(&*kept, 0, 400_000).await?, &data)?;
    holds("a synced file is not readable when space has run out", &*backend, "d/kept", &data).await?;
    lists("a directory is not readable when space has run out", &*backend, "d", &["kept"]).await?;
    ballast.close().await?;
    holds("a synced file is not readable after space ran out", &*backend, "d/kept", &data).await
}

/// Removing a file when space has run out works, and makes room.
pub async fn removing_makes_room(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    for round in 0..3 {
        let ballast = fill_up(&*backend).await?;
        free_up(&*backend, ballast).await?;
        let data = pattern(round, 500_000);
        put(&*backend, "new", &data).await?;
        backend.sync().await?;
        holds("writing does not work after space was freed", &*backend, "new", &data).await?;
    }
    Ok(())
}

/// Cutting a file when space has run out works, and makes room.
pub async fn cutting_makes_room(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let ballast = fill_up(&*backend).await?;
    ballast.set_len(PIECE as u64).await?;
    ballast.sync().await?;
    let data = pattern(2, 500_000);
    put(&*backend, "new", &data).await?;
    backend.sync().await?;
    holds("writing does not work after a cut freed space", &*backend, "new", &data).await?;
    holds("a cut that freed space took more than it was to", &*backend, "ballast", &pattern(0, PIECE)).await
}

/// The space of a removed file that is open is given back when it is closed, at the latest.
pub async fn closing_a_removed_file_makes_room(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    for _ in 0..3 {
        let ballast = fill_up(&*backend).await?;
        backend.remove_file(&path("ballast")?).await?;
        same_bytes("a removed file is not readable when space has run out", &bytes_at(&*ballast, 0, PIECE).await?, &pattern(0, PIECE))?;
        ballast.close().await?;
        backend.sync().await?;
    }
    let data = pattern(3, 500_000);
    put(&*backend, "new", &data).await?;
    backend.sync().await?;
    holds("writing does not work after a removed file was closed", &*backend, "new", &data).await
}

/// A replacing `write` that runs out of space leaves the old file, whole, and keeps no space for itself.
pub async fn a_write_that_runs_out_leaves_the_old_file(place: &dyn Place) -> Verdict {
    let mut backend = place.open().await?;
    let (file, old) = (path("file")?, pattern(1, 600_000));
    backend.write(&file, &old).await?;
    backend.sync().await?;
    for _ in 0..3 {
        match backend.write(&file, &pattern(7, 12 << 20)).await {
            // Taken in memory, it stays pending when its commit is refused. Without that commit it is gone, and where nothing outlives the
            // instance, so is the old one.
            Ok(()) if !backend.capabilities().is_durable() => {
                fails_with("a sync of more than fits", ErrorKind::NoSpace, backend.sync().await)?;
                return holds("a write that ran out of space is not pending", &*backend, "file", &pattern(7, 12 << 20)).await;
            }
            Ok(()) => {
                fails_with("a sync of more than fits", ErrorKind::NoSpace, backend.sync().await)?;
                backend.close().await?;
                drop(backend);
                backend = place.open().await?;
            }
            refused => fails_with("a write of more than fits", ErrorKind::NoSpace, refused)?,
        }
        holds("a write that ran out of space changed the old file", &*backend, "file", &old).await?;
        lists("a write that ran out of space left another name", &*backend, "", &["file"]).await?;
    }
    let new = pattern(2, 700_000);
    backend.write(&file, &new).await?;
    backend.sync().await?;
    holds("a write that ran out of space kept space for itself", &*backend, "file", &new).await
}

/// A `write_at` that runs out of space leaves a prefix of its bytes at most, and everything around them.
pub async fn a_write_at_that_runs_out_leaves_a_prefix(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let (old, new) = (pattern(1, 200_000), pattern(2, 12 << 20));
    let file = edit(&*backend, "file").await?;
    file.write_at(0, &old).await?;
    file.sync().await?;
    let outcome = async {
        file.write_at(100_000, &new).await?;
        file.sync().await
    };
    fails_with("a write_at of more than fits", ErrorKind::NoSpace, outcome.await)?;
    let seen = bytes_at(&*file, 0, 13 << 20).await?;
    ensure!(seen.len() >= 200_000, "a write_at that ran out of space cut the file to {} bytes", seen.len());
    same_bytes("a write_at that ran out of space changed bytes before it", part(&seen, 0..100_000), part(&old, 0..100_000))?;
    let (rest, old) = (seen.get(100_000..).unwrap_or_default(), part(&old, 100_000..200_000));
    let written = rest.iter().zip(&new).position(|(seen, new)| seen != new).unwrap_or(rest.len().min(new.len()));
    // Behind the prefix: what was there before, or zeros where the file had grown ahead of its bytes.
    let behind = rest.get(written..).unwrap_or_default();
    let before = overlaid(&vec![0; rest.len()], 0, old);
    same_bytes("behind the prefix of a write_at that ran out of space", behind, before.get(written..).unwrap_or_default())
}

/// Many small files run out of space as one large one does, and all that were written are whole.
pub async fn many_small_files_run_out(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let mut count = 0;
    let refusal = loop {
        ensure!(count < 60_000, "a small place took {count} files of 8192 bytes and did not run out of space");
        let at = path(&format!("{count:05}"))?;
        let outcome = async {
            backend.write(&at, &pattern(count, 8192)).await?;
            if count % 50 == 0 { backend.sync().await } else { Ok(()) }
        };
        match outcome.await {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    ensure!(refusal.kind() == ErrorKind::NoSpace, "when space runs out, the error is no NoSpace: {refusal}");
    // The last batch may be pending still in engines that commit in a sync; it is readable all the same.
    for number in 0..count {
        holds("a small file is not whole after space ran out", &*backend, &format!("{number:05}"), &pattern(number, 8192)).await?;
    }
    for number in (0..count).step_by(2) {
        backend.remove_file(&path(&format!("{number:05}"))?).await?;
    }
    backend.sync().await?;
    put(&*backend, "new", &pattern(9, 200_000)).await?;
    backend.sync().await?;
    holds("writing does not work after small files were removed", &*backend, "new", &pattern(9, 200_000)).await?;
    for number in (1..count).step_by(2) {
        holds("a small file changed while others made room", &*backend, &format!("{number:05}"), &pattern(number, 8192)).await?;
    }
    Ok(())
}

/// Lengthening a file far beyond the space makes a hole, or is `NoSpace`: at once with nothing changed, or in the sync, and then it stays
/// pending and can be taken back. Writing into the hole runs out.
pub async fn a_hole_takes_no_space_or_is_refused(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"start").await?;
    file.sync().await?;
    if let Err(error) = file.set_len(1 << 30).await {
        same("the kind of error when a length is refused", &error.kind(), &ErrorKind::NoSpace)?;
        return holds("a refused length changed the file", &*backend, "file", b"start").await;
    }
    match file.sync().await {
        Ok(()) => {
            same("the length of a file with a hole", &file.stat().await?.len, &(1 << 30))?;
            same_bytes("a hole in a small place", &bytes_at(&*file, 0, 9).await?, b"start\0\0\0\0")?;
            let filled = async {
                for at in (4096..ENDLESS).step_by(1 << 20) {
                    file.write_at(at, &pattern(at, 1 << 20)).await?;
                    file.sync().await?;
                }
                Ok(())
            };
            fails_with("filling a hole beyond the space", ErrorKind::NoSpace, filled.await)?;
            same_bytes("the start of a file whose hole ran out of space", &bytes_at(&*file, 0, 9).await?, b"start\0\0\0\0")
        }
        Err(error) => {
            same("the kind of error when a sync refuses a length", &error.kind(), &ErrorKind::NoSpace)?;
            file.set_len(5).await?;
            file.sync().await?;
            holds("a length that was refused and taken back changed the file", &*backend, "file", b"start").await
        }
    }
}

/// A location that ran out of space opens again, with everything that was synced, and works when space is freed.
pub async fn a_full_location_opens_again(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    put(&*backend, "kept", &pattern(1, 200_000)).await?;
    backend.sync().await?;
    drop(fill_up(&*backend).await?);
    backend.close().await?;
    drop(backend);
    let backend = place.open().await?;
    holds("a file synced before space ran out is lost", &*backend, "kept", &pattern(1, 200_000)).await?;
    let ballast = edit(&*backend, "ballast").await?;
    same_bytes("a file that filled the place is lost", &bytes_at(&*ballast, 0, PIECE).await?, &pattern(0, PIECE))?;
    free_up(&*backend, ballast).await?;
    put(&*backend, "new", &pattern(2, 500_000)).await?;
    backend.sync().await?;
    holds("writing does not work in a location that was full", &*backend, "new", &pattern(2, 500_000)).await
}

/// `usage` tells less free space when the location is full than when it is empty.
pub async fn usage_tells_that_space_runs_out(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let before = backend.usage().await?;
    let ballast = fill_up(&*backend).await?;
    let full = backend.usage().await?;
    if let (Some(before), Some(full)) = (before.free, full.free) {
        ensure!(full < before && full < PIECE as u64 * 4, "usage tells {full} free bytes in a full place, and {before} before");
    }
    if let (Some(before), Some(full)) = (before.used, full.used) {
        ensure!(full > before, "usage tells {full} used bytes in a full place, and {before} in an empty one");
    }
    free_up(&*backend, ballast).await?;
    let after = backend.usage().await?;
    if let (Some(after), Some(full)) = (after.free, full.free) {
        ensure!(after > full, "usage tells {after} free bytes after space was freed, and {full} before");
    }
    Ok(())
}
