//! Frames of a write-ahead log that are written together.
//!
//! SQLite writes each frame in two calls, its head and its page, one frame behind the other, and syncs or reads when all of a transaction are
//! there. So frames are gathered until the one that commits, or until there are many.

/// The bytes of a frame's head, as in <https://www.sqlite.org/fileformat2.html#walformat>: page number, size of the database in pages if the
/// frame commits and 0 otherwise, salts, checksum.
const HEAD: usize = 24;

/// Where the first frame begins: behind the log's own head, in bytes.
const FIRST: u64 = 32;

/// So many bytes are gathered, at most a page more.
const MANY: usize = 64 << 10;

/// What SQLite has written last and the engine has not got.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    offset: u64,
    bytes: Vec<u8>,
    /// Whether the last piece is the head of a frame.
    in_frame: bool,
    /// Whether a frame commits.
    commits: bool,
    /// Where the next frame is appended, if that is known. Heads elsewhere are of frames that are there already, whose checksums SQLite writes anew,
    /// and no page follows them.
    next: Option<u64>,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is gathered.
    Held,
    /// It is gathered, and all of that has to be written now.
    Due,
    /// It has nothing to do with what is gathered, which goes first.
    Not,
}

impl Ahead {
    /// Takes the next piece of a frame.
    pub(crate) fn take(&mut self, offset: u64, piece: &[u8]) -> Taken {
        let is_head = !self.in_frame;
        if self.bytes.is_empty() {
            self.offset = offset;
        }
        if (is_head && piece.len() != HEAD) || offset != self.end() || (is_head && Some(offset) != self.next) {
            return Taken::Not;
        }
        self.bytes.extend_from_slice(piece);
        self.next = Some(self.end());
        self.in_frame = is_head;
        self.commits |= is_head && piece.get(4..8).is_some_and(|size| size != [0; 4]);
        let is_due = !self.in_frame && (self.commits || self.bytes.len() >= MANY);
        if is_due { Taken::Due } else { Taken::Held }
    }

    /// Takes note of what was written by itself: the log's own head, with which it begins anew, or a part of a frame.
    pub(crate) fn passed(&mut self, offset: u64, piece: &[u8]) {
        if offset == 0 {
            self.next = Some(FIRST);
        } else if piece.len() != HEAD {
            let end = offset.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            self.next = self.next.max(Some(end));
        }
    }

    /// Where it ends in the log.
    fn end(&self) -> u64 {
        self.offset.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    /// How long the log is at least once it is written, in bytes.
    pub(crate) fn least_len(&self) -> u64 {
        if self.bytes.is_empty() { 0 } else { self.end() }
    }

    /// What is to be written, and where; none if there is nothing. It is not asked for again: of a write that fails SQLite hears, and goes back to
    /// the last commit.
    pub(crate) fn write<E>(&mut self, write: impl FnOnce(u64, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let written = if self.bytes.is_empty() { Ok(()) } else { write(self.offset, &self.bytes) };
        self.bytes.clear();
        (self.in_frame, self.commits) = (false, false);
        written
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PAGE: [u8; 512] = [7; 512];

    fn head(commits: bool) -> [u8; HEAD] {
        let mut head = [1; HEAD];
        head[4..8].copy_from_slice(&u32::from(commits).to_be_bytes());
        head
    }

    /// Behind the head of the log.
    fn begun() -> Ahead {
        let mut ahead = Ahead::default();
        ahead.passed(0, &[1; 32]);
        ahead
    }

    fn written(ahead: &mut Ahead) -> Option<(u64, usize)> {
        let mut written = None;
        let outcome: Result<(), ()> = ahead.write(|offset, bytes| {
            written = Some((offset, bytes.len()));
            Ok(())
        });
        outcome.unwrap();
        written
    }

    #[test]
    fn a_transaction_is_one_write() {
        let mut ahead = begun();
        let frame = (HEAD + PAGE.len()) as u64;
        for number in 0..2 {
            assert_eq!(ahead.take(FIRST + number * frame, &head(number == 1)), Taken::Held);
            let taken = ahead.take(FIRST + number * frame + HEAD as u64, &PAGE);
            assert_eq!(taken, if number == 1 { Taken::Due } else { Taken::Held });
        }
        assert_eq!(written(&mut ahead), Some((FIRST, 2 * (HEAD + PAGE.len()))));
        assert_eq!(written(&mut ahead), None);
    }

    #[test]
    fn what_is_no_next_piece_of_a_frame_is_not_taken() {
        let mut ahead = Ahead::default();
        assert_eq!(ahead.take(FIRST, &head(false)), Taken::Not, "a head of which nobody knows whether a page follows");
        assert_eq!(ahead.take(0, &[1; 32]), Taken::Not, "the head of the log");
        ahead.passed(0, &[1; 32]);
        assert_eq!(ahead.take(FIRST, &PAGE), Taken::Not, "a page without a head");
        assert_eq!(ahead.take(FIRST, &head(false)), Taken::Held);
        assert_eq!(ahead.take(FIRST + 1000, &PAGE), Taken::Not, "a page elsewhere");
        assert_eq!(written(&mut ahead), Some((FIRST, HEAD)));
        ahead.passed(FIRST + 1000, &PAGE);
        assert_eq!(ahead.take(FIRST, &head(true)), Taken::Not, "the head of a frame that is there, with its checksum anew");
        assert_eq!(ahead.take(FIRST + 1512, &head(false)), Taken::Held, "the next one");
    }

    #[test]
    fn a_long_transaction_is_written_in_parts() {
        let mut ahead = begun();
        let mut offset = FIRST;
        let mut writes = 0;
        for _ in 0..1000 {
            for piece in [head(false).as_slice(), &PAGE] {
                let taken = ahead.take(offset, piece);
                offset += piece.len() as u64;
                if taken == Taken::Due {
                    writes += 1;
                    let (_, len) = written(&mut ahead).unwrap();
                    assert!(len <= MANY + HEAD + PAGE.len(), "{len}");
                }
            }
        }
        assert_eq!(writes, 1000 * (HEAD + PAGE.len()) / MANY);
    }
}
