//! The bytes of files: reading, writing, cutting.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use futures_lite::future::zip;

use crate::engine::{Engine, MapEdit};
use crate::format::Key;
use crate::records::{Inode, Kind, Record};
use crate::state::State;
use crate::store::KvStore;

/// So many freed runs are kept in memory; more go to the store.
const MOST_FREED: usize = 4096;

/// So many blocks are looked up together, rather than one by one.
const FOUND_TOGETHER: u64 = 4;

/// In bytes.
const READ_AT_ONCE: usize = 1 << 20;

/// Refuses to give bytes to a link, which a handle may reach that was open before the file became one.
fn has_bytes(inode: &Inode, operation: Operation) -> Result<()> {
    match inode.kind {
        Kind::Symlink => Err(Error::new(ErrorKind::InvalidInput, operation).with_text("it is a symbolic link by now")),
        _ => Ok(()),
    }
}

impl<S: KvStore> Engine<S> {
    /// Reads from `offset` on, and returns how many bytes there were.
    pub(crate) async fn read_at(&self, ino: u64, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let state = self.shared(Operation::Read).await?;
        self.read_from(&state, ino, offset, buf).await
    }

    pub(crate) async fn read_from(&self, state: &State, ino: u64, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let inode = self.inode(state, ino).await?;
        let rest = usize::try_from(inode.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = rest.min(buf.len());
        let buf = buf.get_mut(..count).unwrap_or_default();
        // Small files are read ahead of who reads them.
        let is_alone = S::LOCATES && !self.reads_on(ino, offset, count) && inode.len > self.block_size as u64;
        let (_, within) = self.position(offset);
        let blocks = (within + count).div_ceil(self.block_size) as u64;
        if !self.options.immediate && (2..FOUND_TOGETHER).contains(&blocks) {
            // The store is asked for the second while it looks for the first.
            let first = self.block_size - within;
            let (head, tail) = buf.split_at_mut(first);
            let head = self.read_blocks(state, &inode, ino, offset, head, is_alone);
            let tail = self.read_blocks(state, &inode, ino, offset + first as u64, tail, is_alone);
            let (head, tail) = zip(head, tail).await;
            head.and(tail)?;
        } else {
            self.read_blocks(state, &inode, ino, offset, buf, is_alone).await?;
        }
        Ok(count)
    }

    /// Fills `buf` with what the file has from `offset` on, which may be some of that alone.
    async fn read_blocks(&self, state: &State, inode: &Inode, ino: u64, offset: u64, mut buf: &mut [u8], is_alone: bool) -> Result<()> {
        let map = MapEdit::new(self, state);
        let mut at = offset;
        // What was found together with a block before.
        let mut found = Vec::<Vec<u8>>::new().into_iter();
        while !buf.is_empty() {
            let (block, within) = self.position(at);
            let wanted = within + buf.len();
            let (piece, rest) = buf.split_at_mut(buf.len().min(self.block_size - within));
            match (found.next(), state.block(ino, block)) {
                (Some(bytes), _) => copy_out(&bytes, within, piece),
                (None, Some(bytes)) => copy_out(bytes, within, piece),
                (None, None) => match map.run_at(&inode.map, ino, block, self.unchanged_blocks(state, ino, block, wanted)).await? {
                    Some(run) if run.count >= FOUND_TOGETHER => {
                        found = self.stored_blocks(ino, run).await?.into_iter();
                        copy_out(&found.next().unwrap_or_default(), within, piece);
                    }
                    Some(run) => self.read_stored((ino, block, run.version), within, piece, is_alone).await?,
                    None => piece.fill(0),
                },
            }
            at += piece.len() as u64;
            buf = rest;
        }
        Ok(())
    }

    /// How many blocks from this one on are not changed, and are wanted for so many bytes; not more than are read at once.
    fn unchanged_blocks(&self, state: &State, ino: u64, block: u64, bytes: usize) -> u64 {
        let wanted = bytes.div_ceil(self.block_size).min((READ_AT_ONCE / self.block_size).max(1)) as u64;
        if wanted < FOUND_TOGETHER {
            return wanted;
        }
        state.blocks_of(ino, block).next().map_or(wanted, |(changed, _)| wanted.min(changed - block))
    }

    /// Writes all of `data`, or what comes before an error. The end has been checked.
    pub(crate) async fn write_at(&self, ino: u64, offset: u64, data: &[u8]) -> Result<()> {
        // In this order: whoever is polled first has the turn first.
        let (turn, ()) = zip(self.turn(), self.edges_ahead(ino, offset, data.len())).await;
        let mut state = self.changing_in(turn, Operation::Write).await?;
        self.write_to(&mut state, ino, offset, data).await
    }

    /// Fetches the blocks of which a write leaves something standing, while it waits for its turn: so the store is asked for those of many
    /// writes at once, and not for each after the one before. They are found in memory then; what fails is told by the write, which asks again.
    async fn edges_ahead(&self, ino: u64, offset: u64, len: usize) {
        if self.options.immediate {
            return;
        }
        // Who has it alone is before this write, and may change what it finds.
        let Some(state) = self.state.try_read() else { return };
        let Ok(inode) = self.inode(&state, ino).await else { return };
        let end = offset + len as u64;
        let (first, last) = (self.position(offset).0, self.position(end - 1).0);
        let _ = self.standing(&state, &inode, ino, first, offset, end).await;
        if last != first {
            let _ = self.standing(&state, &inode, ino, last, offset, end).await;
        }
    }

    pub(crate) async fn write_to(&self, state: &mut State, ino: u64, offset: u64, data: &[u8]) -> Result<()> {
        let mut at = offset;
        for piece in data.chunks((self.options.dirty_bytes / 2).max(self.block_size)) {
            self.make_room(state, piece.len()).await?;
            self.write_piece(state, ino, at, piece).await?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    async fn write_piece(&self, state: &mut State, ino: u64, offset: u64, mut data: &[u8]) -> Result<()> {
        let mut inode = Inode::clone(&*self.inode(state, ino).await?);
        has_bytes(&inode, Operation::Write)?;
        let end = offset + data.len() as u64;
        // What can fail comes first: the blocks at the edges, of which only a part is written.
        let (first_block, last_block) = (self.position(offset).0, self.position(end - 1).0);
        let mut first = self.standing(state, &inode, ino, first_block, offset, end).await?;
        let mut last = match last_block == first_block {
            true => None,
            false => self.standing(state, &inode, ino, last_block, offset, end).await?,
        };
        let mut at = offset;
        while !data.is_empty() {
            let (block, within) = self.position(at);
            let (piece, rest) = data.split_at(data.len().min(self.block_size - within));
            let stored = if at == offset { first.take() } else { last.take_if(|_| block == last_block) };
            state.change_block(ino, block, stored.unwrap_or_default(), |bytes| overwrite(bytes, within, piece));
            at += piece.len() as u64;
            data = rest;
        }
        inode.len = inode.len.max(end);
        self.content_changed(state, &mut inode);
        state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        Ok(())
    }

    /// The stored bytes of a block, if a write from `offset` to `end` leaves some of them standing.
    async fn standing(&self, state: &State, inode: &Inode, ino: u64, block: u64, offset: u64, end: u64) -> Result<Option<Vec<u8>>> {
        let start = block.saturating_mul(self.block_size as u64);
        let covered = offset <= start && end >= start.saturating_add(self.block_size as u64).min(inode.len);
        if covered || state.block(ino, block).is_some() {
            return Ok(None);
        }
        match MapEdit::new(self, state).version_of(&inode.map, ino, block).await? {
            Some(version) => Ok(Some(self.stored_block(ino, block, version).await?.to_vec())),
            None => Ok(None),
        }
    }

    /// Cuts a file, or lengthens it with zeros.
    pub(crate) async fn set_len(&self, ino: u64, len: u64) -> Result<()> {
        let mut state = self.shrinking(Operation::SetLen).await?;
        self.set_len_to(&mut state, ino, len).await
    }

    pub(crate) async fn set_len_to(&self, state: &mut State, ino: u64, len: u64) -> Result<()> {
        let mut inode = Inode::clone(&*self.inode(state, ino).await?);
        has_bytes(&inode, Operation::SetLen)?;
        if len < inode.len {
            self.cut(state, ino, &mut inode, len).await?;
        }
        inode.len = len;
        self.content_changed(state, &mut inode);
        state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        if state.freed.values().map(Vec::len).sum::<usize>() > MOST_FREED {
            match self.spill_freed(state).await {
                // The file is cut, and what it has let go can stay in memory until there is space.
                Err(full) if full.kind() == ErrorKind::NoSpace => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Lets go all that is stored behind `len`.
    async fn cut(&self, state: &mut State, ino: u64, inode: &mut Inode, len: u64) -> Result<()> {
        let (edge, within) = self.position(len);
        let beyond = if within == 0 { edge } else { edge + 1 };
        let mut trimmed = None;
        if within > 0
            && state.block(ino, edge).is_none()
            && let Some(version) = MapEdit::new(self, state).version_of(&inode.map, ino, edge).await?
        {
            let stored = self.stored_block(ino, edge, version).await?;
            trimmed = stored.get(..within).filter(|_| stored.len() > within).map(<[u8]>::to_vec);
        }
        let mut freed = Vec::new();
        let mut edit = MapEdit::new(self, state);
        let mut map = std::mem::take(&mut inode.map);
        let cut = map.cut(&mut edit, ino, beyond, &mut |run| freed.push(run)).await;
        let nodes = edit.nodes;
        inode.map = map;
        cut?;
        for (id, node) in nodes {
            state.set(Key::Node(id), node.map(Record::Node));
        }
        if !freed.is_empty() {
            // From now on blocks of these numbers wait to be deleted under the versions of before.
            inode.version = state.ids.take();
            state.freed.entry(ino).or_default().append(&mut freed);
        }
        state.drop_blocks(ino, beyond);
        if let Some(bytes) = trimmed {
            state.change_block(ino, edge, bytes, |_| {});
        } else if state.block(ino, edge).is_some() {
            state.change_block(ino, edge, Vec::new(), |bytes| bytes.truncate(within));
        }
        Ok(())
    }

    pub(crate) fn content_changed(&self, state: &mut State, inode: &mut Inode) {
        inode.revision = Self::next_revision(state);
        inode.modified = (self.options.clock)().map(Into::into);
        if !inode.changed.content {
            inode.changed.content = true;
            inode.stamp = state.ids.take();
        }
    }

    /// The number of the block at `offset`, and where in it that is.
    pub(crate) const fn position(&self, offset: u64) -> (u64, usize) {
        let size = self.block_size as u64;
        (offset / size, (offset % size) as usize)
    }
}

/// Puts `piece` at `from`, over what is there; before it there are zeros, if there was nothing.
fn overwrite(bytes: &mut Vec<u8>, from: usize, piece: &[u8]) {
    bytes.resize(bytes.len().max(from), 0);
    let (over, behind) = piece.split_at(piece.len().min(bytes.len() - from));
    if let Some(target) = bytes.get_mut(from..from + over.len()) {
        target.copy_from_slice(over);
    }
    bytes.extend_from_slice(behind);
}

/// Bytes of a block; behind what is stored of it there are zeros.
pub(crate) fn copy_out(bytes: &[u8], from: usize, piece: &mut [u8]) {
    let stored = bytes.get(from..).unwrap_or_default();
    let (head, tail) = piece.split_at_mut(piece.len().min(stored.len()));
    head.copy_from_slice(stored.get(..head.len()).unwrap_or_default());
    tail.fill(0);
}
