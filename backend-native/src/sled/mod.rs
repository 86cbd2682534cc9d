//! Files in a sled store.

mod error;
mod geometry;
mod options;
mod place;
mod room;
mod store;
#[cfg(feature = "conformance")]
pub mod subject;

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::KvBackend;

pub use crate::faults::FlushSwitch;
pub use options::{Mode, SledOptions};
pub use store::SledStore;

/// Files in a sled store.
pub type SledBackend = KvBackend<SledStore>;

/// Opens the location in a directory.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) if it is not there and the mode does not create it; [`InvalidInput`](ErrorKind::InvalidInput) if the
/// directory holds something else; [`Locked`](ErrorKind::Locked) with the process that holds it, where the host tells;
/// [`NotADirectory`](ErrorKind::NotADirectory), [`PermissionDenied`](ErrorKind::PermissionDenied) as the host says;
/// [`Corrupt`](ErrorKind::Corrupt) if it is damaged, [`Unsupported`](ErrorKind::Unsupported) if a newer version wrote it.
pub fn open(path: impl AsRef<Path>, options: &SledOptions) -> Result<SledBackend> {
    over(SledStore::open(path, options)?, options)
}

/// The same with flushes that a switch can make fail.
///
/// # Errors
/// As [`open`].
pub fn open_with_faults(path: impl AsRef<Path>, options: &SledOptions) -> Result<(SledBackend, FlushSwitch)> {
    let (store, switch) = SledStore::open_with_faults(path, options)?;
    Ok((over(store, options)?, switch))
}

fn over(store: SledStore, options: &SledOptions) -> Result<SledBackend> {
    let options = options.kv(store.geometry()?);
    // Every call of the store is ready at once, so this is.
    match pin!(KvBackend::open(store, options)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(backend) => backend,
        Poll::Pending => Err(Error::new(ErrorKind::WouldBlock, Operation::OpenLocation)),
    }
}
