//! The log of the database that Chromium keeps the names of OPFS in, after a kill: see [`leveldb`].

use std::cell::Cell;

use anystorage_browser_host::leveldb;

use crate::host::Directory;
use crate::names::HIDDEN;

/// In bytes, more than a block of LevelDB's log.
const LEN: usize = 33_000;

thread_local! {
    /// Whether it was done here. What was written to the log since the browser was started is whole, so once is enough.
    static DONE: Cell<bool> = const { Cell::new(false) };
}

/// Before names are made that are to last: fills the block of the log that a kill may have torn, with a name that is gone again. It is longer
/// than the block, as is the record of its removal, so one that a kill left there does as well.
///
/// That takes some 70 KB of the quota for a moment, and 15 ms. Where there is no room for it, names go without: so would they without a kill.
pub(crate) async fn pass_over_what_is_torn(origin: &Directory) {
    if DONE.get() || !leveldb::is_here() {
        return;
    }
    let name = format!("{HIDDEN}{}", "~".repeat(LEN));
    if origin.file(&name, true).await.is_ok() {
        // Another tab or worker may have removed it.
        let _ = origin.remove(&name).await;
        DONE.set(true);
    }
}
