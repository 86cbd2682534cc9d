//! Character devices.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use anystorage_api::{MaybeSend, MaybeSync};

use crate::ioctl::{Argument, is_of_terminals};
use crate::{DeviceNumber, Errno, Result, random};

/// The number of `/dev/null`.
pub const NULL: DeviceNumber = DeviceNumber::new(1, 3);
/// The number of `/dev/zero`.
pub const ZERO: DeviceNumber = DeviceNumber::new(1, 5);
/// The number of `/dev/random`.
pub const RANDOM: DeviceNumber = DeviceNumber::new(1, 8);
/// The number of `/dev/urandom`.
pub const URANDOM: DeviceNumber = DeviceNumber::new(1, 9);

/// The driver of a character device.
pub trait Device: Debug + MaybeSend + MaybeSync + 'static {
    /// Reads into `buf` and returns how many bytes that were; 0 is the end.
    ///
    /// # Errors
    /// `EAGAIN` if it would have to wait, and may not (`nonblocking`) or cannot.
    fn read(&self, buf: &mut [u8], nonblocking: bool) -> Result<usize>;

    /// Writes, and returns how many bytes it took.
    ///
    /// # Errors
    /// What the device reports.
    fn write(&self, data: &[u8], nonblocking: bool) -> Result<usize>;

    /// Does what else there is to ask of it.
    ///
    /// # Errors
    /// `EINVAL` for a request that it does not know. The default knows none, and answers `ENOTTY` to those for terminals.
    fn ioctl(&self, request: u32, argument: &mut Argument<'_>) -> Result<i32> {
        let _ = argument;
        Err(if is_of_terminals(request) { Errno::ENOTTY } else { Errno::EINVAL })
    }

    /// Whether `lseek`, `pread` and `pwrite` are allowed; a position means nothing all the same.
    fn is_seekable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
enum Memory {
    Null,
    Zero,
    Random,
}

impl Device for Memory {
    fn read(&self, buf: &mut [u8], _nonblocking: bool) -> Result<usize> {
        match self {
            Self::Null => return Ok(0),
            Self::Zero => buf.fill(0),
            Self::Random => random::fill(buf)?,
        }
        Ok(buf.len())
    }

    fn write(&self, data: &[u8], _nonblocking: bool) -> Result<usize> {
        Ok(data.len())
    }

    fn is_seekable(&self) -> bool {
        true
    }
}

/// Those that every face has.
pub(crate) fn built_in() -> BTreeMap<DeviceNumber, Arc<dyn Device>> {
    let device = |number, kind| (number, Arc::new(kind) as Arc<dyn Device>);
    [device(NULL, Memory::Null), device(ZERO, Memory::Zero), device(RANDOM, Memory::Random), device(URANDOM, Memory::Random)].into()
}
