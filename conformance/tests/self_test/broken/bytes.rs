//! Faults in reading, writing and lengths.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anystorage_api::{Error, ErrorKind, Metadata, Operation, Result, StorageFile, StoragePath};
use futures_lite::future::yield_now;

use super::{Inner, Opened, fault, faults};

faults! {
    "offsets lose their upper 32 bits" => OffsetsLoseTheirUpperHalf {},
    "offsets beyond 2 GiB are refused" => OffsetsAreSigned32 {},
    "only writes lose the upper 32 bits of their offset" => WritesLoseTheirUpperHalf {},
    "lengths lose their upper 32 bits" => LengthsLoseTheirUpperHalf {},
    "write_at takes a short count for done" => WritesAreShort {},
    "write_at beyond the end lands at the end" => WritesAppend {},
    "read_at stops after 4096 bytes" => ReadsAreShort {},
    "read_at stops at block boundaries" => ReadsStopAtBlocks {},
    "read_at fills the buffer behind the end" => ReadsRunOn {},
    "read_at beyond the end is an error" => ReadsBeyondTheEndFail {},
    "what was cut off comes back" => CutsComeBack::default(),
    "holes are not zeros" => HolesAreFilled {},
    "set_len never lengthens" => NoGrowth {},
    "set_len never cuts" => NoCut {},
    "an empty write lengthens the file" => EmptyWritesLengthen {},
    "a write at the end of what fits is wrapped" => OverflowWraps {},
    "writes beyond max_file_len are dropped in silence" => TooFarIsSilent {},
    "stat remembers the first length" => LengthIsRemembered::default(),
    "reads come from a cache that writes do not touch" => ReadsAreStale::default(),
    "writes wait in the handle until its sync" => WritesWait::default(),
    "a dropped write is cut short" => WritesAreCancelled {},
    "writes under way together are mixed" => WritesAreMixed {},
    "waiting writes are done in the wrong order" => WritesAreReordered::default(),
    "a write polled once and dropped is not done at all" => DroppedWritesAreLost {},
    "set_len polled once and dropped is not done" => DroppedCutsAreLost {},
    "large writes overtake small ones" => SmallWritesAreLate::default(),
}

fault! { OffsetsLoseTheirUpperHalf {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        file.inner.read_at(u64::from(offset as u32), buf).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.inner.write_at(u64::from(offset as u32), data).await
    }
}

fn beyond_2_gib(operation: Operation, offset: u64) -> Result<()> {
    i32::try_from(offset).map(drop).map_err(|_| Error::new(ErrorKind::InvalidInput, operation))
}

fault! { OffsetsAreSigned32 {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        beyond_2_gib(Operation::Read, offset)?;
        file.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        beyond_2_gib(Operation::Write, offset)?;
        file.inner.write_at(offset, data).await
    }
}

fault! { WritesLoseTheirUpperHalf {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.inner.write_at(u64::from(offset as u32), data).await
    }
}

fault! { LengthsLoseTheirUpperHalf {}
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        file.inner.set_len(u64::from(len as u32)).await
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        let mut found = file.inner.stat().await?;
        found.len = u64::from(found.len as u32);
        Ok(found)
    }
}

fault! { WritesAreShort {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.inner.write_at(offset, &data[..data.len().min(4096)]).await
    }
}

fault! { WritesAppend {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let end = file.inner.stat().await?.len;
        file.inner.write_at(offset.min(end), data).await
    }
}

fault! { ReadsAreShort {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let len = buf.len().min(4096);
        file.inner.read_at(offset, &mut buf[..len]).await
    }
}

fault! { ReadsStopAtBlocks {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let len = buf.len().min(65_536 - (offset % 65_536) as usize);
        file.inner.read_at(offset, &mut buf[..len]).await
    }
}

fault! { ReadsRunOn {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let count = file.inner.read_at(offset, buf).await?;
        buf[count..].fill(0);
        Ok(buf.len())
    }
}

fault! { ReadsBeyondTheEndFail {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match file.inner.read_at(offset, buf).await? {
            0 if !buf.is_empty() => Err(Error::new(ErrorKind::InvalidInput, Operation::Read)),
            count => Ok(count),
        }
    }
}

fault! { CutsComeBack { cut: Mutex<BTreeMap<StoragePath, (u64, Vec<u8>)>> }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        let before = file.inner.stat().await?.len;
        if len < before && file.options.is_read() {
            let mut tail = vec![0; (before - len).min(1 << 20) as usize];
            file.inner.read_at(len, &mut tail).await?;
            self.cut.lock().unwrap().insert(file.path.clone(), (len, tail));
        }
        file.inner.set_len(len).await?;
        self.bring_back(file, before, len).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let before = file.inner.stat().await?.len;
        file.inner.write_at(offset, data).await?;
        self.bring_back(file, before, offset).await
    }
}

impl CutsComeBack {
    async fn bring_back(&self, file: &Opened, before: u64, end: u64) -> Result<()> {
        let cut = self.cut.lock().unwrap().get(&file.path).cloned();
        if let Some((at, tail)) = cut
            && before == at
            && end > before
        {
            file.inner.write_at(at, &tail[..tail.len().min((end - at) as usize)]).await?;
        }
        Ok(())
    }
}

fault! { HolesAreFilled {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let end = file.inner.stat().await?.len;
        if offset > end && !data.is_empty() {
            file.inner.write_at(end, &vec![0xff; (offset - end).min(1 << 20) as usize]).await?;
        }
        file.inner.write_at(offset, data).await
    }
}

