//! A file by way of snapshots and writable streams.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::faults::FlushFaults;
use crate::hidden::Hidden;
use crate::host::{Plain, Snapshot, Writable};
use crate::overlay::Overlay;

/// In bytes, how much all files of a location may keep in memory. Beyond it they are brought to the host without a sync.
const MOST_PENDING: usize = 16 << 20;

/// What all files of a location keep in memory together, in bytes; clones are the same number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending(Rc<Cell<usize>>);

impl Pending {
    /// Whether there is room for so many bytes more: one write has it, however large it is.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.0.get() == 0 || self.0.get().saturating_add(more) <= MOST_PENDING
    }

    fn replace(&self, old: usize, new: usize) {
        self.0.set(self.0.get().saturating_sub(old).saturating_add(new));
    }
}

/// An open file: its last snapshot, and what has changed since then. Calls that wait come one after another.
#[derive(Debug)]
pub(crate) struct Stream {
    state: RefCell<State>,
    pending: Pending,
    hidden: Rc<Hidden>,
    faults: FlushFaults,
}

#[derive(Debug)]
struct State {
    plain: Plain,
    /// None if the browser might refuse to read it.
    snapshot: Option<Snapshot>,
    /// The length of the file at the host.
    len: u64,
    overlay: Overlay,
}

impl Stream {
    pub(crate) async fn open(plain: Plain, pending: &Pending, hidden: &Rc<Hidden>, faults: &FlushFaults) -> Result<Self> {
        let snapshot = plain.snapshot().await?;
        let len = snapshot.len();
        let state = State { plain, snapshot: Some(snapshot), len, overlay: Overlay::new(len) };
        Ok(Self { state: RefCell::new(state), pending: pending.clone(), hidden: Rc::clone(hidden), faults: faults.clone() })
    }

    pub(crate) fn len(&self) -> u64 {
        self.state.borrow().overlay.len()
    }

    /// Whether so many bytes more may be kept in memory.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.pending.has_room(more)
    }

    /// Whether a place is so far behind the end that the host may not have room for the hole.
    pub(crate) fn leaves_hole(&self, offset: u64) -> bool {
        offset.saturating_sub(self.len()) > MOST_PENDING as u64
    }

    pub(crate) fn plain(&self) -> Plain {
        self.state.borrow().plain.clone()
    }

    /// The file is there now, with the same bytes.
    pub(crate) fn moved(&self, plain: Plain) {
        let mut state = self.state.borrow_mut();
        state.plain = plain;
        state.snapshot = None;
    }

    /// The snapshot is not to be used any more.
    pub(crate) fn forget_snapshot(&self) {
        self.state.borrow_mut().snapshot = None;
    }

    /// Reads what needs nothing of the snapshot; none if anything is needed.
    pub(crate) fn read_now(&self, offset: u64, buf: &mut [u8]) -> Option<usize> {
        let state = self.state.borrow();
        let (count, stored) = state.extent(offset, buf.len());
        let buf = buf.get_mut(..count)?;
        if stored > 0 && !state.overlay.covers(offset, offset.saturating_add(stored as u64)) {
            return None;
        }
        buf.fill(0);
        state.overlay.read(offset, buf);
        Some(count)
    }

    /// Reads from `offset` on until `buf` is full or the file ends.
    pub(crate) async fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if let Some(count) = self.read_now(offset, buf) {
            return Ok(count);
        }
        let (count, stored) = self.state.borrow().extent(offset, buf.len());
        let (from_snapshot, zeros) = buf.get_mut(..count).unwrap_or_default().split_at_mut(stored);
        if self.snapshot(Operation::Read).await?.read(offset, from_snapshot).await.is_err() {
            // Browsers take a file for changed at times, when only its place or its times are other ones.
            self.forget_snapshot();
            self.snapshot(Operation::Read).await?.read(offset, from_snapshot).await?;
        }
        zeros.fill(0);
        self.state.borrow().overlay.read(offset, buf.get_mut(..count).unwrap_or_default());
        Ok(count)
    }

    /// Writes in memory.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.change(|overlay| overlay.write(offset, data))
    }

    /// Cuts the file, or lengthens it, in memory.
    pub(crate) fn set_len(&self, len: u64) {
        self.change(|overlay| overlay.set_len(len));
    }

    fn change<T>(&self, act: impl FnOnce(&mut Overlay) -> T) -> T {
        let overlay = &mut self.state.borrow_mut().overlay;
        let before = overlay.size();
        let done = act(overlay);
        self.pending.replace(before, overlay.size());
        done
    }

    /// Brings all changes to the host, in one step: a file that is whole takes the place of the old one.
    ///
    /// A stream into the file itself would be shorter. But Chromium leaves what was written to one that is never closed under a name beside
    /// that of the file, and Firefox keeps the space of one that ran out of it: in the hidden directory both are got rid of.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.faults.check()?;
        if self.state.borrow().is_clean() {
            return Ok(());
        }
        let (target, number) = self.hidden.create(Operation::Sync).await?;
        let moved = async {
            let snapshot = self.put_into(&target).await?;
            let old = self.plain();
            self.hidden.move_over(&target, old.directory(), old.name(), Operation::Sync).await?;
            let moved = old.directory().file(old.name(), false).await;
            Ok((moved.map_err(|exception| exception.into_error(Operation::Sync))?, snapshot.len()))
        };
        match moved.await {
            Ok((plain, len)) => {
                self.now_in(plain, None, len);
                Ok(())
            }
            Err(error) => {
                self.hidden.discard(number).await;
                Err(error)
            }
        }
    }

    /// Brings the file as it is now into an empty one, and goes on there.
    pub(crate) async fn move_bytes_to(&self, target: &Plain) -> Result<()> {
        let snapshot = self.put_into(target).await?;
        let len = snapshot.len();
        self.now_in(target.clone(), Some(snapshot), len);
        Ok(())
    }

    /// Fills an empty file with what is in this one.
    async fn put_into(&self, target: &Plain) -> Result<Snapshot> {
        let overlay = self.state.borrow().overlay.clone();
        // What was written anew as a whole need not be copied.
        let kept = if overlay.covers(0, overlay.kept()) { 0 } else { overlay.kept() };
        let snapshot = if kept > 0 { Some(self.snapshot(Operation::Sync).await?) } else { None };
        put(target, overlay.len(), async |writable| {
            if let Some(snapshot) = snapshot {
                writable.write_from(&snapshot, kept).await?;
            }
            for (start, bytes) in overlay.ranges() {
                writable.write(start, bytes).await?;
            }
            Ok(())
        })
        .await
    }

    /// All changes are in this file.
    fn now_in(&self, plain: Plain, snapshot: Option<Snapshot>, len: u64) {
        self.change(|overlay| *overlay = Overlay::new(len));
        let mut state = self.state.borrow_mut();
        state.plain = plain;
        state.snapshot = snapshot;
        state.len = len;
    }

    async fn snapshot(&self, operation: Operation) -> Result<Snapshot> {
        let (known, plain, len) = {
            let state = self.state.borrow();
            (state.snapshot.clone(), state.plain.clone(), state.len)
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let snapshot = plain.snapshot().await?;
        same_len(&snapshot, len, operation)?;
        self.state.borrow_mut().snapshot = Some(snapshot.clone());
        Ok(snapshot)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.change(|overlay| *overlay = Overlay::new(0));
    }
}

