//! Line 7: a location is held by one instance, which gives it free by closing or being dropped.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend, StoragePath};

use super::check::*;
use crate::case::Verdict;
use crate::subject::Place;

/// A second open is refused, and the holder does not notice.
pub async fn a_second_open_is_locked_and_the_holder_goes_on(place: &dyn Place) -> Verdict {
    let holder = place.open().await?;
    put(&*holder, "mine", b"before").await?;
    for _ in 0..3 {
        fails_with("a second open of a held location is not refused", ErrorKind::Locked, place.open().await)?;
    }
    holds("the holder lost a file to a refused open", &*holder, "mine", b"before").await?;
    put(&*holder, "mine", b"after").await?;
    holder.sync().await?;
    holds("the holder cannot write after a refused open", &*holder, "mine", b"after").await
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
    fails_with("a file of a closed instance still answers", ErrorKind::Closed, file.write_at(0, b"late").await)?;
    holds("a file of a closed instance wrote into the next one's", &*second, "left", b"x").await
}

/// After `close`, every call on the backend and on its open files answers `Closed`, a second `close` too.
pub async fn after_close_every_call_answers_closed(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "open").await?;
    file.write_at(0, b"data").await?;
    let (root, open, new) = (StoragePath::root(), path("open")?, path("new")?);
    backend.close().await?;
    let closed = ErrorKind::Closed;
    fails_with("open after close", closed, backend.open(&open, &OpenOptions::reading()).await)?;
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
    fails_with("a second close", closed, backend.close().await)?;
    fails_with("read_at on a file after its backend's close", closed, file.read_at(0, &mut [0; 4]).await)?;
    fails_with("write_at on a file after its backend's close", closed, file.write_at(0, b"late").await)?;
    fails_with("set_len on a file after its backend's close", closed, file.set_len(1).await)?;
    fails_with("stat of a file after its backend's close", closed, file.stat().await)?;
    fails_with("sync of a file after its backend's close", closed, file.sync().await)
}
