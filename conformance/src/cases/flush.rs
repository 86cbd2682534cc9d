//! Line 11: after a failed flush nobody knows what reached the disk, and the engine does not pretend to.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};

use super::check::*;
use crate::case::{Broken, Need, Verdict};
use crate::subject::{FlushFaults, Place};

async fn open(place: &dyn Place) -> Result<(Box<dyn StorageBackend>, Box<dyn FlushFaults>), Broken> {
    place.open_with_faults().await?.ok_or_else(|| Broken::NotOffered(Need::FlushFaults.as_str().to_owned()))
}

/// Breaks `promise` unless the call failed, with whatever error.
fn fails<T>(promise: &str, outcome: anystorage_api::Result<T>) -> Verdict {
    match outcome {
        Err(_) => Ok(()),
        Ok(_) => Err(Broken::promise(format!("{promise}: it answered Ok"))),
    }
}

/// A sync whose flush failed says so, of a file and of everything.
pub async fn a_failed_flush_is_reported(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"bytes").await?;
    file.sync().await?;
    backend.sync().await?;
    file.write_at(0, b"BYTES").await?;
    faults.set_failing(true);
    let outcome = file.sync().await;
    ensure!(faults.failed() > 0, "a file's sync asked the host for no flush");
    fails("a file's sync whose flush failed", outcome)?;
    put_quietly(&*backend, "other").await?;
    fails("the backend's sync while flushes fail", backend.sync().await)
}

/// Creates a file where that may be refused already.
async fn put_quietly(backend: &dyn StorageBackend, at: &str) -> Verdict {
    if let Ok(file) = backend.open(&path(at)?, &OpenOptions::editing()).await {
        // Refused or not: what counts is what the sync answers.
        let _ = file.write_at(0, b"other").await;
    }
    Ok(())
}

/// After a failed flush every further write and sync of the file answers with an error, although flushes work again.
pub async fn further_writes_answer_the_error(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"old").await?;
    file.sync().await?;
    file.write_at(0, b"new").await?;
    faults.set_failing(true);
    fails("a sync whose flush failed", file.sync().await)?;
    faults.set_failing(false);
    for round in 0..3 {
        fails(&format!("sync {round} after a failed flush"), file.sync().await)?;
        fails(&format!("write_at {round} after a failed flush"), file.write_at(0, b"more").await)?;
        fails(&format!("set_len {round} after a failed flush"), file.set_len(1).await)?;
    }
    Ok(())
}

/// The failure belongs to the file, not to the handle: another handle answers with it too, even after the first one was closed.
pub async fn other_handles_answer_the_error(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let file = edit(&*backend, "file").await?;
    let other = edit(&*backend, "file").await?;
    file.write_at(0, b"bytes").await?;
    faults.set_failing(true);
    fails("a sync whose flush failed", file.sync().await)?;
    faults.set_failing(false);
    fails("write_at through another handle after a failed flush", other.write_at(0, b"more").await)?;
    fails("sync through another handle after a failed flush", other.sync().await)?;
    drop(file);
    drop(other);
    if let Ok(again) = backend.open(&path("file")?, &OpenOptions::editing()).await {
        fails("write_at through a new handle after a failed flush", again.write_at(0, b"more").await)?;
        fails("sync through a new handle after a failed flush", again.sync().await)?;
    }
    Ok(())
}

/// After a file's failed flush the backend's sync does not say that everything is durable, even with the file closed.
pub async fn the_backend_sync_does_not_say_ok(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"bytes").await?;
    faults.set_failing(true);
    fails("a sync whose flush failed", file.sync().await)?;
    faults.set_failing(false);
    fails("the backend's sync after a file's failed flush", backend.sync().await)?;
    drop(file);
    fails("the backend's sync after a file's failed flush and its close", backend.sync().await)
}

/// A failed sync of the backend is not forgotten: the next one does not say Ok about the same changes.
pub async fn a_failed_backend_sync_is_not_forgotten(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    put(&*backend, "one", b"1").await?;
    put(&*backend, "two", b"2").await?;
    faults.set_failing(true);
    fails("a backend sync whose flush failed", backend.sync().await)?;
    faults.set_failing(false);
    for _ in 0..3 {
        fails("the backend's next sync after one whose flush failed", backend.sync().await)?;
    }
    Ok(())
}

/// A directory's failed flush is not forgotten either.
pub async fn a_failed_flush_of_the_tree_is_not_forgotten(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    put(&*backend, "file", b"bytes").await?;
    backend.sync().await?;
    backend.rename(&path("file")?, &path("renamed")?).await?;
    backend.create_dir(&path("d")?).await?;
    let failed = faults.failed();
    faults.set_failing(true);
    let outcome = backend.sync().await;
    if outcome.is_ok() && faults.failed() == failed {
        // This host keeps changes of the tree without being asked to flush them. Whether they last, the persistence cases tell.
        return Ok(());
    }
    fails("the backend's sync of a rename whose flush failed", outcome)?;
    faults.set_failing(false);
    fails("the backend's next sync after the tree's flush failed", backend.sync().await)
}

/// Reads go on working after a failed flush, and see what was written.
pub async fn reads_go_on_working(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    put(&*backend, "other", b"other").await?;
    backend.sync().await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, &pattern(1, 80_000)).await?;
    faults.set_failing(true);
    fails("a sync whose flush failed", file.sync().await)?;
    for failing in [true, false] {
        faults.set_failing(failing);
        same_bytes("a read after a failed flush", &bytes_at(&*file, 0, 90_000).await?, &pattern(1, 80_000))?;
        holds("a read after a failed flush", &*backend, "file", &pattern(1, 80_000)).await?;
        holds("a read of another file after a failed flush", &*backend, "other", b"other").await?;
        same("the length after a failed flush", &file.stat().await?.len, &80_000)?;
    }
    Ok(())
}

