use std::fmt;
use std::io;

/// A file that redb lives in: read and written in place, and held by nobody else while it is used.
///
/// The calls are those of redb's own `StorageBackend`, and some about space, which a file without such knowledge leaves as they are.
pub trait StoreFile: fmt::Debug + Send + Sync + 'static {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the host reports, as of all calls here.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// What the host reports.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Fills `out` with the bytes from `offset` on, all of which have to be there.
    ///
    /// # Errors
    /// What the host reports.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Where on the host `len` bytes from `offset` on lie, one behind the other, for [`read_place`](Self::read_place): what that finds may be
    /// older, or something else. None if they lie nowhere, or apart. A file that knows of no other places lies where it says.
    fn place_of(&self, offset: u64, len: u64) -> Option<u64> {
        let _ = len;
        Some(offset)
    }

    /// Fills `out` with the bytes that lie on the host at a [place](Self::place_of).
    ///
    /// # Errors
    /// What the host reports.
    fn read_place(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        self.read(place, out)
    }

    /// Writes all of `data` at `offset`, which may be behind the end.
    ///
    /// # Errors
    /// What the host reports; [`StorageFull`](io::ErrorKind::StorageFull) or [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) where there is no
    /// space.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Cuts it, or lengthens it with zeros. What is cut off may be gone before the new length lasts.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes its bytes and its length last.
    ///
    /// # Errors
    /// What the host reports. What has reached the disk is then unknown.
    fn flush(&self) -> io::Result<()>;

    /// How many bytes of its disk it takes: by default its length.
    ///
    /// # Errors
    /// What the host reports.
    fn occupied(&self) -> io::Result<u64> {
        self.len()
    }

    /// How many bytes its disk has free.
    ///
    /// # Errors
    /// What the host reports; [`Unsupported`](io::ErrorKind::Unsupported), by default, where it does not tell.
    fn free(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Told that what was written so far counts: a durable commit was made.
    fn settled(&self) {}

    /// Writes what waits for the next flush, where something does.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn write_out(&self) -> io::Result<()> {
        Ok(())
    }

    /// Told that what was written since the last flush counts no more, as far as it has not gone to the disk yet.
    fn forget(&self) {}

    /// Gives the disk back what was written since [`settled`](Self::settled) to places that had nothing before, if it can, and the bytes from
    /// `from` to `to`: they are not read any more.
    fn take_back(&self, from: u64, to: u64) {
        let _ = (from, to);
    }

    /// Sets some space aside, if that is scarce or `asked` for.
    fn set_aside(&self, asked: bool) {
        let _ = asked;
    }

    /// Gives some of the space that was set aside free for a write of so many bytes that found none, all of it only for a change that makes
    /// room. False if there is none.
    fn release(&self, bytes: u64, makes_room: bool) -> bool {
        let _ = (bytes, makes_room);
        false
    }

    /// Keeps room, from now on, for so many bytes that are written later, beside what is set aside; [`release`](Self::release) gives it to a
    /// change that makes room. By default nothing is kept.
    ///
    /// # Errors
    /// Those of [`write`](Self::write); what was kept before is then kept on.
    fn promise(&self, bytes: u64) -> io::Result<()> {
        let _ = bytes;
        Ok(())
    }

    /// Gives the room that is kept by [`promise`](Self::promise), and no more, to a write that found none, until
    /// [`set_aside`](Self::set_aside). False if there is none.
    fn redeem(&self) -> bool {
        false
    }

    /// How many bytes it has for a log beside the file, which [`set_len`](Self::set_len) does not touch: 0, by default, for none.
    fn log_len(&self) -> u64 {
        0
    }

    /// Fills `out` with the first bytes of the log. What was never written there are zeros, or what an earlier use of the place left.
    ///
    /// # Errors
    /// What the host reports; [`Unsupported`](io::ErrorKind::Unsupported), by default, where there is none, as of the two below.
    fn read_log(&self, out: &mut [u8]) -> io::Result<()> {
        let _ = out;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Writes all of `data` at `offset` of the log.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn write_log(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let _ = (offset, data);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Makes what was written to the log last, and puts nothing else in force.
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush).
    fn flush_log(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Lets others have it.
    fn give_free(&self) {}
}
