//! The log of the database that Chromium keeps the names of OPFS in, after a kill: see [`leveldb`].

use std::cell::Cell;

use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::leveldb;

use crate::host::Directory;
use crate::names::FILLING;

/// In bytes, more than a block of LevelDB's log.
const MORE_THAN_A_BLOCK: usize = 33_000;

/// In bytes, a name that there is room for in an origin that is full but for little, and how many of those are more than a block: each is in two
/// records, with its length again in one of them.
const SHORT: usize = 100;
const MANY: usize = MORE_THAN_A_BLOCK / (3 * SHORT);

thread_local! {
    /// Whether it was done here. What was written to the log since the browser was started is whole, so once is enough.
    static DONE: Cell<bool> = const { Cell::new(false) };
}

/// Before names are made that are to last: fills the block of the log that a kill may have torn, with names that are gone again.
///
/// One name does that, longer than the block. It takes some 70 KB of the quota for a moment, and 15 ms; where there is no room for it, short ones
/// do, and where there is none for those either, the next that opens a location here tries again.
pub(crate) async fn pass_over_what_is_torn(origin: &Directory) {
    if DONE.get() || !leveldb::is_here() {
        return;
    }
    if let Err(exception) = fill(origin).await {
        log::debug!("the block of the log that a kill may have torn could not be filled: {exception}");
        return;
    }
    DONE.set(true);
}

async fn fill(origin: &Directory) -> Result<(), Exception> {
    // The record of its removal is longer than the block, too: one that a kill left there does as well.
    if passing(origin, MORE_THAN_A_BLOCK).await.is_ok() {
        return Ok(());
    }
    for _ in 0..MANY {
        passing(origin, SHORT).await?;
    }
    Ok(())
}

/// A name of this length, which is there for a moment.
async fn passing(origin: &Directory, len: usize) -> Result<(), Exception> {
    let name = format!("{FILLING}{}", "~".repeat(len));
    origin.file(&name, true).await?;
    match origin.remove(&name).await {
        // Another tab or worker does the same.
        Err(exception) if exception.name() == "NotFoundError" => Ok(()),
        removed => removed,
    }
}