/// Opening the location anew clears the failure. What was synced before it is there; what the failed flush covered is old or new.
pub async fn opening_anew_clears_it(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let (old, new) = (pattern(1, 50_000), pattern(2, 50_000));
    put(&*backend, "kept", &pattern(3, 70_000)).await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, &old).await?;
    backend.sync().await?;
    file.write_at(0, &new).await?;
    faults.set_failing(true);
    fails("a sync whose flush failed", file.sync().await)?;
    drop(file);
    faults.set_failing(false);
    // It may report the failure once more; the location is free all the same.
    let _ = backend.close().await;
    drop(backend);
    let backend = place.open().await?;
    holds("a file synced before another one's failed flush", &*backend, "kept", &pattern(3, 70_000)).await?;
    mixture("a file whose flush failed", &backend.read(&path("file")?).await?, &[&old, &new])?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"again").await?;
    file.sync().await?;
    backend.sync().await?;
    same_bytes("a write after the location was opened anew", &bytes_at(&*file, 0, 5).await?, b"again")
}

/// A replacing `write` whose flush fails answers with the error, and leaves the old file whole.
pub async fn a_write_whose_flush_fails_leaves_the_old_file(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    let (file, old, new) = (path("file")?, pattern(1, 50_000), pattern(2, 40_000));
    backend.write(&file, &old).await?;
    backend.sync().await?;
    faults.set_failing(true);
    let replaced = backend.write(&file, &new).await;
    let synced = backend.sync().await;
    ensure!(replaced.is_err() || synced.is_err(), "a write and a sync while every flush fails both answered Ok");
    let seen = backend.read(&file).await?;
    let allowed: &[&[u8]] = if replaced.is_ok() { &[&new] } else { &[&old] };
    whole("a file whose replacing write failed, or was not synced", &seen, allowed)?;
    faults.set_failing(false);
    let _ = backend.close().await;
    drop(backend);
    let backend = place.open().await?;
    whole("a file whose replacing write was not flushed, opened anew", &backend.read(&file).await?, &[&old, &new])
}

/// Whatever an engine lets happen after a failed flush, an Ok is true: what it covered is there when the location is opened anew.
pub async fn an_ok_after_a_failed_flush_is_true(place: &dyn Place) -> Verdict {
    let (backend, faults) = open(place).await?;
    for name in ["replaced", "removed", "other"] {
        put(&*backend, name, &pattern(1, 20_000)).await?;
    }
    backend.sync().await?;
    for name in ["replaced", "removed"] {
        let changed = async {
            let file = edit(&*backend, name).await?;
            file.write_at(0, &pattern(2, 20_000)).await?;
            Ok::<_, Broken>(file)
        };
        let file = match changed.await {
            // An engine that answers as a whole may refuse from the first failure on.
            Err(_) if name == "removed" => continue,
            changed => changed?,
        };
        faults.set_failing(true);
        fails("a sync whose flush failed", file.sync().await)?;
        faults.set_failing(false);
    }
    let (replaced, removed) = (path("replaced")?, path("removed")?);
    let new = pattern(3, 30_000);
    let is_replaced = backend.write(&replaced, &new).await.is_ok();
    let is_removed = backend.remove_file(&removed).await.is_ok();
    let other = async {
        let file = backend.open(&path("other")?, &OpenOptions::editing()).await?;
        file.write_at(0, &new).await?;
        file.sync().await?;
        Ok::<_, Broken>(())
    };
    let is_other_synced = other.await.is_ok();
    let is_synced = backend.sync().await.is_ok();
    ensure!(!is_synced || (is_replaced && is_removed), "the backend's sync answered Ok while a file's failed flush stands");
    let _ = backend.close().await;
    drop(backend);
    let backend = place.open().await?;
    if is_other_synced {
        holds("another file's sync answered Ok after a failed flush", &*backend, "other", &new).await?;
    }
    if is_synced {
        holds("a sync covered a file that was replaced after its failed flush", &*backend, "replaced", &new).await?;
        absent("a sync covered the removal of a file whose flush had failed", &*backend, "removed").await?;
    }
    Ok(())
}

/// A commit that was refused for want of space keeps its changes pending: with space freed, the sync succeeds and covers them.
pub async fn a_commit_refused_for_space_may_be_tried_again(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let ballast = edit(&*backend, "ballast").await?;
    ballast.write_at(0, &pattern(1, 1 << 20)).await?;
    ballast.sync().await?;
    let file = edit(&*backend, "file").await?;
    let mut taken = 0;
    let refusal = loop {
        ensure!(taken < 256 << 20, "a small place took {taken} bytes and did not run out of space");
        if let Err(error) = file.write_at(taken, &pattern(taken, 32 << 10)).await {
            break error;
        }
        taken += 32 << 10;
        if let Err(error) = file.sync().await {
            break error;
        }
    };
    same("the kind of error when space runs out", &refusal.kind(), &ErrorKind::NoSpace)?;
    ballast.close().await?;
    backend.remove_file(&path("ballast")?).await?;
    // Where a removal is published by a sync alone, the file's own would come too early.
    backend.sync().await?;
    file.sync().await?;
    for at in (0..taken).step_by(32 << 10) {
        let promise = format!("what was written at {at}, before a commit was refused for want of space");
        same_bytes(&promise, &bytes_at(&*file, at, 32 << 10).await?, &pattern(at, 32 << 10))?;
    }
    file.write_at(taken, b"more").await?;
    Ok(file.sync().await?)
}
