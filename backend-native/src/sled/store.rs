use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};

use super::database::{COUNTER, Open, flush_at};
use super::error::from_sled;
use super::geometry::Geometry;
use super::options::SledOptions;
use super::place::{Place, host_error};
use super::rebuild;
use super::room::{Ahead, KeptBack, Need};
use crate::faults::FlushSwitch;
use anystorage_kv::panics::caught;

/// A [`KvStore`] in one tree of one sled database.
pub struct SledStore {
    state: RwLock<State>,
    /// Why nothing goes any more.
    trouble: Mutex<Option<Trouble>>,
    options: SledOptions,
    flushes: FlushSwitch,
}

struct State {
    /// None when it was closed, or could not be opened again.
    open: Option<Open>,
    place: Option<Place>,
    ahead: Ahead,
    kept_back: KeptBack,
    /// The end of the log after it was last rebuilt: without commits since, another time frees nothing.
    rebuilt: i64,
    /// So much was live when there was no space for a new log, against what its least size promised.
    too_much: u64,
}

/// An error that stays.
#[derive(Clone, Debug)]
struct Trouble {
    error: Error,
    /// Whether what is in memory is in doubt too: then not even reads go on.
    reads: bool,
}

impl SledStore {
    /// Opens the database in a directory, which is held until the store is closed or dropped.
    ///
    /// # Errors
    /// As [`open`](super::open).
    pub fn open(root: impl AsRef<Path>, options: &SledOptions) -> Result<Self> {
        Self::open_with(root.as_ref(), options, FlushSwitch::default())
    }

    /// The same with flushes that `switch` can make fail.
    ///
    /// # Errors
    /// As [`open`](super::open).
    pub fn open_with_faults(root: impl AsRef<Path>, options: &SledOptions) -> Result<(Self, FlushSwitch)> {
        let flushes = FlushSwitch::default();
        Ok((Self::open_with(root.as_ref(), options, flushes.clone())?, flushes))
    }

    fn open_with(root: &Path, options: &SledOptions, flushes: FlushSwitch) -> Result<Self> {
        let mut place = Place::take(root, options)?;
        let settled = rebuild::settle(root, &|path| flush_at(path, options, &flushes));
        settled.map_err(|error| host_error(error, root))?;
        // What is damaged is left as it is.
        place.prepare()?;
        // On a full disk it must still be possible to open it: sled writes a snapshot then.
        let kept_back = KeptBack::open(root).map_err(|error| host_error(error, root))?;
        let open = Open::database(&place, options, &flushes)?;
        place.complete()?;
        let state = State { open: Some(open), place: Some(place), ahead: Ahead::default(), kept_back, rebuilt: -1, too_much: u64::MAX };
        state.keep_back().map_err(|error| host_error(error, root))?;
        Ok(Self { state: RwLock::new(state), trouble: Mutex::default(), options: *options, flushes })
    }

    pub(super) fn geometry(&self) -> Result<Geometry> {
        let state = self.reading()?;
        Ok(state.open(Operation::OpenLocation)?.geometry)
    }

    fn reading(&self) -> Result<RwLockReadGuard<'_, State>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &*self.trouble() {
            Some(Trouble { error, reads: true }) => Err(error.clone()),
            _ => Ok(state),
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an error, so that every later call of its kind answers it.
    fn latch(&self, error: Error, reads: bool) -> Error {
        let mut trouble = self.trouble();
        let reads = reads || trouble.as_ref().is_some_and(|trouble| trouble.reads);
        *trouble = Some(Trouble { error: error.clone(), reads });
        error
    }

