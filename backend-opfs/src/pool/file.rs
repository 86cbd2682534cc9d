//! An OPFS file of the pool.

use std::cell::Cell;
use std::rc::Weak;

use anystorage_api::Result;
use anystorage_pool::RawFile;
use wasm_bindgen_futures::spawn_local;

use super::More;
use crate::handle::Handle;
use crate::hold::Hold;

/// Cut by fewer bytes, a file may keep their space: to close it and open it again is not worth that.
const MUCH: u64 = 256 << 10;

/// Its handle; that of the table has the location as well, which is given back once it is closed.
#[derive(Debug)]
pub(super) struct OpfsFile {
    handle: Handle,
    /// Whether much was cut off. Chromium counts that against the quota until the handle is closed.
    keeps_space: Cell<bool>,
    /// Its number, and where it can be opened again; none for the table.
    origin: Option<(u32, Weak<More>)>,
    _hold: Option<Hold>,
}

impl OpfsFile {
    pub(super) const fn new(handle: Handle, number: u32, more: Weak<More>) -> Self {
        Self { handle, keeps_space: Cell::new(false), origin: Some((number, more)), _hold: None }
    }

    pub(super) const fn holding(handle: Handle, hold: Hold) -> Self {
        Self { handle, keeps_space: Cell::new(false), origin: None, _hold: Some(hold) }
    }
}

impl RawFile for OpfsFile {
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.handle.read(offset, buf)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.handle.write(offset, data)
    }

    fn len(&self) -> Result<u64> {
        self.handle.len()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let cut = self.handle.len()?.saturating_sub(len);
        self.handle.set_len(len)?;
        if cut >= MUCH {
            self.keeps_space.set(true);
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        self.handle.flush()
    }

    fn keeps_space(&self) -> bool {
        self.keeps_space.get()
    }

    fn retire(self) {
        let Self { handle, origin, .. } = self;
        drop(handle);
        let Some((number, more)) = origin else { return };
        spawn_local(async move {
            if let Some(more) = more.upgrade()
                && let Err(error) = more.reopen(number).await
            {
                log::warn!(
                    "file {number} of the pool, which was closed for its space, is not open until the location is opened again: {error}"
                );
            }
        });
    }
}
