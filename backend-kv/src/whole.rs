//! Whole files: reading them, and replacing them at once.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use crate::engine::Engine;
use crate::format::Key;
use crate::records::{Inode, Kind, Record};
use crate::state::State;
use crate::store::KvStore;

impl<S: KvStore> Engine<S> {
    pub(crate) async fn replace(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let mut state = self.growing(Operation::Write).await?;
        let Some((_, there)) = self.place(&state, path).await? else {
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Write));
        };
        let mode = match there {
            Some(there) => {
                check_file(there.kind, Operation::Write)?;
                self.inode(&state, there.ino).await?.mode
            }
            None => None,
        };
        let ino = self.new_ino(&mut state);
        let inode = Inode { mode, ..Inode::new(Kind::File, ino, None) };
        state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        // Without a name, it is kept by being open.
        self.handles.acquire(ino);
        let written = self.fill_and_bind(&mut state, path, ino, data).await;
        if written.is_err() {
            self.handles.remove(ino);
        }
        self.handles.release(ino);
        self.let_go_released(&mut state).await?;
        written
    }

    async fn fill_and_bind(&self, state: &mut State, path: &StoragePath, ino: u64, data: &[u8]) -> Result<()> {
        self.set_len_to(state, ino, 0).await?;
        self.write_to(state, ino, 0, data).await?;
        let Some((place, there)) = self.place(state, path).await? else {
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Write));
        };
        let mut inode = Inode::clone(&*self.inode(state, ino).await?);
        if let Some(there) = there {
            self.unbind(state, &place, there.ino).await?;
            inode.changed.replaced = true;
        }
        self.bind(state, place, ino, inode).await
    }

    pub(crate) async fn read_whole(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let state = self.shared(Operation::Read).await?;
        let entry = self.find(&state, path).await?;
        check_file(entry.kind, Operation::Read)?;
        let len = self.inode(&state, entry.ino).await?.len;
        let too_large = || Error::new(ErrorKind::InvalidInput, Operation::Read).with_text(format!("{len} bytes do not fit into memory"));
        let len = usize::try_from(len).map_err(|_| too_large())?;
        let mut data = Vec::new();
        data.try_reserve_exact(len).map_err(|_| too_large())?;
        data.resize(len, 0);
        self.read_from(&state, entry.ino, 0, &mut data).await?;
        Ok(data)
    }
}

/// Refuses what is no file.
pub(crate) fn check_file(kind: Kind, operation: Operation) -> Result<()> {
    match kind {
        Kind::File => Ok(()),
        Kind::Directory => Err(Error::new(ErrorKind::IsADirectory, operation)),
        Kind::Symlink => {
            let text = "it is a symbolic link, which this engine does not follow";
            Err(Error::new(ErrorKind::InvalidInput, operation).with_text(text))
        }
    }
}
