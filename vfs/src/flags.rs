use std::ops::BitOr;

/// How to open a file: the flags of `open(2)`, with the values that Linux has on x86.
///
/// ```
/// use anystorage_vfs::OpenFlags;
///
/// let log = OpenFlags::O_WRONLY | OpenFlags::O_CREAT | OpenFlags::O_APPEND;
/// assert!(log.has(OpenFlags::O_APPEND));
/// assert_eq!(OpenFlags::from_bits(0o2101), log);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpenFlags(i32);

impl OpenFlags {
    /// For reading alone.
    pub const O_RDONLY: Self = Self(0);
    /// For writing alone.
    pub const O_WRONLY: Self = Self(1);
    /// For both.
    pub const O_RDWR: Self = Self(2);
    /// The bits of the three above.
    pub const O_ACCMODE: Self = Self(3);
    /// A missing file is created.
    pub const O_CREAT: Self = Self(0o100);
    /// With `O_CREAT`: whatever is there, a dangling link too, is `EEXIST`.
    pub const O_EXCL: Self = Self(0o200);
    /// No controlling terminal is gained: nothing to do here.
    pub const O_NOCTTY: Self = Self(0o400);
    /// The file is cut to length 0, whatever else it is opened for.
    pub const O_TRUNC: Self = Self(0o1000);
    /// Every write goes to the end, that of `pwrite` too.
    pub const O_APPEND: Self = Self(0o2000);
    /// Reads of devices do not wait.
    pub const O_NONBLOCK: Self = Self(0o4000);
    /// Every write is followed by an `fdatasync`.
    pub const O_DSYNC: Self = Self(0o10000);
    /// Taken and ignored, as by file systems without it.
    pub const O_ASYNC: Self = Self(0o20000);
    /// Taken and ignored: nothing is cached here.
    pub const O_DIRECT: Self = Self(0o40000);
    /// Taken and ignored: files are always large.
    pub const O_LARGEFILE: Self = Self(0o100_000);
    /// Anything but a directory is `ENOTDIR`.
    pub const O_DIRECTORY: Self = Self(0o200_000);
    /// A link at the end of the path is `ELOOP`.
    pub const O_NOFOLLOW: Self = Self(0o400_000);
    /// Taken and ignored: reading never changes times.
    pub const O_NOATIME: Self = Self(0o1_000_000);
    /// Taken and ignored: nothing is executed here.
    pub const O_CLOEXEC: Self = Self(0o2_000_000);
    /// Every write is followed by an `fsync`.
    pub const O_SYNC: Self = Self(0o4_010_000);
    /// Only a place to start from and to be asked about: nothing is read or written through it.
    pub const O_PATH: Self = Self(0o10_000_000);
    /// A file without a name: not offered, `EOPNOTSUPP`.
    pub const O_TMPFILE: Self = Self(0o20_200_000);

    /// From the bits that a C program passes.
    #[must_use]
    pub const fn from_bits(bits: i32) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> i32 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn reads(self) -> bool {
        matches!(self.0 & 3, 0 | 2) && !self.has(Self::O_PATH)
    }

    pub(crate) const fn writes(self) -> bool {
        matches!(self.0 & 3, 1 | 2) && !self.has(Self::O_PATH)
    }
}

impl BitOr for OpenFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `AT_FDCWD`: paths of a call with a descriptor start from the working directory.
pub const AT_FDCWD: i32 = -100;
/// `AT_SYMLINK_NOFOLLOW`: the link itself.
pub const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
/// `AT_EMPTY_PATH`: an empty path is the descriptor itself.
pub const AT_EMPTY_PATH: i32 = 0x1000;

/// `SEEK_SET`: from the start.
pub const SEEK_SET: i32 = 0;
/// `SEEK_CUR`: from where it is.
pub const SEEK_CUR: i32 = 1;
/// `SEEK_END`: from the end.
pub const SEEK_END: i32 = 2;
/// `SEEK_DATA`: the next byte that is not in a hole. Files are taken to have none.
pub const SEEK_DATA: i32 = 3;
/// `SEEK_HOLE`: the next hole: the end of the file.
pub const SEEK_HOLE: i32 = 4;
