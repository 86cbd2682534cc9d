//! A file that takes little more space than is written to it, where holes take space too.

mod map;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::map::{AREA, EXTENT, LOG_BEGIN, MOST_BYTES, Map};
use crate::file::StoreFile;
use crate::gathered::{Gathered, MOST};
use crate::medium::is_no_space;
use crate::numbers::{to_u64, to_usize};

/// How much is kept to spare, in bytes, for changes that make room.
const RESERVE: u64 = 512 << 10;

/// As much of what is behind the slots of a file that is opened is kept at first: a log may need it.
const MOST_PROMISED: u64 = 4 << 20;

/// The steps in which the file grows: an eighth of it, within these bounds, in bytes.
const STEPS: (u64, u64) = (256 << 10, 4 << 20);

/// No file is longer of which the creation was cut short, before its second map.
const MOST_BEGUN: u64 = 8 << 20;

/// So many extents are moved towards the begin of the file after a commit, at most.
const MOVED_AT_ONCE: usize = 4;

/// A file over one of a host that counts holes, as browsers do.
///
/// redb doubles its file as it grows, and writes to the end of it first. Here the file is cut into extents of 256 KiB, and each has a slot in the
/// file below from when it is first written; so that file has what was written, half a megabyte for the maps of it, as much for the log and as
/// much to spare for removals when all else is used up, room for what is in the log and has no slot yet, and the step in which it grew last,
/// at most 4 MiB. What is free behind the last slot goes back to the host; slots that are free before it are filled from the end, some after
/// each commit.
///
/// The log lies between the maps and the slots, and is flushed without a new map. Files that were made before there was one have none.
///
/// The map lies at the begin, twice, with a number and a checksum each. They are written in turn, before the flush that makes what they map
/// last; a new map goes to one area with a flush, and to the other with the next. So a flush here is one flush there, and after extents were
/// moved two: these are flushed before the map that says so is written. A slot that is given up is not used for something else before that
/// is durable. After a crash, bytes that were written to a new extent and never flushed may be others: redb reads no page that no commit has
/// published.
///
/// Writes below wait for the next flush there, up to 4 MiB of them, and go in the order of their places, those that lie side by side as one: redb
/// writes each page by itself, and in browsers a call costs more than its bytes.
///
/// It holds at most 16 GiB less a few MiB; redb, which grows by 4 GiB from there on, uses 12 of them.
#[derive(Debug)]
pub struct ExtentFile<F> {
    file: Gathered<F>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    map: Map,
    /// Whether it differs from the one that is stored.
    is_changed: bool,
    /// Whether the other area has something that is no map, or a map of slots that are not there: which would count if the file grew so long.
    has_stale: bool,
    /// Whether it is stored in one area alone. The next flush stores it in the other one too, so that either is enough.
    is_single: bool,
    /// Whether a database was opened in it: before that it is not cut.
    is_in_use: bool,
    /// How long the file below is.
    there: u64,
    /// Behind this there are zeros in it.
    written: u64,
    /// Slots below the highest that is used. Whatever is in them counts no more.
    free: BTreeSet<u32>,
    /// Those that the stored map still has.
    given_up: BTreeSet<u32>,
    /// The extents that had slots at the last durable commit.
    settled: BTreeSet<usize>,
    /// Whether an extent was moved since the last flush.
    has_moved: bool,
    /// One behind the highest slot that is used, or given up.
    used: u32,
    /// How much room is kept for what is written later, beside what is to spare.
    promised: u64,
    /// How much of both may be used; beyond what is promised, all of it where nothing else is left.
    allowed: u64,
}

impl State {
    /// How much is kept free behind the slots, in bytes.
    const fn kept(&self) -> u64 {
        RESERVE + self.promised
    }
}

impl<F: StoreFile> ExtentFile<F> {
    /// Over a file that was used so before, or that is empty. It is left as it is until the first flush or write.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for a file that is something else, or damaged; what the file reports.
    pub fn over(file: F) -> io::Result<Self> {
        Self::over_with_waiting(file, MOST)
    }