    /// A call of sled that reads. After a panic nothing is asked any more. Where sled answers that it ran out of space, which stays with it,
    /// it is opened anew: all that was committed is in its files.
    fn ask<T>(&self, call: impl Fn(&Open) -> sled::Result<T>) -> Result<T> {
        match self.ask_once(&call) {
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                self.reopen(&mut state)?;
                drop(state);
                self.ask_once(&call)
            }
            answer => answer,
        }
    }

    fn ask_once<T>(&self, call: impl FnOnce(&Open) -> sled::Result<T>) -> Result<T> {
        let state = self.reading()?;
        let open = state.open(Operation::Read)?;
        let mut panicked = true;
        let answer = caught("sled", Operation::Read, || {
            let answer = call(open);
            panicked = false;
            answer.map_err(|error| from_sled(error, Operation::Read))
        });
        match answer {
            Err(error) if panicked => Err(self.latch(error, true)),
            answer => answer,
        }
    }

    fn change(&self, batch: Batch, durability: Commit) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = &*self.trouble() {
            return Err(trouble.error.clone());
        }
        let need = self.make_room(&mut state, &batch)?;
        while let Err(error) = self.try_change(&mut state, &batch) {
            if error.kind() != ErrorKind::NoSpace || !self.rebuild(&mut state)? {
                return Err(error);
            }
            self.make_room(&mut state, &batch)?;
        }
        if need.relieving || need.mixed {
            state.keep_back().map_err(|error| self.latch(Error::from_io(error, Operation::Sync), false))?;
        }
        if durability == Commit::Relaxed {
            return Ok(());
        }
        let state = RwLockWriteGuard::downgrade(state);
        self.flush(&state)
    }

    /// Makes all of the batch, as far as the operating system is concerned, or, where there is no space, nothing.
    fn try_change(&self, state: &mut State, batch: &Batch) -> Result<()> {
        let open = state.open(Operation::Sync)?;
        // Sled gives out segments again when what replaced them was written, which is not flushed. So nothing that is not flushed may lie
        // in a finished segment when a batch begins; and its recovery looks for torn messages in the last segment alone.
        if open.segment_at(open.written()) != open.segment_at(open.flushed.load(Ordering::SeqCst)) {
            self.flush(state)?;
        }
        let before = state.length().map_err(|error| Error::from_io(error, Operation::Sync))?;
        let open = state.open(Operation::Sync)?;
        let made = caught("sled", Operation::Sync, || open.apply(batch).map_err(|error| from_sled(error, Operation::Sync)));
        match made {
            Err(error) if error.kind() == ErrorKind::NoSpace => Err(self.start_over(state, error, before)),
            // Sled may hold the half of the batch in memory.
            made => made.map_err(|error| self.latch(error, true)),
        }
    }

    /// Makes durable what sled has written.
    fn flush(&self, state: &State) -> Result<()> {
        let open = state.open(Operation::Sync)?;
        let root = state.place.as_ref().map(Place::root);
        open.flush(root, &self.options, &self.flushes).map_err(|error| {
            let text = "a flush of the store failed: what was synced before is safe, what reached the disk since is unknown. Open the \
                        location again";
            self.latch(Error::new(ErrorKind::Io, Operation::Sync).with_text(text).with_cause(error), false)
        })
    }

    /// Reserves what the batch may need, so that sled does not run out in the middle of it.
    fn make_room(&self, state: &mut State, batch: &Batch) -> Result<Need> {
        let fail = |error| Error::from_io(error, Operation::Sync);
        let need = Need::of(batch, state.open(Operation::Sync)?.geometry);
        if state.has_room(need).map_err(fail)? {
            return Ok(need);
        }
        if state.worth_rebuilding().map_err(fail)? && self.rebuild(state)? && state.has_room(need).map_err(fail)? {
            return Ok(need);
        }
        // What removes something gets all there is. Unless it is large, it makes the next rebuilding smaller by more than it takes.
        if need.relieving && state.has_any_room(need).map_err(fail)? {
            return Ok(need);
        }
        // The bound is a generous one. What lies between it and the least is tried, not again before less is live.
        let live = state.open(Operation::Sync)?.bytes.load(Ordering::SeqCst);
        if live < state.too_much && state.may_be_rebuilt().map_err(fail)? {
            if self.rebuild(state)? {
                if state.has_room(need).map_err(fail)? {
                    return Ok(need);
                }
            } else {
                state.too_much = live;
            }
        }
        let text =
            format!("a commit of {} bytes needs {} in the log of sled, and space to write the log anew", batch.bytes(), need.usually);
        Err(Error::new(ErrorKind::NoSpace, Operation::Sync).with_text(text))
    }

    /// Puts a log of what is live in the place of the present one. False if there is no space for it, or nothing was committed since the
    /// last time.
    fn rebuild(&self, state: &mut State) -> Result<bool> {
        let fail = |error| Error::from_io(error, Operation::Sync);
        let open = state.open.as_ref().ok_or_else(|| closed(Operation::Sync))?;
        let root = state.place.as_ref().ok_or_else(|| closed(Operation::Sync))?.root().to_owned();
        let written = open.written();
        if state.rebuilt == written {
            return Ok(false);
        }
        state.rebuilt = written;
        state.kept_back.release().map_err(fail)?;
        state.ahead.release(&open.file).map_err(fail)?;
        rebuild::abandon(&root).map_err(fail)?;
        let mut panicked = true;
        let copied = caught("sled", Operation::Sync, || {
            let copied = rebuild::copy(&open.tree, &root, open.geometry).map_err(|error| from_sled(error, Operation::Sync));
            panicked = false;
            copied
        });
        let flush = |path: &Path| flush_at(path, &self.options, &self.flushes);
        let copied = copied.and_then(|()| {
            Place::await_sled(&root, &rebuild::copied_log(&root))?;
            rebuild::done(&root, &flush).map_err(|error| {
                let error = fail(error);
                let harmless = error.kind() == ErrorKind::NoSpace && !rebuild::is_done(&root);
                if harmless { error } else { self.latch(error, false) }
            })
        });
        if let Err(error) = copied {
            if panicked {
                return Err(self.latch(error, true));
            }
            // After a mark that may last, nothing is undone: the next opening goes on.
            if self.trouble().is_none() {
                rebuild::abandon(&root).map_err(fail)?;
            }
            state.keep_back().map_err(fail)?;
            return if error.kind() == ErrorKind::NoSpace && self.trouble().is_none() { Ok(false) } else { Err(error) };
        }
        state.open = None;
        let swapped = Place::await_sled(&root, &root.join("db"));
        swapped.and_then(|()| rebuild::settle(&root, &flush).map_err(fail)).map_err(|error| self.latch(error, true))?;
        self.reopen(state)?;
        state.rebuilt = state.open(Operation::Sync)?.written();
        Ok(true)
    }

    /// After sled ran out of space: what it holds in memory is of no use, and its log ends with a batch that is not whole, which it drops
    /// when it is opened. So the batch was refused whole, and what it had added to the file, beyond `before`, can be cut off.
    fn start_over(&self, state: &mut State, error: Error, before: u64) -> Error {
        if let Some(open) = state.open.take() {
            let Open { file, database, tree, .. } = open;
            drop((database, tree));
            let cut = file.metadata().and_then(|metadata| file.set_len(metadata.len().min(before)));
            if let Err(cut) = cut {
                return self.latch(Error::from_io(cut, Operation::Sync), true);
            }
        }
        self.reopen(state).err().unwrap_or(error)
    }

    fn reopen(&self, state: &mut State) -> Result<()> {
        let fail = |error| Error::from_io(error, Operation::Sync);
        state.open = None;
        state.ahead = Ahead::default();
        state.kept_back.release().map_err(fail)?;
        let Some(place) = &state.place else { return Err(closed(Operation::Sync)) };
        let opened = Open::database(place, &self.options, &self.flushes).map_err(|error| {
            let text = format!("sled ran out of space and cannot be opened again: free some space and open the location anew: {error}");
            self.latch(Error::new(ErrorKind::Io, Operation::Sync).with_text(text).with_cause(error), true)
        })?;
        state.open = Some(opened);
        state.keep_back().map_err(|error| self.latch(fail(error), false))?;
        Ok(())
    }

    fn usage(&self) -> Result<Usage> {
        let state = self.reading()?;
        let open = state.open(Operation::Usage)?;
        let place = state.place.as_ref().ok_or_else(|| closed(Operation::Usage))?;
        let fail = |error: io::Error| Error::from_io(error, Operation::Usage);
        let live = open.bytes.load(Ordering::SeqCst);
        let len = open.file.metadata().map_err(fail)?.len();
        let spare = state.spare(place).map_err(fail)? + len;
        // What an opening and a rebuilding need, beside the log as it is, or would be after a rebuilding.
        let rebuilt = rebuild::size(open.geometry, live);
        let log = if rebuilt + len / 8 < len { rebuilt } else { len };
        let taken = log + rebuilt + state.wanted().map_err(fail)? + 2 * open.geometry.segment as u64;
        // A commit takes three times its bytes in the log, and one and a half in the next one.
        let free = spare.saturating_sub(taken) / 9 * 2;
        Ok(Usage::new(Some(open.bytes.load(Ordering::SeqCst)), None, Some(free)))
    }
}

