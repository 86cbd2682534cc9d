use std::fmt;

use anystorage_api::{Error, ErrorKind};

/// `std::result::Result` with [`Errno`].
pub type Result<T, E = Errno> = std::result::Result<T, E>;

/// What a call failed with: a number of `errno(3)`, with the values that Linux has on most machines (x86, ARM, RISC-V).
///
/// ```
/// use anystorage_vfs::{Errno, Raw};
///
/// assert_eq!(Errno::ENOENT.number(), 2);
/// assert_eq!(Err::<(), _>(Errno::ENOENT).raw(), -2);
/// assert_eq!(Errno::ENOENT.to_string(), "ENOENT: no such file or directory");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(i32);

macro_rules! numbers {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Self = Self($number);)*

            /// Its name, such as `ENOENT`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)*
                    _ => "unknown",
                }
            }

            /// What it means, in words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "an error without a name",
                }
            }
        }
    };
}

numbers! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such file or directory";
    EIO = 5, "input/output error";
    ENXIO = 6, "no such device or address";
    EBADF = 9, "bad file descriptor";
    EAGAIN = 11, "try again";
    EACCES = 13, "permission denied";
    EFAULT = 14, "an argument of the wrong type";
    EBUSY = 16, "device or resource busy";
    EEXIST = 17, "file exists";
    EXDEV = 18, "a link between mounts";
    ENODEV = 19, "no such device";
    ENOTDIR = 20, "not a directory";
    EISDIR = 21, "is a directory";
    EINVAL = 22, "invalid argument";
    EMFILE = 24, "too many open files";
    ENOTTY = 25, "not a terminal";
    EFBIG = 27, "file too large";
    ENOSPC = 28, "no space left on device";
    ESPIPE = 29, "illegal seek";
    EROFS = 30, "read-only file system";
    ENAMETOOLONG = 36, "file name too long";
    ENOSYS = 38, "function not implemented";
    ENOTEMPTY = 39, "directory not empty";
    ELOOP = 40, "too many symbolic links";
    EOVERFLOW = 75, "value too large";
    EOPNOTSUPP = 95, "operation not supported";
    ENOTCONN = 107, "not connected";
    EUCLEAN = 117, "stored bytes are damaged";
}

impl Errno {
    /// From a number, for devices of one's own that pass on what a host says. A number that is not positive is `EIO`.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        if number > 0 { Self(number) } else { Self::EIO }
    }

    /// The number: positive, as `errno` has it.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The number as system calls return it: negative.
    #[must_use]
    pub const fn negative(self) -> i32 {
        -self.0
    }

    /// Whether something is wrong with what is stored or with where it is stored, and not with the call.
    pub(crate) const fn is_grave(self) -> bool {
        matches!(self, Self::EIO | Self::ENOSPC | Self::EUCLEAN | Self::ENOTCONN)
    }
}

impl From<&Error> for Errno {
    /// As [`ErrorKind::errno`], but in the words of system calls: names are checked before an engine sees them, so one that it refuses is
    /// too long for it; and an engine that was closed below the face is a broken device, not a bad descriptor.
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidPath => Self::ENAMETOOLONG,
            ErrorKind::Closed => Self::EIO,
            kind => Self(kind.errno()),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.meaning())
    }
}

impl std::error::Error for Errno {}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match errno {
            Errno::ENOENT => Io::NotFound,
            Errno::EEXIST => Io::AlreadyExists,
            Errno::ENOTDIR => Io::NotADirectory,
            Errno::EISDIR => Io::IsADirectory,
            Errno::ENOTEMPTY => Io::DirectoryNotEmpty,
            Errno::EINVAL => Io::InvalidInput,
            Errno::EACCES | Errno::EPERM => Io::PermissionDenied,
            Errno::ENOSPC => Io::StorageFull,
            Errno::EBUSY => Io::ResourceBusy,
            Errno::EAGAIN => Io::WouldBlock,
            Errno::EXDEV => Io::CrossesDevices,
            Errno::EFBIG => Io::FileTooLarge,
            Errno::EROFS => Io::ReadOnlyFilesystem,
            Errno::ESPIPE => Io::NotSeekable,
            Errno::ENAMETOOLONG => Io::InvalidFilename,
            Errno::EOPNOTSUPP | Errno::ENOSYS => Io::Unsupported,
            Errno::EUCLEAN => Io::InvalidData,
            _ => Io::Other,
        };
        Self::new(kind, errno)
    }
}

/// An outcome as system calls return it: 0 or the number that was asked for, or else an errno, negated.
pub trait Raw {
    /// That number.
    fn raw(&self) -> i64;
}

macro_rules! raw {
    ($($type:ty),*) => {
        $(impl Raw for Result<$type> {
            fn raw(&self) -> i64 {
                self.as_ref().map_or_else(|errno| i64::from(errno.negative()), |value| i64::try_from(*value).unwrap_or(i64::MAX))
            }
        })*
    };
}

raw!(i32, u32, u64, i64, usize);

impl Raw for Result<()> {
    fn raw(&self) -> i64 {
        self.as_ref().map_or_else(|errno| i64::from(errno.negative()), |()| 0)
    }
}