    /// The same, with so many bytes of writes waiting at most: for tests.
    #[doc(hidden)]
    pub fn over_with_waiting(file: F, most: usize) -> io::Result<Self> {
        let file = Gathered::over(file, most)?;
        let there = file.len()?;
        let mut areas = [Vec::new(), Vec::new()];
        for (number, area) in (0..).zip(&mut areas) {
            let from = (number * AREA).min(there);
            area.resize(to_usize((there - from).min(AREA)), 0);
            file.read(from, area)?;
        }
        // One of slots that are not there was written before a crash, and never flushed.
        let stored = areas.each_ref().map(|area| Map::decode(area).filter(|map| map.layout.begin_of(used_of(map)) <= there));
        let [first_area, second_area] = &areas;
        let (map, other) = match stored {
            [Some(first), Some(second)] if first.number > second.number => (first, Some(second)),
            [first, Some(second)] => (second, first),
            [Some(first), None] => (first, None),
            [None, None] if there <= MOST_BEGUN && is_begun(first_area) && second_area.iter().all(|byte| *byte == 0) => {
                (Map::default(), None)
            }
            [None, None] => {
                let text = "it is no file of extents, or its maps are damaged: name another location, or restore a backup";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        };
        let slots_of = |map: &Map| map.slots.iter().flatten().copied().collect::<BTreeSet<u32>>();
        let taken = slots_of(&map);
        // After a kill the newer map may be with the system alone, and the older one is found if the power goes as well.
        let given_up: BTreeSet<u32> = other.as_ref().map(slots_of).unwrap_or_default().difference(&taken).copied().collect();
        let used = used_of(&map).max(other.as_ref().map_or(0, used_of));
        let free = (0..used).filter(|slot| !taken.contains(slot) && !given_up.contains(slot)).collect();
        let next = if map.place_of_next() == 0 { first_area } else { second_area };
        let has_stale = other.is_none() && next.iter().any(|byte| *byte != 0);
        let settled = with_slots(&map);
        // Until it is told otherwise, for what is logged.
        let promised = there.saturating_sub(map.layout.begin_of(used) + RESERVE).min(MOST_PROMISED);
        let state = State { map, has_stale, there, written: there, free, given_up, settled, used, promised, ..State::default() };
        Ok(Self { file, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls with each part of `offset..offset + len` that lies in one extent: the extent, where in it the part begins, and which bytes of the
    /// whole it is.
    fn parts(offset: u64, len: usize) -> impl Iterator<Item = (usize, u64, std::ops::Range<usize>)> {
        let end = offset.saturating_add(to_u64(len));
        (offset / EXTENT..end.div_ceil(EXTENT)).map(move |extent| {
            let from = offset.max(extent * EXTENT);
            let to = end.min((extent + 1) * EXTENT).max(from);
            (to_usize(extent), from - extent * EXTENT, to_usize(from - offset)..to_usize(to - offset))
        })
    }

    /// A slot for an extent, of zeros but for the bytes of `written`, which are going to be written.
    fn take_slot(&self, state: &mut State, written: std::ops::Range<u64>) -> io::Result<u32> {
        if let Some(slot) = state.free.first().copied() {
            let begin = state.map.layout.begin_of(slot);
            self.zero(state, begin, begin + written.start)?;
            self.zero(state, begin + written.end, begin + EXTENT)?;
            state.free.remove(&slot);
            return Ok(slot);
        }
        let slot = state.used;
        self.make_room(state, state.map.layout.begin_of(slot) + EXTENT)?;
        // It may be one that was used before.
        let (begin, end) = (state.map.layout.begin_of(slot), state.written);
        self.zero(state, begin, end.min(begin + written.start))?;
        self.zero(state, begin + written.end, end.min(begin + EXTENT))?;
        state.used += 1;
        state.written = state.written.max(begin + EXTENT);
        Ok(slot)
    }

    /// Zeros in the file below.
    fn zero(&self, state: &State, from: u64, to: u64) -> io::Result<()> {
        let to = to.min(state.there);
        if from < to { self.file.write(from, &vec![0; to_usize(to - from)]) } else { Ok(()) }
    }

    /// Lengthens the file below so that it ends at `end` at least, with what has to remain to spare behind that.
    fn make_room(&self, state: &mut State, end: u64) -> io::Result<()> {
        let needed = end.saturating_add(state.kept().saturating_sub(state.allowed));
        if needed <= state.there {
            return Ok(());
        }
        match self.grow_to(state, needed) {
            // What is there already, and may be used: not what is kept for others.
            Err(full) if is_no_space(&full) && state.allowed > state.promised && end <= state.there => Ok(()),
            grown => grown,
        }
    }

    /// In steps, where there is space for them.
    fn grow_to(&self, state: &mut State, needed: u64) -> io::Result<()> {
        let step = (state.there / 8).clamp(STEPS.0, STEPS.1);
        match self.resize(state, needed.saturating_add(step)) {
            Err(full) if is_no_space(&full) => self.resize(state, needed),
            grown => grown,
        }
    }

    fn resize(&self, state: &mut State, len: u64) -> io::Result<()> {
        if state.has_stale && len > state.there {
            self.file.write(state.map.place_of_next(), &[0; 64])?;
            self.file.flush()?;
            state.has_stale = false;
        }
        self.file.set_len(len)?;
        state.there = len;
        state.written = state.written.min(len);
        Ok(())
    }

    /// Makes all that was written last, and the map of it.
    fn store(&self, state: &mut State) -> io::Result<()> {
        if state.has_moved {
            self.file.flush()?;
            state.has_moved = false;
        }
        let mut number = state.map.number;
        let is_changed = state.is_changed;
        if is_changed || state.is_single || state.has_stale {
            number += 1;
            if state.there < state.map.layout.slots() {
                let slots = state.map.layout.slots();
                self.make_room(state, slots)?;
            }
            let next = Map { number, ..state.map.clone() };
            self.file.write(next.place(), &next.encode())?;
        }
        self.file.flush()?;
        // If that had failed, the next one would go to the same place again: the one before is the last of which it is known that it lasts.
        state.map.number = number;
        (state.is_changed, state.has_stale, state.is_single) = (false, false, is_changed);
        let given_up = std::mem::take(&mut state.given_up);
        state.free.extend(given_up);
        Ok(())
    }

    /// Lets go of what the extents from `from` to before `to` have.
    fn give_up(state: &mut State, from: usize, to: usize) {
        for extent in from..to.min(state.map.slots.len()) {
            if let Some(slot) = state.map.slot(extent) {
                state.map.set(extent, None);
                state.given_up.insert(slot);
                state.is_changed = true;
            }
        }
    }

    /// Moves the last extents into free slots before them, if there are many. What is moved is in both places until that is durable.
    fn move_forward(&self, state: &mut State) -> io::Result<()> {
        let many = state.free.len() > MOVED_AT_ONCE && state.free.len() > to_usize(u64::from(state.used)) / 4;
        for _ in 0..if many { MOVED_AT_ONCE } else { 0 } {
            let last = state.map.slots.iter().enumerate().filter_map(|(extent, slot)| Some(((*slot)?, extent))).max();
            let (Some((slot, extent)), Some(target)) = (last, state.free.first().copied()) else { break };
            if target >= slot {
                break;
            }
            let mut bytes = vec![0; to_usize(EXTENT.min(state.there.saturating_sub(state.map.layout.begin_of(slot))))];
            self.file.read(state.map.layout.begin_of(slot), &mut bytes)?;
            bytes.resize(to_usize(EXTENT), 0);
            // It does not wait: what waits may be forgotten, and the map has this.
            self.file.write_through(state.map.layout.begin_of(target), &bytes)?;
            state.free.remove(&target);
            state.map.set(extent, Some(target));
            state.given_up.insert(slot);
            (state.is_changed, state.has_moved) = (true, true);
        }
        Ok(())
    }

    /// Forgets about free slots behind all that are used.
    fn shrink(state: &mut State) {
        while let Some(last) = state.used.checked_sub(1).filter(|last| state.free.contains(last)) {
            state.free.remove(&last);
            state.used = last;
        }
    }

    /// Cuts the file below behind what is used and what is to spare.
    fn cut(&self, state: &mut State) {
        Self::shrink(state);
        let end = state.map.layout.begin_of(state.used) + state.kept();
        if state.there > end + 2 * STEPS.1 || (state.there > end && state.there / 2 > end) {
            // A host that does not take it back keeps it for what comes next.
            let _ = self.resize(state, end);
        }
    }
}

/// Whether the first area may be what a creation left that was cut short: nothing, or the first map, whose slots were not there yet.
fn is_begun(area: &[u8]) -> bool {
    area.iter().all(|byte| *byte == 0) || Map::decode(area).is_some_and(|map| map.number == 1)
}

/// The extents that have slots.
fn with_slots(map: &Map) -> BTreeSet<usize> {
    map.slots.iter().enumerate().filter(|(_, slot)| slot.is_some()).map(|(extent, _)| extent).collect()
}

/// One behind the highest slot that a map has.
fn used_of(map: &Map) -> u32 {
    map.slots.iter().flatten().max().map_or(0, |last| last + 1)
}

impl<F: StoreFile> StoreFile for ExtentFile<F> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().map.len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        if offset.saturating_add(to_u64(out.len())) > state.map.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (extent, within, part) in Self::parts(offset, out.len()) {
            let Some(out) = out.get_mut(part) else { continue };
            match state.map.slot(extent) {
                Some(slot) => self.file.read(state.map.layout.begin_of(slot) + within, out)?,
                None => out.fill(0),
            }
        }
        Ok(())
    }

    fn place_of(&self, offset: u64, len: u64) -> Option<u64> {
        let state = self.state();
        let first = to_usize(offset / EXTENT);
        let last = to_usize(offset.saturating_add(len.saturating_sub(1)) / EXTENT);
        let slot = state.map.slot(first)?;
        let is_one_piece = (first..=last).zip(slot..).all(|(extent, next)| state.map.slot(extent) == Some(next));
        let place = state.map.layout.begin_of(slot) + offset % EXTENT;
        is_one_piece.then_some(place).and_then(|place| self.file.place_of(place, len))
    }

    fn read_place(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_place(place, out)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let end = offset.saturating_add(to_u64(data.len()));
        if end > MOST_BYTES {
            return Err(too_long());
        }
        for (extent, within, part) in Self::parts(offset, data.len()) {
            let Some(data) = data.get(part) else { continue };
            let slot = match state.map.slot(extent) {
                Some(slot) => slot,
                None => {
                    let slot = self.take_slot(&mut state, within..within + to_u64(data.len()))?;
                    state.map.set(extent, Some(slot));
                    state.is_changed = true;
                    slot
                }
            };
            self.file.write(state.map.layout.begin_of(slot) + within, data)?;
        }
        if end > state.map.len {
            state.map.len = end;
            state.is_changed = true;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if len > MOST_BYTES {
            return Err(too_long());
        }
        let (extent, within) = (to_usize(len / EXTENT), len % EXTENT);
        if len < state.map.len {
            let kept = extent + usize::from(within > 0);
            Self::give_up(&mut state, kept, usize::MAX);
            state.map.slots.truncate(kept);
            if let Some(slot) = state.map.slot(extent).filter(|_| within > 0) {
                // What is cut off reads as zeros if the file grows again.
                self.zero(&state, state.map.layout.begin_of(slot) + within, state.map.layout.begin_of(slot) + EXTENT)?;
            }
        }
        if len != state.map.len {
            state.map.len = len;
            state.is_changed = true;
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.store(&mut self.state())
    }

    fn log_len(&self) -> u64 {
        self.state().map.layout.log_len()
    }

    fn read_log(&self, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let there = to_usize(state.there.saturating_sub(LOG_BEGIN).min(state.map.layout.log_len()));
        out.fill(0);
        let there = there.min(out.len());
        out.get_mut(..there).filter(|there| !there.is_empty()).map_or(Ok(()), |out| self.file.read(LOG_BEGIN, out))
    }

    fn write_log(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let state = self.state();
        let end = offset.saturating_add(to_u64(data.len()));
        // The first flush lengthens the file so far.
        if end > state.map.layout.log_len() || state.there < state.map.layout.slots() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // A flush is next; and what could not be written is no record.
        self.file.write_through(LOG_BEGIN + offset, data)
    }

    /// Without the map: it says where bytes are that nobody has put in force yet.
    fn flush_log(&self) -> io::Result<()> {
        let _state = self.state();
        self.file.flush()
    }

    fn occupied(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.map.layout.begin_of(state.used) - to_u64(state.free.len()) * EXTENT)
    }

    fn free(&self) -> io::Result<u64> {
        let state = self.state();
        let behind = state.there.saturating_sub(state.map.layout.begin_of(state.used) + state.kept());
        Ok(self.file.free()?.saturating_add(behind).saturating_add(to_u64(state.free.len()) * EXTENT))
    }

    fn write_out(&self) -> io::Result<()> {
        self.file.write_out()
    }

    fn forget(&self) {
        self.file.forget();
    }

    fn settled(&self) {
        let mut state = self.state();
        state.is_in_use = true;
        state.settled = with_slots(&state.map);
    }

    fn take_back(&self, from: u64, to: u64) {
        let mut state = self.state();
        let fresh: Vec<usize> = with_slots(&state.map).difference(&state.settled).copied().collect();
        for extent in fresh {
            Self::give_up(&mut state, extent, extent + 1);
        }
        Self::give_up(&mut state, to_usize(from.div_ceil(EXTENT)), to_usize(to / EXTENT));
        // Only then they can have others. A failure here is one of the next flush as well.
        let _ = self.store(&mut state);
    }

    fn set_aside(&self, _asked: bool) {
        let mut state = self.state();
        state.allowed = 0;
        // A failure here is one of the next flush or write as well.
        let _ = self.move_forward(&mut state);
        self.cut(&mut state);
        let needed = state.map.layout.begin_of(state.used).saturating_add(state.kept());
        if needed > state.there {
            // Where there is no space for it, there is nothing to spare.
            let _ = self.grow_to(&mut state, needed);
        }
    }

    fn release(&self, _bytes: u64, makes_room: bool) -> bool {
        let mut state = self.state();
        let most = if makes_room { state.kept() } else { RESERVE / 2 };
        let before = state.allowed;
        state.allowed = most.max(before);
        before < most
    }

    fn promise(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.promised, bytes);
        let needed = state.map.layout.begin_of(state.used).saturating_add(state.kept());
        if bytes > before && needed > state.there {
            let grown = self.grow_to(&mut state, needed);
            if grown.is_err() {
                state.promised = before;
            }
            return grown;
        }
        Ok(())
    }

    fn redeem(&self) -> bool {
        let mut state = self.state();
        let before = state.allowed;
        state.allowed = before.max(state.promised);
        before < state.allowed
    }

    fn give_free(&self) {
        let mut state = self.state();
        // What redb did last as it closed is durable by its own flush; only what lies behind all of that goes.
        Self::shrink(&mut state);
        let kept = if state.promised > 0 { state.kept() } else { 0 };
        let end = state.map.layout.begin_of(state.used) + kept;
        if state.is_in_use && state.there > end {
            let _ = self.resize(&mut state, end);
        }
        drop(state);
        self.file.give_free();
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, format!("the file of a location holds at most {MOST_BYTES} bytes"))
}