impl State {
    fn open(&self, operation: Operation) -> Result<&Open> {
        self.open.as_ref().ok_or_else(|| closed(operation))
    }

    fn length(&self) -> io::Result<u64> {
        self.open.as_ref().map_or(Ok(0), |open| Ok(open.file.metadata()?.len()))
    }

    /// The bytes that this disk has for us, and those that are reserved already.
    fn spare(&self, place: &Place) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(place.root())?;
        let ahead = self.open.as_ref().map_or(Ok(0), |open| Ahead::held(&open.file))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize) + ahead + self.kept_back.held()?)
    }

    /// Reserves what is needed, if there stays enough to open the database and to rebuild it.
    fn has_room(&mut self, need: Need) -> io::Result<bool> {
        let (Some(open), Some(place)) = (&self.open, &self.place) else { return Ok(false) };
        let live = open.bytes.load(Ordering::SeqCst);
        let others = if need.relieving {
            KeptBack::floor(self.length()?) + rebuild::size(open.geometry, live)
        } else {
            let kept = if need.mixed { KeptBack::floor(self.length()?) } else { self.wanted()? };
            kept + rebuild::size(open.geometry, live + need.bytes)
        };
        if self.spare(place)? < need.usually + others {
            return Ok(false);
        }
        if need.relieving || need.mixed {
            return self.has_any_room(need);
        }
        Ok(self.keep_back()? && self.ahead.reach(&open.file, need.usually)?)
    }

    /// Reserves what is needed, if only an opening stays possible.
    fn has_any_room(&mut self, need: Need) -> io::Result<bool> {
        let floor = KeptBack::floor(self.length()?);
        let Some(open) = &self.open else { return Ok(false) };
        if self.kept_back.held()? >= floor && self.ahead.reach(&open.file, need.usually)? {
            return Ok(true);
        }
        self.kept_back.lower(floor)?;
        self.ahead.reach(&open.file, need.usually)
    }

    /// Whether a new log fits beside this one and would be much shorter.
    fn worth_rebuilding(&self) -> io::Result<bool> {
        let Some(open) = &self.open else { return Ok(false) };
        self.fits_beside(rebuild::size(open.geometry, open.bytes.load(Ordering::SeqCst)), 8)
    }

    /// Whether it could.
    fn may_be_rebuilt(&self) -> io::Result<bool> {
        let Some(open) = &self.open else { return Ok(false) };
        self.fits_beside(rebuild::least(open.bytes.load(Ordering::SeqCst)), 4)
    }

    /// Whether a log of so many bytes has space, and is shorter by one of so many parts.
    fn fits_beside(&self, bytes: u64, parts: u64) -> io::Result<bool> {
        let Some(place) = &self.place else { return Ok(false) };
        let len = self.length()?;
        Ok(bytes + len / parts <= len && self.spare(place)? >= bytes)
    }

    /// How much should be kept back.
    fn wanted(&self) -> io::Result<u64> {
        let Some(open) = &self.open else { return Ok(0) };
        Ok(KeptBack::wanted(open.geometry.segment, self.length()?))
    }

    fn keep_back(&self) -> io::Result<bool> {
        self.kept_back.hold(self.wanted()?)
    }
}

