//! What the host said, as an error of the engine.

use std::io;

use anystorage_api::{Error, ErrorKind, Operation, StoragePath};
use rustix::io::Errno;

/// The error for what the host said about `path`.
pub(super) fn host_error(error: io::Error, operation: Operation, path: &StoragePath) -> Error {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    let (kind, text) = match code {
        Some(Errno::LOOP) => (ErrorKind::Io, "symbolic links lead in a circle here"),
        Some(Errno::MFILE) => (ErrorKind::Io, "this process has too many files open: close some, or raise its limit (ulimit -n)"),
        Some(Errno::NFILE) => (ErrorKind::Io, "the whole system has too many files open"),
        Some(Errno::BUSY) => (ErrorKind::PermissionDenied, "the host uses it itself: a mount point, perhaps"),
        Some(Errno::XDEV) => (ErrorKind::Unsupported, "the two paths lie on different file systems; copy instead"),
        Some(Errno::NXIO | Errno::NODEV) => (ErrorKind::Unsupported, "this is a pipe, a socket or a device, not a regular file"),
        Some(Errno::AGAIN) => (ErrorKind::Io, "the host's directories changed too fast to follow them; try again"),
        None if error.kind() == io::ErrorKind::PermissionDenied => {
            (ErrorKind::PermissionDenied, "a symbolic link on this path leads out of the root")
        }
        _ => return Error::from_io(error, operation).with_path(path),
    };
    Error::new(kind, operation).with_path(path).with_text(text).with_cause(error)
}

/// Whether the host has no descriptor left to open anything with.
pub(super) fn is_lack_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw_os_error).is_some_and(|code| code == Errno::MFILE || code == Errno::NFILE)
}
