//! A new log in the place of the old one: how sled, which cleans its log late or never, is made to give back space on a full disk.
//!
//! All records are copied into a fresh database in the directory `rebuilt`. When it is whole and durable, the file `rebuilt.done` says so:
//! from then on the new log counts, and whoever opens the location finishes the swap. Before, the old one does, and the copy is removed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::database::TREE;
use super::geometry::Geometry;

/// The directory of the copy.
const COPY: &str = "rebuilt";

/// The file that says that the copy is whole.
const DONE: &str = "rebuilt.done";

/// How many changes make sled write a leaf as a whole, at most.
const CHANGES: usize = 10;

/// How many records a leaf has that was filled from left to right: it is split when it has more than twice as many.
const IN_A_LEAF: usize = 8;

/// How many bytes a rebuilt log of so many live bytes takes at most. Measured: 1.3 to 1.45 for each, and up to twelve segments.
pub(super) const fn size(geometry: Geometry, live: u64) -> u64 {
    live + live / 2 + 12 * geometry.segment as u64
}

/// How many it takes at least.
pub(super) const fn least(live: u64) -> u64 {
    live + live / 10 * 3
}

/// Copies all records into a fresh database below `root`.
///
/// Sled logs each record alone, then once or twice in its leaf, and uses a segment again when nothing in it counts any more. So the leaves
/// of some records at a time are made to be written once more, all together: what was logged before is then free for the next ones. Without
/// this the copy takes 2 to 4 bytes for each.
pub(super) fn copy(records: &sled::Tree, root: &Path, geometry: Geometry) -> sled::Result<()> {
    let config = sled::Config::new().path(root.join(COPY)).segment_size(geometry.segment).cache_capacity(1 << 20);
    let database = config.flush_every_ms(None).open()?;
    let tree = database.open_tree(TREE)?;
    let (mut bytes, mut leaves, mut count) = (0, Vec::new(), 0);
    for entry in records {
        let (key, value) = entry?;
        if count % IN_A_LEAF == 0 {
            leaves.push(key.clone());
        }
        count += 1;
        bytes += key.len() + value.len();
        tree.insert(key, value)?;
        if bytes >= geometry.segment {
            database.flush()?;
            gather(&tree, &mut leaves)?;
            database.flush()?;
            bytes = 0;
        }
    }
    gather(&tree, &mut leaves)?;
    database.flush()?;
    Ok(())
}

/// Makes sled write the leaves of these keys as a whole, by changes that come to nothing.
fn gather(tree: &sled::Tree, leaves: &mut Vec<sled::IVec>) -> sled::Result<()> {
    for key in leaves.drain(..) {
        let beside = [key.as_ref(), &[0]].concat();
        if tree.contains_key(&beside)? {
            continue;
        }
        for _ in 0..CHANGES / 2 {
            tree.insert(&beside, &[0])?;
            tree.remove(&beside)?;
        }
    }
    Ok(())
}

/// Says that the copy is whole, after making it durable with `flush`. When it returns, the copy is what counts.
pub(super) fn done(root: &Path, flush: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let copy = root.join(COPY);
    for blob in entries(&copy.join("blobs"))? {
        flush(&blob)?;
    }
    for name in ["db", "conf", "blobs", ""] {
        flush(&copy.join(name))?;
    }
    // The directory of the copy first: nothing may be found that has a mark and no copy.
    flush(root)?;
    flush_new(&root.join(DONE), flush)?;
    flush(root)
}

fn flush_new(path: &Path, flush: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    drop(File::create(path)?);
    flush(path)
}

/// Finishes a swap if the copy is whole, and removes a copy that is not. May be stopped anywhere and called again. True if there was a
/// whole one.
pub(super) fn settle(root: &Path, flush: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<bool> {
    let (copy, mark) = (root.join(COPY), root.join(DONE));
    if !mark.try_exists()? {
        abandon(root)?;
        return Ok(false);
    }
    if copy.join("db").try_exists()? {
        // What goes with the old log. The new one needs no snapshot: sled writes one when it opens it.
        for old in entries(&root.join("blobs"))?.into_iter().chain(snapshots(root)?) {
            absent_is_fine(fs::remove_file(old))?;
        }
        fs::rename(copy.join("db"), root.join("db"))?;
        flush(root)?;
        flush(&copy)?;
    }
    // Both have the same sizes in `conf`: it stays.
    for blob in entries(&copy.join("blobs"))? {
        if let Some(name) = blob.file_name() {
            fs::rename(&blob, root.join("blobs").join(name))?;
        }
    }
    flush(&root.join("blobs"))?;
    absent_is_fine(fs::remove_dir_all(&copy))?;
    flush(root)?;
    fs::remove_file(&mark)?;
    // A mark that came back would take the next copy for whole.
    flush(root)?;
    Ok(true)
}

/// Whether the copy may count already.
pub(super) fn is_done(root: &Path) -> bool {
    root.join(DONE).try_exists().unwrap_or(true)
}

/// Removes a copy that does not count.
pub(super) fn abandon(root: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_dir_all(root.join(COPY)))
}

/// The file with the log of the copy.
pub(super) fn copied_log(root: &Path) -> PathBuf {
    root.join(COPY).join("db")
}

fn snapshots(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = entries(root)?;
    found.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("snap.")));
    Ok(found)
}

/// What is in a directory; nothing if it is not there.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