fault! { NoGrowth {}
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        let now = file.inner.stat().await?.len;
        file.inner.set_len(len.min(now)).await
    }
}

fault! { NoCut {}
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        let now = file.inner.stat().await?.len;
        file.inner.set_len(len.max(now)).await
    }
}

fault! { EmptyWritesLengthen {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        if data.is_empty() && offset > file.inner.stat().await?.len {
            return file.inner.set_len(offset).await;
        }
        file.inner.write_at(offset, data).await
    }
}

fault! { OverflowWraps {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let max = file.backend.capabilities().max_file_len;
        let offset = if offset.saturating_add(data.len() as u64) > max { offset.wrapping_add(data.len() as u64) % 4096 } else { offset };
        file.inner.write_at(offset, data).await
    }
}

fault! { TooFarIsSilent {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        match file.inner.write_at(offset, data).await {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        }
    }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        match file.inner.set_len(len).await {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        }
    }
}

fault! { LengthIsRemembered { known: Mutex<BTreeMap<StoragePath, Metadata>> }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let found = inner.stat(path).await?;
        Ok(self.known.lock().unwrap().entry(path.clone()).or_insert(found).clone())
    }
}

fault! { ReadsAreStale { known: Mutex<BTreeMap<StoragePath, Vec<u8>>> }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        let data = inner.read(path).await?;
        Ok(self.known.lock().unwrap().entry(path.clone()).or_insert(data).clone())
    }
}

fault! { WritesWait { waiting: Mutex<Vec<(usize, u64, Vec<u8>)>> }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        self.waiting.lock().unwrap().push((number(file), offset, data.to_vec()));
        Ok(())
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.flush(file).await?;
        file.inner.read_at(offset, buf).await
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        self.flush(file).await?;
        file.inner.stat().await
    }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        self.flush(file).await?;
        file.inner.sync().await
    }
    async fn close_file(&self, inner: Box<dyn StorageFile>) -> Result<()> {
        let all = std::mem::take(&mut *self.waiting.lock().unwrap());
        let number = std::ptr::from_ref(&*inner).cast::<()>().addr();
        for (other, offset, data) in all {
            if other == number {
                inner.write_at(offset, &data).await?;
            } else {
                self.waiting.lock().unwrap().push((other, offset, data));
            }
        }
        inner.close().await
    }
}

/// Tells one handle from another.
fn number(file: &Opened) -> usize {
    std::ptr::from_ref(&*file.inner).cast::<()>().addr()
}

impl WritesWait {
    async fn flush(&self, file: &Opened) -> Result<()> {
        let (mine, others) = std::mem::take(&mut *self.waiting.lock().unwrap()).into_iter().partition(|waiting| waiting.0 == number(file));
        *self.waiting.lock().unwrap() = others;
        let mine: Vec<(usize, u64, Vec<u8>)> = mine;
        for (_, offset, data) in mine {
            file.inner.write_at(offset, &data).await?;
        }
        Ok(())
    }
}

fault! { WritesAreCancelled {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let (first, rest) = data.split_at(data.len() / 2);
        file.inner.write_at(offset, first).await?;
        yield_now().await;
        file.inner.write_at(offset + first.len() as u64, rest).await
    }
}

fault! { WritesAreMixed {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        if offset.checked_add(data.len() as u64).is_none() || data.is_empty() {
            return file.inner.write_at(offset, data).await;
        }
        // Whoever comes first is done first in its first half, and last in its second.
        let early = data.len().is_multiple_of(2);
        let (first, rest) = data.split_at(data.len() / 2);
        if !early {
            yield_now().await;
        }
        file.inner.write_at(offset, first).await?;
        yield_now().await;
        let back = if first.first().is_some_and(|byte| byte % 2 == 0) { 0 } else { 2 };
        for _ in 0..back {
            yield_now().await;
        }
        file.inner.write_at(offset + first.len() as u64, rest).await
    }
}

fault! { WritesAreReordered { waiting: Mutex<BTreeMap<StoragePath, Vec<(u64, Vec<u8>)>>> }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        self.waiting.lock().unwrap().entry(file.path.clone()).or_default().push((offset, data.to_vec()));
        Ok(())
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.flush(file).await?;
        file.inner.read_at(offset, buf).await
    }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        file.inner.set_len(len).await?;
        self.flush(file).await
    }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        self.flush(file).await?;
        file.inner.sync().await
    }
}

impl WritesAreReordered {
    async fn flush(&self, file: &Opened) -> Result<()> {
        let waiting = self.waiting.lock().unwrap().remove(&file.path).unwrap_or_default();
        for (offset, data) in waiting.into_iter().rev() {
            file.inner.write_at(offset, &data).await?;
        }
        Ok(())
    }
}

fault! { DroppedWritesAreLost {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        yield_now().await;
        file.inner.write_at(offset, data).await
    }
}

fault! { DroppedCutsAreLost {}
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        yield_now().await;
        file.inner.set_len(len).await
    }
}

fault! { SmallWritesAreLate { waiting: Mutex<Option<(u64, Vec<u8>)>> }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let late = self.waiting.lock().unwrap().take();
        if data.len() < 4096 && late.is_none() {
            *self.waiting.lock().unwrap() = Some((offset, data.to_vec()));
            return Ok(());
        }
        file.inner.write_at(offset, data).await?;
        match late {
            Some((offset, data)) => file.inner.write_at(offset, &data).await,
            None => Ok(()),
        }
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let late = self.waiting.lock().unwrap().take();
        if let Some((offset, data)) = late {
            file.inner.write_at(offset, &data).await?;
        }
        file.inner.read_at(offset, buf).await
    }
}