impl State {
    /// Whether the host has it all.
    fn is_clean(&self) -> bool {
        self.overlay.is_clean(self.len)
    }

    /// How many bytes a read gets, and how many of them, at the begin, lie where the snapshot counts.
    fn extent(&self, offset: u64, wanted: usize) -> (usize, usize) {
        let within = |end: u64| usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = wanted.min(within(self.overlay.len()));
        (count, count.min(within(self.overlay.kept())))
    }
}

/// Fills a file by a stream.
pub(crate) async fn fill(plain: &Plain, data: &[u8]) -> Result<()> {
    put(plain, data.len() as u64, async |writable| writable.write(0, data).await).await.map(drop)
}

/// Tries a stream into an empty file, and looks for it while it is open.
pub(crate) async fn try_stream(plain: &Plain, sample: &[u8], hidden: &Hidden) -> Result<()> {
    let put = put(plain, sample.len() as u64, async |writable| {
        writable.write(0, sample).await?;
        hidden.look_for_streams().await
    });
    put.await.map(drop)
}

/// Opens a stream, has it written, and closes it. The file has to have so many bytes then.
async fn put(plain: &Plain, len: u64, write: impl AsyncFnOnce(&mut Writable) -> Result<()>) -> Result<Snapshot> {
    let mut writable = plain.writable().await?;
    let written = async {
        // First of all, since where there is no space Chromium says so of this, but of writing whatever broke by that first.
        writable.set_len(len).await?;
        write(&mut writable).await
    };
    match written.await {
        Ok(()) => writable.close().await?,
        Err(error) => {
            writable.abort().await;
            return Err(error);
        }
    }
    let snapshot = plain.snapshot().await?;
    same_len(&snapshot, len, Operation::Sync)?;
    Ok(snapshot)
}

/// A file of another length was changed by somebody else, or not as it was told.
fn same_len(snapshot: &Snapshot, len: u64, operation: Operation) -> Result<()> {
    if snapshot.len() == len {
        return Ok(());
    }
    let text = format!("the file has {} bytes, not {len}: another program of this origin changes it, or there was no room", snapshot.len());
    Err(Error::new(ErrorKind::Io, operation).with_text(text))
}
