use std::io;

/// The errors of the simulated file system: on Linux with their number, elsewhere with their kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errno {
    NotFound,
    Exists,
    NotDirectory,
    IsDirectory,
    Invalid,
    TooLarge,
    NoSpace,
    ReadOnly,
    NameTooLong,
    NotEmpty,
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        let (number, kind) = match errno {
            Errno::NotFound => (2, io::ErrorKind::NotFound),
            Errno::ReadOnly => (9, io::ErrorKind::PermissionDenied),
            Errno::Exists => (17, io::ErrorKind::AlreadyExists),
            Errno::NotDirectory => (20, io::ErrorKind::NotADirectory),
            Errno::IsDirectory => (21, io::ErrorKind::IsADirectory),
            Errno::Invalid => (22, io::ErrorKind::InvalidInput),
            Errno::TooLarge => (27, io::ErrorKind::FileTooLarge),
            Errno::NoSpace => (28, io::ErrorKind::StorageFull),
            Errno::NameTooLong => (36, io::ErrorKind::InvalidFilename),
            Errno::NotEmpty => (39, io::ErrorKind::DirectoryNotEmpty),
        };
        if cfg!(target_os = "linux") { Self::from_raw_os_error(number) } else { Self::from(kind) }
    }
}