#[engine]
impl KvStore for SledStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.ask(|open| open.tree.get(key))?.map(|value| value.to_vec()))
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let to = to.min(COUNTER);
        if from >= to {
            return Ok(Vec::new());
        }
        self.ask(|open| {
            let entries = open.tree.range(from..to).take(limit);
            entries.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        self.change(batch, durability)
    }

    async fn size(&self) -> Result<Usage> {
        self.usage()
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = state.place.take() else { return Err(closed(Operation::Close)) };
        let Some(open) = state.open.take() else { return Ok(()) };
        let written = open.written();
        let opened_at = open.opened_at;
        drop(open);
        if written == opened_at || self.trouble().is_some() {
            return Ok(());
        }
        // Sled takes damage to what it logged since its last snapshot for the end of its log, and goes on from there. So what was logged is
        // read now, checked, and covered by a snapshot, which it writes when it is opened.
        let checked = state.kept_back.release().map_err(|error| host_error(error, place.root()));
        match checked.and_then(|()| Open::database(&place, &self.options, &self.flushes)) {
            Ok(open) => {
                if open.written() < written {
                    let text = "the log of sled ends before what it had written: the disk did not keep it. Restore a backup";
                    return Err(Error::new(ErrorKind::Corrupt, Operation::Close).with_text(text));
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                log::warn!("no snapshot was written at the end: {error}");
                Ok(())
            }
            Err(error) => Err(error.in_operation(Operation::Close)),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The database before the lock.
        self.open = None;
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sled's own would show everything that is stored.
        f.debug_struct("SledStore").field("options", &self.options).finish_non_exhaustive()
    }
}

fn closed(operation: Operation) -> Error {
    Error::new(ErrorKind::Closed, operation)
}
