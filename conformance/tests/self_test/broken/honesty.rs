//! Faults in what an engine says of itself, and in how it says no.

use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Durability, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath,
    Usage,
};
use futures_lite::future::yield_now;

use super::{Inner, Opened, fault, faults};

faults! {
    "durability is claimed" => ClaimsDurability {},
    "immediate is claimed, and calls wait" => ClaimsImmediate {},
    "immediate is claimed, and file calls wait" => ClaimsImmediateFiles {},
    "attributes are claimed" => ClaimsAttributes {},
    "attributes are taken and forgotten" => FakesAttributes {},
    "usage is claimed, and not offered" => ClaimsUsage {},
    "usage is not claimed, and answered" => FakesUsage {},
    "usage knows nothing" => UsageKnowsNothing {},
    "usage says more free than there is" => UsageIsOptimistic {},
    "capabilities change" => CapabilitiesChange::default(),
    "capabilities say less than the table" => SaysLess {},
    "files longer than declared are taken" => TakesLongerFiles {},
    "names of length nought are declared" => NoNames {},
    "shared is claimed" => ClaimsShared {},
    "unsupported calls are input/output errors" => UnsupportedIsIo {},
    "errors do not say which path" => ErrorsHaveNoPath {},
    "errors name another operation" => ErrorsNameAnotherOperation {},
    "every error is `Io`" => EverythingIsIo {},
    "set_attributes writes into the file" => AttributesWrite {},
    "unsupported calls are dropped as invalid input" => UnsupportedIsInvalid {},
}

fault! { ClaimsDurability {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().durability(Durability::PowerLoss)
    }
}

fault! { ClaimsImmediate {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().immediate(true)
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        yield_now().await;
        inner.stat(path).await
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        yield_now().await;
        inner.list(directory, after, limit).await
    }
    async fn sync(&self, inner: &Inner) -> Result<()> {
        yield_now().await;
        inner.sync().await
    }
}

fault! { ClaimsImmediateFiles {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        yield_now().await;
        file.inner.read_at(offset, buf).await
    }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        yield_now().await;
        file.inner.sync().await
    }
}

fault! { ClaimsAttributes {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().attributes(true)
    }
}

fault! { FakesAttributes {}
    async fn set_attributes(&self, _: &Inner, _: &StoragePath, _: &Attributes) -> Result<()> {
        Ok(())
    }
}

fault! { ClaimsUsage {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().usage(true)
    }
    async fn usage(&self, _: &Inner) -> Result<Usage> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Usage))
    }
}

fault! { FakesUsage {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().usage(false)
    }
    async fn usage(&self, _: &Inner) -> Result<Usage> {
        Ok(Usage::default())
    }
}

fault! { UsageKnowsNothing {}
    async fn usage(&self, _: &Inner) -> Result<Usage> {
        Ok(Usage::default())
    }
}

fault! { UsageIsOptimistic {}
    async fn usage(&self, inner: &Inner) -> Result<Usage> {
        let usage = inner.usage().await?;
        Ok(Usage::new(Some(0), usage.quota, Some(u64::MAX)))
    }
}

fault! { CapabilitiesChange { asked: AtomicBool }
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        let again = self.asked.swap(true, Ordering::Relaxed);
        inner.capabilities().max_name_len(if again { 200 } else { 255 }).usage(again)
    }
}

fault! { SaysLess {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().atomic_rename_dir(false).usage(false)
    }
}

fault! { TakesLongerFiles {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().max_file_len(1 << 34)
    }
}

fault! { NoNames {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().max_name_len(0)
    }
}

fault! { ClaimsShared {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().shared(true)
    }
}

fn instead<T>(of: ErrorKind, other: ErrorKind, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| if error.kind() == of { Error::new(other, error.operation()) } else { error })
}

fault! { UnsupportedIsIo {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        instead(ErrorKind::Unsupported, ErrorKind::Io, inner.set_attributes(path, attributes).await)
    }
}

fn without_path<T>(outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| Error::new(error.kind(), error.operation()))
}

fault! { ErrorsHaveNoPath {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        without_path(inner.open(path, options).await)
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        without_path(inner.stat(path).await)
    }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        without_path(inner.read(path).await)
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        without_path(inner.rename(from, to).await)
    }
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        without_path(inner.remove_file(path).await)
    }
}

fault! { ErrorsNameAnotherOperation {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(path, options).await.map_err(|error| error.in_operation(Operation::Copy))
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        inner.stat(path).await.map_err(|error| error.in_operation(Operation::Copy))
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await.map_err(|error| error.in_operation(Operation::Copy))
    }
}

fn io<T>(outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| Error::new(ErrorKind::Io, error.operation()))
}

fault! { EverythingIsIo {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        io(inner.open(path, options).await)
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        io(inner.stat(path).await)
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        io(inner.list(directory, after, limit).await)
    }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        io(inner.read(path).await)
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        io(file.inner.write_at(offset, data).await)
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        io(file.inner.read_at(offset, buf).await)
    }
}

fault! { AttributesWrite {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        if inner.stat(path).await.is_ok_and(|found| found.is_file()) {
            inner.write(path, format!("{attributes:?}").as_bytes()).await?;
        }
        inner.set_attributes(path, attributes).await
    }
}

fault! { UnsupportedIsInvalid {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        instead(ErrorKind::Unsupported, ErrorKind::InvalidInput, inner.set_attributes(path, attributes).await)
    }
    async fn usage(&self, inner: &Inner) -> Result<Usage> {
        instead(ErrorKind::Unsupported, ErrorKind::InvalidInput, inner.usage().await)
    }
}
