//! What stands behind the `?` of a URL.

use std::result::Result as Parsed;

use anystorage_api::{ErrorKind, Result};
use url::{Url, form_urlencoded};

use super::{FilesMode, OpfsIo, OpfsLayout, OpfsOptions, StoreMode, StoreOptions, refused};
use crate::engine::EngineInfo;
use crate::size::ByteSize;

/// The name of the parameter that says what may be changed and created.
const MODE: &str = "mode";

const SMALLEST_BLOCK: ByteSize = ByteSize::new(64);
const LARGEST_BLOCK: ByteSize = ByteSize::new(1 << 20);

/// More handles than that no browser opens in a time that is worth waiting for.
const LARGEST_POOL: u32 = 10_000;

/// The parameters of a URL, each known to the engine and given once.
pub(super) struct Parameters<'a> {
    text: &'a str,
    given: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(url: &Url, text: &'a str, engine: &EngineInfo) -> Result<Self> {
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in url.query_pairs() {
            if !engine.parameters.contains(&&*name) {
                let why = format!("unknown parameter {name:?}: {}: takes {}", engine.scheme, engine.parameters.join(", "));
                return Err(refused(ErrorKind::InvalidInput, text, why));
            }
            if given.iter().any(|(known, _)| *known == name) {
                return Err(refused(ErrorKind::InvalidInput, text, format!("the parameter {name:?} is given twice")));
            }
            given.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { text, given })
    }

    /// `limit` of memory.
    pub(super) fn limit(&self) -> Result<Option<ByteSize>> {
        self.take("limit", size)
    }

    /// `mode` of files.
    pub(super) fn files_mode(&self) -> Result<FilesMode> {
        Ok(self.take(MODE, files_mode)?.unwrap_or_default())
    }

    /// All parameters of a key-value store.
    pub(super) fn store_options(&self) -> Result<StoreOptions> {
        Ok(StoreOptions {
            mode: self.take(MODE, store_mode)?.unwrap_or_default(),
            block: self.take("block", block)?,
            cache: self.take("cache", cache)?,
        })
    }

    /// All parameters of the origin's private file system.
    pub(super) fn opfs_options(&self) -> Result<OpfsOptions> {
        let options = OpfsOptions {
            mode: self.take(MODE, store_mode)?.unwrap_or_default(),
            layout: self.take("layout", opfs_layout)?,
            io: self.take("io", opfs_io)?.unwrap_or_default(),
            block: self.take("block", block)?,
            cache: self.take("cache", cache)?,
            capacity: self.take("capacity", capacity)?,
            worker_url: self.take("worker_url", worker_url)?,
        };
        let packed = options.layout == Some(OpfsLayout::Packed);
        let pool = options.layout == Some(OpfsLayout::Pool);
        if (options.block.is_some() || options.cache.is_some()) && !packed {
            let text = "block and cache are for layout=packed, which has to be named with them".to_owned();
            return Err(refused(ErrorKind::InvalidInput, self.text, text));
        }
        if options.capacity.is_some() && !pool {
            let text = "capacity is for layout=pool, which has to be named with it".to_owned();
            return Err(refused(ErrorKind::InvalidInput, self.text, text));
        }
        if pool && options.worker_url.is_some() {
            let text = "layout=pool is for dedicated workers, and starts none: leave worker_url out, or take another layout".to_owned();
            return Err(refused(ErrorKind::InvalidInput, self.text, text));
        }
        if options.io == OpfsIo::Stream && options.worker_url.is_some() {
            let text = "worker_url is for handles, and io=stream has none: leave one of them out".to_owned();
            return Err(refused(ErrorKind::InvalidInput, self.text, text));
        }
        if let (OpfsIo::Stream, Some(layout @ ("packed" | "pool"))) = (options.io, options.layout.map(OpfsLayout::as_str)) {
            let text = format!("layout={layout} takes synchronous handles, and has no io=stream: leave one of them out");
            return Err(refused(ErrorKind::InvalidInput, self.text, text));
        }
        Ok(options)
    }

    fn take<T>(&self, name: &str, parse: impl Fn(&str) -> Parsed<T, String>) -> Result<Option<T>> {
        let Some((_, value)) = self.given.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|why| {
            let shown: String = value.chars().take(40).collect();
            refused(ErrorKind::InvalidInput, self.text, format!("the parameter {name} is {shown:?}: {why}"))
        })
    }
}

fn size(value: &str) -> Parsed<ByteSize, String> {
    value.parse().map_err(|error| format!("{error}"))
}

fn files_mode(value: &str) -> Parsed<FilesMode, String> {
    match value {
        "ro" => Ok(FilesMode::ReadOnly),
        "rw" => Ok(FilesMode::ReadWrite),
        "rwc" => Ok(FilesMode::ReadWriteCreate),
        _ => Err("it is ro (reading alone), rw (the directory must exist) or rwc (it is created if missing)".to_owned()),
    }
}

fn store_mode(value: &str) -> Parsed<StoreMode, String> {
    match value {
        "rw" => Ok(StoreMode::ReadWrite),
        "rwc" => Ok(StoreMode::ReadWriteCreate),
        "ro" => {
            Err("there is no opening for reading alone, because this engine takes the lock of its location in any case: write rw"
                .to_owned())
        }
        _ => Err("it is rw (the location must exist) or rwc (it is created if missing)".to_owned()),
    }
}

fn worker_url(value: &str) -> Parsed<String, String> {
    if value.is_empty() { Err("it is the URL of a script".to_owned()) } else { Ok(value.to_owned()) }
}

fn opfs_layout(value: &str) -> Parsed<OpfsLayout, String> {
    match value {
        "tree" => Ok(OpfsLayout::Tree),
        "packed" => Ok(OpfsLayout::Packed),
        "pool" => Ok(OpfsLayout::Pool),
        _ => Err("it is tree (one OPFS file for each file), packed (one for all of them) or pool (files that are opened ahead)".to_owned()),
    }
}

fn capacity(value: &str) -> Parsed<u32, String> {
    let files = value.parse().ok().filter(|files| (1..=LARGEST_POOL).contains(files));
    files.ok_or_else(|| format!("it is how many files there can be, from 1 to {LARGEST_POOL}"))
}

fn opfs_io(value: &str) -> Parsed<OpfsIo, String> {
    match value {
        "handle" => Ok(OpfsIo::Handle),
        "stream" => Ok(OpfsIo::Stream),
        _ => Err("it is handle (synchronous, in dedicated workers) or stream (writable streams, in pages too)".to_owned()),
    }
}

fn block(value: &str) -> Parsed<ByteSize, String> {
    let size = size(value)?;
    if (SMALLEST_BLOCK..=LARGEST_BLOCK).contains(&size) {
        return Ok(size);
    }
    Err(format!("a block has from {} to {} bytes (1MiB)", SMALLEST_BLOCK.bytes(), LARGEST_BLOCK.bytes()))
}

fn cache(value: &str) -> Parsed<ByteSize, String> {
    let size = size(value)?;
    let addressable = usize::try_from(size.bytes()).is_ok_and(|bytes| isize::try_from(bytes).is_ok());
    if addressable { Ok(size) } else { Err("that is more than this machine can address".to_owned()) }
}

/// Whether a query names the mode.
pub(super) fn names_mode(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == MODE)
}

/// A query with this mode, and otherwise as it is.
pub(super) fn with_mode(query: &str, mode: &str) -> String {
    let others = query.split('&').filter(|part| !part.is_empty() && !names_mode(part));
    let mut parts: Vec<&str> = others.collect();
    let mode = format!("{MODE}={mode}");
    parts.push(&mode);
    parts.join("&")
}
