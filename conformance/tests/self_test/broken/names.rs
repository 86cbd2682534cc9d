//! Faults in names: an engine that takes one for another, or cannot hold some.

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine,
};

use super::{Fault, Inner, fault, faults};

faults! {
    "names are folded to lower case" => Mapped(|name| name.to_lowercase()),
    "only ASCII letters are folded" => Mapped(|name| name.to_ascii_lowercase()),
    "names are composed" => Mapped(|name| name.replace("e\u{301}", "\u{e9}").replace("A\u{30a}", "\u{c5}")),
    "trailing dots and spaces are dropped" => Mapped(|name| without_trailing(name, &['.', ' '])),
    "backslashes become underscores" => Mapped(|name| name.replace('\\', "_")),
    "odd characters become underscores" => Mapped(|name| name.replace([':', '*', '?', '"', '<', '>', '|', '\n', '\t', '\r'], "_")),
    "names are percent-decoded" => Mapped(|name| name.replace("%41", "A").replace("%2F", "_")),
    "names are cut after 128 bytes" => Mapped(|name| cut(name, 128)),
    "characters beyond the basic plane become question marks" => Mapped(|name| name.chars().map(|c| if c as u32 > 0xffff { '?' } else { c }).collect()),
    "reserved names are refused" => Refusing(|path| path.parts().any(|part| ["CON", "nul", "COM1", "aux.txt", "AUX"].contains(&part))),
    "a leading dot is refused" => Refusing(|path| path.parts().any(|part| part.starts_with('.'))),
    "long names are refused though they are declared" => Refusing(|path| path.parts().any(|part| part.len() > 200)),
    "longer names than declared are taken" => LongTaken {},
    "longer names than declared are cut" => LongCut {},
    "a name too long is refused after the old file was emptied" => LongRefusedLate {},
    "paths deeper than twenty are refused" => Refusing(|path| path.parts().count() > 20),
    "long paths are an input/output error" => LongPathsAreIo {},
    "NUL-like names end early" => Mapped(|name| name.split('\u{1}').next().filter(|name| !name.is_empty()).unwrap_or("_").to_owned()),
}

fn without_trailing(name: &str, what: &[char]) -> String {
    let cut = name.trim_end_matches(what);
    if cut.is_empty() { name.to_owned() } else { cut.to_owned() }
}

fn cut(name: &str, len: usize) -> String {
    let mut len = name.len().min(len);
    while !name.is_char_boundary(len) {
        len -= 1;
    }
    name[..len].to_owned()
}

/// Every name is taken for another one.
#[derive(Debug)]
struct Mapped(fn(&str) -> String);

impl Mapped {
    fn map(&self, path: &StoragePath) -> StoragePath {
        let parts: Vec<String> = path.parts().map(self.0).collect();
        StoragePath::parse(&parts.join("/")).expect("the mapping gives names")
    }
}

#[engine]
impl Fault for Mapped {
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(&self.map(path), options).await
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        inner.stat(&self.map(path)).await
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        inner.list(&self.map(directory), after, limit).await
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.create_dir(&self.map(path)).await
    }
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.remove_file(&self.map(path)).await
    }
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.remove_dir(&self.map(path)).await
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(&self.map(from), &self.map(to)).await
    }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        inner.read(&self.map(path)).await
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.write(&self.map(path), data).await
    }
}

fn refused(path: &StoragePath) -> Error {
    Error::new(ErrorKind::InvalidPath, Operation::Open).with_path(path)
}

/// Some paths are refused.
#[derive(Debug)]
struct Refusing(fn(&StoragePath) -> bool);

impl Refusing {
    fn check(&self, path: &StoragePath) -> Result<()> {
        if (self.0)(path) { Err(refused(path)) } else { Ok(()) }
    }
}

#[engine]
impl Fault for Refusing {
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.check(path)?;
        inner.open(path, options).await
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        self.check(path)?;
        inner.create_dir(path).await
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.check(path)?;
        inner.write(path, data).await
    }
}

fault! { LongPathsAreIo {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if path.as_str().len() > 1024 {
            return Err(Error::new(ErrorKind::Io, Operation::Write).with_path(path));
        }
        inner.write(path, data).await
    }
}

fault! { LongTaken {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().max_name_len(100)
    }
}

/// Cuts where it ought to refuse.
#[derive(Debug, Default)]
struct LongCut {}

#[engine]
impl Fault for LongCut {
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().max_name_len(100)
    }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(&Mapped(|name| cut(name, 100)).map(path), options).await
    }
}

fault! { LongRefusedLate {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().max_name_len(100)
    }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        if path.parts().any(|part| part.len() > 100) { Err(refused(path)) } else { Ok(file) }
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.create_dir(path).await?;
        if path.parts().any(|part| part.len() > 100) { Err(refused(path)) } else { Ok(()) }
    }
}
