//! Line 7: a location is held by one instance, which gives it free by closing or being dropped.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend, StoragePath};
use futures_lite::future::zip;

use super::check::*;
use crate::case::{Broken, Verdict};
use crate::subject::Place;

/// A second open is refused, and the holder does not notice.
pub async fn a_second_open_is_locked_and_the_holder_goes_on(place: &dyn Place) -> Verdict {
    let holder = place.open().await?;
    put(&*holder, "mine", b"before").await?;
    for _ in 0..3 {
        fails_with("a second open of a held location", ErrorKind::Locked, place.open().await)?;
    }
    holds("the holder lost a file to a refused open", &*holder, "mine", b"before").await?;
    put(&*holder, "mine", b"after").await?;
    holder.sync().await?;
    holds("the holder cannot write after a refused open", &*holder, "mine", b"after").await?;
    holder.close().await?;
    let next = place.open().await?;
    holds("what the holder synced after a refused open is lost", &*next, "mine", b"after").await
}

/// Closing gives the location free, even while a file of it is still in somebody's hands.
pub async fn closing_gives_the_location_free(place: &dyn Place) -> Verdict {
    let first = place.open().await?;
    let file = edit(&*first, "left").await?;
    file.write_at(0, b"x").await?;
    file.sync().await?;
    first.close().await?;
    let second = place.open().await?;
    holds("what was synced before a close is not there after it", &*second, "left", b"x").await?;
    fails_with("write_at on a file of a closed instance", ErrorKind::Closed, file.write_at(0, b"late").await)?;
    drop(file);
    drop(first);
    holds("a file of a closed instance wrote into the next one's", &*second, "left", b"x").await?;
    fails_with("an open after an earlier instance's end, while another holds the location", ErrorKind::Locked, place.open().await)
}

/// Dropping the instance and all its files gives the location free.
pub async fn dropping_gives_the_location_free(place: &dyn Place) -> Verdict {
    for round in 0..5 {
        let backend = place.open().await?;
        let file = edit(&*backend, "file").await?;
        file.write_at(round, b"x").await?;
        file.sync().await?;
        if round % 2 == 0 {
            drop(file);
            drop(backend);
        } else {
            drop(backend);
            drop(file);
        }
    }
    let last = place.open().await?;
    holds("what earlier instances synced is lost", &*last, "file", b"xxxxx").await
}

/// A file that is still open holds the location although its instance was dropped.
pub async fn an_open_file_holds_the_location(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let file = edit(&*backend, "file").await?;
    drop(backend);
    fails_with("an open while a file of another instance is open", ErrorKind::Locked, place.open().await)?;
    file.write_at(0, b"still mine").await?;
    file.sync().await?;
    drop(file);
    let next = place.open().await?;
    holds("what the last open file synced is lost", &*next, "file", b"still mine").await
}

/// A file goes on working after its instance was dropped.
pub async fn a_file_outlives_the_drop_of_its_instance(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let file = edit(&*backend, "file").await?;
    file.write_at(0, b"before").await?;
    drop(backend);
    file.write_at(6, b" and after").await?;
    same_bytes("a file is not usable after its instance was dropped", &bytes_at(&*file, 0, 50).await?, b"before and after")?;
    file.set_len(6).await?;
    file.sync().await?;
    same("a file is not usable after its instance was dropped", &file.stat().await?.len, &6)
}

/// Of two opens under way together one gets the location, and the other is refused.
pub async fn one_of_two_opens_wins(place: &dyn Place) -> Verdict {
    for _ in 0..5 {
        let (first, second) = zip(place.open(), place.open()).await;
        let winner = match (first, second) {
            (Ok(winner), Err(error)) | (Err(error), Ok(winner)) => {
                same("the kind of the refusal", &error.kind(), &ErrorKind::Locked)?;
                winner
            }
            (Ok(_), Ok(_)) => return Err(Broken::promise("two opens under way together both got the location")),
            (Err(error), Err(other)) => {
                return Err(Broken::promise(format!("of two opens under way together none got the location: {error}; {other}")));
            }
        };
        put(&*winner, "file", b"x").await?;
        winner.close().await?;
    }
    Ok(())
}

/// After `close`, every call on the backend and on its open files answers `Closed`, a second `close` too.
pub async fn after_close_every_call_answers_closed(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "open").await?;
    file.write_at(0, b"data").await?;
    let (root, open, new) = (StoragePath::root(), path("open")?, path("new")?);
    backend.close().await?;
    let closed = ErrorKind::Closed;
    fails_with("open after close", closed, backend.open(&open, &OpenOptions::reading()).await)?;
    fails_with("open to create after close", closed, backend.open(&new, &OpenOptions::editing()).await)?;
    fails_with("stat after close", closed, backend.stat(&open).await)?;
    fails_with("stat of the root after close", closed, backend.stat(&root).await)?;
    fails_with("list after close", closed, backend.list(&root, None, 10).await)?;
    fails_with("create_dir after close", closed, backend.create_dir(&new).await)?;
    fails_with("remove_file after close", closed, backend.remove_file(&open).await)?;
    fails_with("remove_dir after close", closed, backend.remove_dir(&new).await)?;
    fails_with("rename after close", closed, backend.rename(&open, &new).await)?;
    fails_with("sync after close", closed, backend.sync().await)?;
    fails_with("read after close", closed, backend.read(&open).await)?;
    fails_with("write after close", closed, backend.write(&open, b"data").await)?;
    if backend.capabilities().usage {
        fails_with("usage after close", closed, backend.usage().await)?;
    }
    fails_with("a second close", closed, backend.close().await)?;
    fails_with("read_at on a file after its backend's close", closed, file.read_at(0, &mut [0; 4]).await)?;
    fails_with("write_at on a file after its backend's close", closed, file.write_at(0, b"late").await)?;
    fails_with("set_len on a file after its backend's close", closed, file.set_len(1).await)?;
    fails_with("stat of a file after its backend's close", closed, file.stat().await)?;
    fails_with("sync of a file after its backend's close", closed, file.sync().await)
}

/// `close` does not wait for files that are open, and closing those afterwards harms nobody.
pub async fn files_can_be_closed_after_their_backend(backend: &dyn StorageBackend) -> Verdict {
    let first = edit(backend, "file").await?;
    let second = edit(backend, "file").await?;
    first.write_at(0, b"data").await?;
    backend.close().await?;
    // Whether it reports that it was closed already is up to the engine; it must answer, and not panic.
    if let Err(error) = first.close().await {
        same("closing a file after its backend", &error.kind(), &ErrorKind::Closed)?;
    }
    fails_with("read_at after the closing of another handle", ErrorKind::Closed, second.read_at(0, &mut [0; 4]).await)
}
