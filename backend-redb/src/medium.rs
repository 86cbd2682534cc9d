//! The file under redb: what was written to it, and how to take back what no commit published.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::file::StoreFile;
use crate::guard::lock;
use crate::header::{HEADER_LEN, primary_slot};
use crate::seen::Seen;

/// The file of a location. redb reaches it through [`Direct`](crate::direct::Direct), or through [`Overlay`](crate::overlay::Overlay) without
/// changing it.
#[derive(Debug)]
pub(crate) struct Medium {
    file: Box<dyn StoreFile>,
    /// Set while a redb that is given up may not touch the file any more.
    sealed: AtomicBool,
    marks: Mutex<Marks>,
    pub(crate) seen: Seen,
}

#[derive(Debug, Default)]
struct Marks {
    /// The end of what was written last in the file, in bytes.
    end: u64,
    /// `end` and the file's length as the last durable commit left them.
    durable_end: u64,
    durable_len: u64,
    /// redb's header as it was last written.
    header: Option<Vec<u8>>,
    /// The slot of the header that is in force since the last durable commit.
    primary: Option<u8>,
    /// Which changes may use the reserve.
    spare: Spare,
}

/// What the commit under way may do when no space is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spare {
    /// Fail.
    #[default]
    Nothing,
    /// Take the room that is kept for what is logged.
    Promised,
    /// Take from the reserve, but not all of it.
    Some,
    /// Take the reserve: the commit makes room.
    All,
}

impl Medium {
    pub(crate) fn new(file: Box<dyn StoreFile>) -> io::Result<Self> {
        let len = file.len()?;
        let marks = Marks { end: len, durable_end: len, durable_len: len, ..Marks::default() };
        Ok(Self { file, sealed: AtomicBool::new(false), marks: Mutex::new(marks), seen: Seen::new() })
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    pub(crate) fn occupied(&self) -> io::Result<u64> {
        self.file.occupied()
    }

    pub(crate) fn free(&self) -> io::Result<u64> {
        self.file.free()
    }

    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    pub(crate) fn place_of(&self, offset: u64, len: usize) -> Option<u64> {
        self.file.place_of(offset, u64::try_from(len).unwrap_or(u64::MAX))
    }

    pub(crate) fn read_place(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_place(place, out)
    }

    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_open()?;
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        loop {
            // A header puts a commit in force: what that needs has found its space before, or it is none.
            let rest = if offset == 0 { self.file.write_out() } else { Ok(()) };
            match rest.and_then(|()| self.file.write(offset, data)) {
                Ok(()) => break,
                Err(error) if is_no_space(&error) && self.may_release(len) => {}
                Err(error) => return Err(error),
            }
        }
        let mut marks = lock(&self.marks);
        marks.end = marks.end.max(offset.saturating_add(len));
        if offset == 0 {
            let header = data.get(..HEADER_LEN).unwrap_or(data);
            marks.primary = marks.primary.or_else(|| primary_slot(header));
            marks.header = Some(header.to_vec());
        }
        Ok(())
    }

    pub(crate) fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_open()?;
        self.file.set_len(len)?;
        let mut marks = lock(&self.marks);
        marks.end = marks.end.min(len);
        Ok(())
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.check_open()?;
        self.file.flush()
    }

    /// Keeps room for what is to be written of the log.
    pub(crate) fn promise(&self, bytes: usize) -> io::Result<()> {
        self.file.promise(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    pub(crate) fn log_len(&self) -> u64 {
        self.file.log_len()
    }

    pub(crate) fn read_log(&self, out: &mut [u8]) -> io::Result<()> {
        self.file.read_log(out)
    }

    pub(crate) fn write_log(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_open()?;
        self.file.write_log(offset, data)
    }

    pub(crate) fn flush_log(&self) -> io::Result<()> {
        self.check_open()?;
        self.file.flush_log()
    }

    fn check_open(&self) -> io::Result<()> {
        match self.sealed.load(Ordering::SeqCst) {
            true => Err(io::Error::other("this redb was given up")),
            false => Ok(()),
        }
    }

    fn may_release(&self, bytes: u64) -> bool {
        match lock(&self.marks).spare {
            Spare::Nothing => false,
            Spare::Promised => self.file.redeem(),
            spare => self.file.release(bytes, spare == Spare::All),
        }
    }

    /// From now on, or from now on no more, the file answers every change with an error.
    pub(crate) fn seal(&self, sealed: bool) {
        self.sealed.store(sealed, Ordering::SeqCst);
    }

    /// What the commit that is about to be made may take from the reserve.
    pub(crate) fn allow(&self, spare: Spare) {
        lock(&self.marks).spare = spare;
    }

    /// A durable commit returned: what was written up to here is in use.
    pub(crate) fn settle(&self) {
        let len = self.len().ok();
        let mut marks = lock(&self.marks);
        marks.durable_len = len.unwrap_or(marks.durable_len);
        marks.durable_end = marks.end;
        marks.primary = marks.header.as_deref().and_then(primary_slot);
        drop(marks);
        self.file.settled();
        self.file.set_aside(false);
    }

    /// Whether redb has put another slot in force since the last durable commit returned: then the commit that failed may have been made.
    pub(crate) fn is_published(&self) -> bool {
        let marks = lock(&self.marks);
        let now = marks.header.as_deref().and_then(primary_slot);
        marks.primary.is_some() && now != marks.primary
    }

    /// redb's header as this process wrote it last.
    pub(crate) fn header(&self) -> Option<Vec<u8>> {
        lock(&self.marks).header.clone()
    }

    /// Gives the disk back what was written behind the last durable commit: nothing that commit published lies there.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        // Where a disk is full it would be refused at each flush.
        self.file.forget();
        let mut marks = lock(&self.marks);
        if self.len()? > marks.durable_len {
            self.file.set_len(marks.durable_len)?;
        }
        self.file.take_back(marks.durable_end, marks.durable_len.max(marks.durable_end));
        marks.end = marks.durable_end;
        drop(marks);
        self.file.set_aside(true);
        Ok(())
    }

    /// Gives the location free.
    pub(crate) fn unlock(&self) {
        self.file.give_free();
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        self.unlock();
    }
}

pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
