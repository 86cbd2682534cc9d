//! What one call through the plug costs when the engine does nothing: a boxed future, polled once.

use std::hint::black_box;

use anystorage_api::{Metadata, Result, StorageFile, engine};

use crate::measure::{Outcome, at_once, nothing, pair};
use crate::report::Report;
use crate::scale::{BLOCK, Scale};

#[derive(Debug)]
struct Nothing;

impl Nothing {
    #[inline(never)]
    fn read_directly(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        black_box((self, offset));
        Ok(buf.len())
    }
}

#[engine]
impl StorageFile for Nothing {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.read_directly(offset, buf)
    }
    async fn write_at(&self, _offset: u64, _data: &[u8]) -> Result<()> {
        Ok(())
    }
    async fn set_len(&self, _len: u64) -> Result<()> {
        Ok(())
    }
    async fn stat(&self) -> Result<Metadata> {
        Ok(Metadata::file(0))
    }
    async fn sync(&self) -> Result<()> {
        Ok(())
    }
    async fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

pub(crate) fn measure(scale: &Scale, report: &mut Report) -> Outcome {
    let boxed: Box<dyn StorageFile> = black_box(Box::new(Nothing));
    let (mut into, mut by_hand) = (vec![0; BLOCK], vec![0; BLOCK]);
    let medians = pair(
        scale.rounds,
        scale.calls,
        || {
            for offset in 0..scale.calls {
                black_box(at_once(boxed.read_at(offset as u64, &mut into))?);
            }
            Ok(())
        },
        || {
            for offset in 0..scale.calls {
                black_box(Nothing.read_directly(offset as u64, &mut by_hand)?);
            }
            Ok(())
        },
        nothing,
    )?;
    report.add("none", "the boxed call by itself", "a direct call", None, medians);
    Ok(())
}
