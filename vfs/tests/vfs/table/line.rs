//! A line of the table, and how its outcome is written.

use std::fmt;

use anystorage_vfs::{DeviceNumber, Errno, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};

/// A call: its name and its arguments.
pub(super) struct Line<'a> {
    text: &'a str,
    pub(super) name: &'a str,
    arguments: Vec<&'a str>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'a> Line<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let mut parts = text.split(' ');
        Self { text, name: parts.next().unwrap(), arguments: parts.collect() }
    }

    pub(super) fn text(&self, index: usize) -> &'a str {
        self.arguments[index]
    }

    /// A path, with those that only their length matters of written out.
    pub(super) fn path(&self, index: usize) -> String {
        let text = self.text(index);
        let length = |digits: &str| digits.parse::<usize>().unwrap();
        match text.split_at(1) {
            ("-", "") => String::new(),
            ("@", digits) => "n".repeat(length(digits)),
            ("%", digits) => "./".repeat(length(digits)).chars().take(length(digits)).collect(),
            _ => text.to_owned(),
        }
    }

    pub(super) fn data(&self, index: usize) -> Vec<u8> {
        match self.text(index).split_at(1) {
            ("-", "") => Vec::new(),
            ("*", digits) => vec![b'*'; digits.parse().unwrap()],
            _ => self.text(index).into(),
        }
    }

    pub(super) fn number(&self, index: usize) -> i64 {
        self.text(index).parse().unwrap_or_else(|_| panic!("{self}"))
    }

    /// A descriptor, counted from the first that is free.
    pub(super) fn descriptor(&self, index: usize, first: i32) -> i32 {
        match self.text(index) {
            "AT_FDCWD" => -100,
            _ => match i32::try_from(self.number(index)).unwrap() {
                negative @ ..0 => negative,
                number => number + first,
            },
        }
    }

    pub(super) fn octal(&self, index: usize) -> u32 {
        u32::from_str_radix(self.text(index), 8).unwrap()
    }

    /// An owner; none is -1 in C.
    pub(super) fn owner(&self, index: usize) -> Option<u32> {
        u32::try_from(self.number(index)).ok()
    }

    /// Seconds and nanoseconds; none is to be omitted.
    pub(super) fn time(&self, index: usize) -> Option<(i64, u32)> {
        let (whole, part) = self.text(index).split_once('.').unwrap_or((self.text(index), "0"));
        Some((whole.parse().ok()?, part.parse::<u32>().unwrap() * 100_000_000))
    }

    pub(super) fn device(&self) -> (u32, DeviceNumber) {
        let kind = match self.text(1) {
            "c" => S_IFCHR,
            "d" => S_IFDIR,
            "f" => S_IFREG,
            _ => 0,
        };
        let number = |index| u32::try_from(self.number(index)).unwrap();
        (kind | self.octal(4), DeviceNumber::new(number(2), number(3)))
    }

    pub(super) fn flag(&self, index: usize) -> i32 {
        match self.text(index) {
            "AT_EMPTY_PATH" => 0x1000,
            text => i32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap(),
        }
    }

    pub(super) fn whence(&self, index: usize) -> i32 {
        match self.text(index) {
            "SEEK_SET" => 0,
            "SEEK_CUR" => 1,
            "SEEK_END" => 2,
            "SEEK_DATA" => 3,
            "SEEK_HOLE" => 4,
            number => number.parse().unwrap(),
        }
    }
}

/// What a call gave, in words that are compared.
pub(super) fn written(outcome: Result<String, i32>) -> String {
    match outcome {
        Ok(text) if text.is_empty() => "0".to_owned(),
        Ok(text) => text,
        Err(number) => Errno::from_number(number).name().to_owned(),
    }
}

pub(super) fn bytes(read: &[u8]) -> String {
    format!("{} {:?}", read.len(), String::from_utf8_lossy(read))
}

/// The fields of a `stat` that are the same on every file system.
pub(super) struct Fields {
    pub(super) mode: u32,
    pub(super) nlink: u64,
    pub(super) size: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: u64,
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, nlink, size, uid, gid, rdev } = self;
        write!(f, "{} {:04o} {uid}:{gid}", kind(mode & S_IFMT), mode & 0o7777)?;
        match mode & S_IFMT {
            // How long a directory is, and how many names it has, is each file system's own affair.
            S_IFDIR => Ok(()),
            S_IFCHR => write!(f, " {nlink} {rdev:#x}"),
            _ => write!(f, " {nlink} {size}"),
        }
    }
}

fn kind(bits: u32) -> &'static str {
    match bits {
        S_IFREG => "file",
        S_IFDIR => "dir",
        S_IFLNK => "link",
        S_IFCHR => "char",
        _ => "other",
    }
}

/// Names with their kinds, in order.
pub(super) fn listed(mut entries: Vec<(String, u32)>) -> String {
    entries.sort();
    let entries: Vec<String> = entries.into_iter().map(|(name, bits)| format!("{name}:{}", kind(bits))).collect();
    format!("[{}]", entries.join(" "))
}
