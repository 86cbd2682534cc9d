//! The load: which operation comes next, from the seed, its number and the tree alone, so that parent and child know it without a word.

use std::collections::{BTreeMap, BTreeSet};

use anystorage_api::StoragePath;

use super::random::Random;
use super::report::Phase;
use crate::durability_model::{Node, Tree};

/// While there are fewer, files are mostly made and not removed.
const FEWEST_FILES: usize = 5;
const MOST_FILES: usize = 12;
const MOST_DIRECTORIES: usize = 6;
const DEEPEST: usize = 3;
const LONGEST_FILE: u64 = 3 << 19;
/// A sync follows when so many bytes are not synced,
const DIRTY_MOST: u64 = 5 << 20;
/// and mostly none before so many are: a sync with nothing to do is over before it can be hit.
const DIRTY_LEAST: u64 = 1 << 20;

const FILE_NAMES: [&str; 6] = ["a", "b c", "d.e", "\u{1f5c4} f", "'g\"", "h"];
const DIRECTORY_NAMES: [&str; 4] = ["one", "two 2", "three", "\u{444}"];

/// One operation of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Create { path: StoragePath },
    WriteAt { path: StoragePath, offset: u64, len: usize },
    SetLen { path: StoragePath, len: u64 },
    SyncFile { path: StoragePath },
    Replace { path: StoragePath, len: usize },
    CreateDir { path: StoragePath },
    RemoveFile { path: StoragePath },
    RemoveDir { path: StoragePath },
    Rename { from: StoragePath, to: StoragePath },
    Sync,
}

impl Op {
    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::WriteAt { .. } | Self::SetLen { .. } | Self::Replace { .. } => Phase::Write,
            Self::SyncFile { .. } | Self::Sync => Phase::Sync,
            Self::Rename { .. } => Phase::Rename,
            Self::RemoveFile { .. } | Self::RemoveDir { .. } => Phase::Remove,
            Self::Create { .. } | Self::CreateDir { .. } => Phase::Create,
        }
    }

    /// What it writes, if it is the one with this number.
    pub(super) fn data(&self, seed: u64, number: u64) -> Vec<u8> {
        match self {
            Self::WriteAt { len, .. } | Self::Replace { len, .. } => Random::new(!seed, number).bytes(*len),
            _ => Vec::new(),
        }
    }

    /// A number by which parent and child see that they speak of the same operation (FNV-1a).
    pub(super) fn digest(&self) -> u64 {
        format!("{self:?}").bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

/// A file as the load knows it: how long it is, how many bytes of it were written since its last sync, and whether it has a name since then
/// that another file was renamed away from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extent {
    len: u64,
    dirty: u64,
    took_a_name: bool,
}

/// What is there: no bytes, but names and lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    files: BTreeMap<StoragePath, Extent>,
    /// The root is among them.
    directories: BTreeSet<StoragePath>,
    /// The names that files were renamed away from since the last backend sync, and that are still free.
    left: BTreeSet<StoragePath>,
}

impl Shape {
    pub(super) fn empty() -> Self {
        Self { files: BTreeMap::new(), directories: BTreeSet::from([StoragePath::root()]), left: BTreeSet::new() }
    }

    pub(super) fn of(tree: &Tree) -> Self {
        let mut shape = Self::empty();
        for (path, node) in tree {
            match node {
                Node::Directory => shape.add_directory(path.clone()),
                Node::File(bytes) => shape.add_file(path.clone(), bytes.len() as u64),
            }
        }
        shape
    }

    pub(super) fn add_directory(&mut self, path: StoragePath) {
        self.directories.insert(path);
    }

    pub(super) fn add_file(&mut self, path: StoragePath, len: u64) {
        let took_a_name = self.left.remove(&path);
        self.files.insert(path, Extent { len, dirty: 0, took_a_name });
    }

    fn dirty(&self) -> u64 {
        self.files.values().map(|file| file.dirty).sum()
    }

    fn is_taken(&self, path: &StoragePath) -> bool {
        self.files.contains_key(path) || self.directories.contains(path)
    }

    fn is_empty_directory(&self, directory: &StoragePath) -> bool {
        let inside = |path: &StoragePath| path.parent().as_ref() == Some(directory);
        !self.files.keys().any(inside) && !self.directories.iter().any(inside)
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { path } => self.add_file(path.clone(), 0),
            Op::WriteAt { path, offset, len } => {
                if let Some(file) = self.files.get_mut(path) {
                    file.len = file.len.max(offset + *len as u64);
                    file.dirty += *len as u64;
                }
            }
            Op::SetLen { path, len } => {
                if let Some(file) = self.files.get_mut(path) {
                    file.len = *len;
                }
            }
            Op::SyncFile { path } => {
                if let Some(file) = self.files.get_mut(path) {
                    (file.dirty, file.took_a_name) = (0, false);
                }
            }
            Op::Replace { path, len } => self.add_file(path.clone(), *len as u64),
            Op::CreateDir { path } => self.add_directory(path.clone()),
            Op::RemoveFile { path } => {
                self.files.remove(path);
            }
            Op::RemoveDir { path } => {
                self.directories.remove(path);
            }
            Op::Rename { from, to } => {
                let is_file = self.files.contains_key(from);
                self.files = renamed(std::mem::take(&mut self.files).into_iter(), from, to);
                let directories = std::mem::take(&mut self.directories).into_iter().map(|path| (path, ()));
                self.directories = renamed(directories, from, to).into_keys().collect();
                if is_file {
                    let took_a_name = self.left.remove(to);
                    self.files.get_mut(to).into_iter().for_each(|file| file.took_a_name |= took_a_name);
                    self.left.insert(from.clone());
                }
            }
            Op::Sync => {
                self.files.values_mut().for_each(|file| (file.dirty, file.took_a_name) = (0, false));
                self.left.clear();
            }
        }
    }
}

/// The entries after the rename of a file or of a directory with all that is in it; what was at `to` is gone.
pub(super) fn renamed<T>(
    entries: impl Iterator<Item = (StoragePath, T)>,
    from: &StoragePath,
    to: &StoragePath,
) -> BTreeMap<StoragePath, T> {
    let mut kept = BTreeMap::new();
    let mut moved = BTreeMap::new();
    for (path, entry) in entries {
        match path.strip_prefix(from).map(|tail| to.join_path(&tail)) {
            Some(Ok(path)) => moved.insert(path, entry),
            _ => kept.insert(path, entry),
        };
    }
    kept.extend(moved);
    kept
}

/// The endless sequence of operations.
#[derive(Clone, Debug)]
pub(super) struct Load {
    seed: u64,
    number: u64,
    shape: Shape,
    moves_directories: bool,
}

impl Load {
    /// From the operation `first` on, over what is there.
    pub(super) const fn new(seed: u64, first: u64, shape: Shape) -> Self {
        Self { seed, number: first, shape, moves_directories: true }
    }

    /// With renames of directories, or without.
    pub(super) const fn moving_directories(mut self, moves: bool) -> Self {
        self.moves_directories = moves;
        self
    }

    /// The next operation and its number.
    pub(super) fn next(&mut self) -> (u64, Op) {
        let number = self.number;
        let op = self.choose(&mut Random::new(self.seed, number));
        self.shape.apply(&op);
        self.number += 1;
        (number, op)
    }

    fn choose(&self, random: &mut Random) -> Op {
        if self.shape.dirty() >= DIRTY_MOST {
            return self.sync(random);
        }
        let few = self.shape.files.len() < FEWEST_FILES;
        loop {
            let candidate = match random.below(100) {
                0..40 if few => {
                    if random.percent(50) {
                        self.create(random)
                    } else {
                        self.replace(random)
                    }
                }
                0..36 => self.write_at(random, false),
                36..42 => self.set_len(random),
                42..50 => self.replace(random),
                50..56 => self.create(random),
                56..61 => self.create_dir(random),
                61..67 if few => None,
                61..67 => random.one_of(self.shape.files.keys()).map(|path| Op::RemoveFile { path: path.clone() }),
                67..70 => self.remove_dir(random),
                70..79 => self.rename_file(random),
                79..84 => self.rename_dir(random),
                _ if self.shape.dirty() < DIRTY_LEAST && random.percent(80) => self.write_at(random, true),
                _ => Some(self.sync(random)),
            };
            if let Some(op) = candidate {
                return op;
            }
        }
    }

    /// Of everything, of a file that took another one's name, or of the file with the most to sync.
    fn sync(&self, random: &mut Random) -> Op {
        let takers: Vec<&StoragePath> = self.shape.files.iter().filter(|(_, file)| file.took_a_name).map(|(path, _)| path).collect();
        if let Some(path) = random.one_of(takers.iter()).filter(|_| random.percent(40)) {
            return Op::SyncFile { path: (*path).clone() };
        }
        let dirtiest = self.shape.files.iter().max_by_key(|(_, file)| file.dirty);
        match dirtiest {
            Some((path, _)) if random.percent(60) => Op::SyncFile { path: path.clone() },
            _ => Op::Sync,
        }
    }

    fn write_at(&self, random: &mut Random, large: bool) -> Option<Op> {
        let (path, file) = random.one_of(self.shape.files.iter())?;
        let len = match random.below(10) {
            8.. => 256 << 10 | random.below(768 << 10),
            _ if large => 256 << 10 | random.below(768 << 10),
            0..5 => 1 + random.below(4096),
            _ => 1 + random.below(64 << 10),
        };
        // Often within the file, sometimes with a gap behind its end.
        let offset = random.below(file.len + 8192).min(LONGEST_FILE - len);
        Some(Op::WriteAt { path: path.clone(), offset, len: usize::try_from(len).ok()? })
    }

    fn set_len(&self, random: &mut Random) -> Option<Op> {
        let (path, file) = random.one_of(self.shape.files.iter())?;
        let len = if random.percent(70) { random.below(file.len + 1) } else { (file.len + random.below(64 << 10)).min(LONGEST_FILE) };
        Some(Op::SetLen { path: path.clone(), len })
    }

    fn replace(&self, random: &mut Random) -> Option<Op> {
        let anew = self.shape.files.len() < FEWEST_FILES || random.percent(25);
        let path = if !anew { random.one_of(self.shape.files.keys())?.clone() } else { self.free_file(random)? };
        let len = if random.percent(50) { random.below(8192) } else { random.below(1 << 20) };
        Some(Op::Replace { path, len: usize::try_from(len).ok()? })
    }

    fn create(&self, random: &mut Random) -> Option<Op> {
        self.free_file(random).map(|path| Op::Create { path })
    }

    fn create_dir(&self, random: &mut Random) -> Option<Op> {
        if self.shape.directories.len() > MOST_DIRECTORIES {
            return None;
        }
        self.free(random, &DIRECTORY_NAMES).map(|path| Op::CreateDir { path })
    }

    fn remove_dir(&self, random: &mut Random) -> Option<Op> {
        let empty: Vec<&StoragePath> =
            self.shape.directories.iter().filter(|path| !path.is_root() && self.shape.is_empty_directory(path)).collect();
        random.one_of(empty.iter()).map(|path| Op::RemoveDir { path: (*path).clone() })
    }

    fn rename_file(&self, random: &mut Random) -> Option<Op> {
        let from = random.one_of(self.shape.files.keys())?.clone();
        let to = if random.percent(50) { random.one_of(self.shape.files.keys())?.clone() } else { self.free(random, &FILE_NAMES)? };
        (from != to).then_some(Op::Rename { from, to })
    }

    fn rename_dir(&self, random: &mut Random) -> Option<Op> {
        if !self.moves_directories {
            return None;
        }
        let from = random.one_of(self.shape.directories.iter())?.clone();
        let to = self.free(random, &DIRECTORY_NAMES)?;
        let moved = self.shape.directories.iter().chain(self.shape.files.keys()).filter(|path| path.starts_with(&from));
        let depth = moved.map(|path| path.parts().count() - from.parts().count()).max()? + to.parts().count();
        (!from.is_root() && !to.starts_with(&from) && depth <= DEEPEST).then_some(Op::Rename { from, to })
    }

    /// Often a name that another file was renamed away from: what becomes of that one when the new one is synced is worth a kill.
    fn free_file(&self, random: &mut Random) -> Option<StoragePath> {
        if self.shape.files.len() >= MOST_FILES {
            return None;
        }
        let holder_is_there = |path: &StoragePath| path.parent().is_some_and(|parent| self.shape.directories.contains(&parent));
        let left: Vec<&StoragePath> = self.shape.left.iter().filter(|path| !self.shape.is_taken(path) && holder_is_there(path)).collect();
        match random.one_of(left.iter()) {
            Some(path) if random.percent(70) => Some((*path).clone()),
            _ => self.free(random, &FILE_NAMES),
        }
    }

    /// A path with one of these names where nothing is.
    fn free(&self, random: &mut Random, names: &[&str]) -> Option<StoragePath> {
        let directory = random.one_of(self.shape.directories.iter())?;
        let path = directory.join(random.one_of(names.iter())?).ok()?;
        (path.parts().count() <= DEEPEST && !self.shape.is_taken(&path)).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::kill_loop::episode::{End, Ground, Played};

    /// The child may begin only what must succeed, or every failure of an engine would have to be guessed at.
    #[test]
    fn the_load_asks_only_for_what_must_succeed_and_knows_what_is_there() {
        for seed in 0..4 {
            let mut load = Load::new(seed, 0, Shape::empty());
            let mut ground = Ground::fresh(String::new(), 0);
            for _ in 0..10 {
                let played = std::iter::repeat_with(|| load.next()).take(60).map(|(number, op)| Played { number, op, ended: true });
                let end = End { played: played.collect(), hit: Phase::Between, failure: None };
                let model = ground.model(seed, &end).unwrap_or_else(|refused| panic!("seed {seed}: {refused}"));
                ground.tree = model.current();
                assert_eq!(names_and_lengths(&load.shape), names_and_lengths(&Shape::of(&ground.tree)), "seed {seed}");
            }
        }
    }

    #[test]
    fn the_same_seed_number_and_tree_give_the_same_operations() {
        let mut whole = Load::new(7, 0, Shape::empty());
        for _ in 0..100 {
            whole.next();
        }
        let mut twice = [Load::new(7, 100, whole.shape.clone()), Load::new(7, 100, whole.shape.clone())];
        for _ in 0..50 {
            let [one, other] = &mut twice;
            let ((number, op), (_, same)) = (one.next(), other.next());
            assert_eq!((&op, op.digest(), op.data(7, number)), (&same, same.digest(), same.data(7, number)));
            assert_eq!((number, op), whole.next());
        }
    }

    #[test]
    fn every_kind_of_operation_comes_and_syncs_have_something_to_do() {
        let mut load = Load::new(3, 0, Shape::empty());
        let mut kinds = BTreeMap::<&str, u32>::new();
        let (mut at_syncs, mut takers) = (Vec::new(), 0);
        for _ in 0..2000 {
            let dirty = load.shape.dirty();
            let before = load.shape.files.clone();
            let (_, op) = load.next();
            if let Op::SyncFile { path } = &op {
                takers += u32::from(before.get(path).is_some_and(|file| file.took_a_name));
            }
            if op.phase() == Phase::Sync {
                at_syncs.push(dirty);
            }
            *kinds.entry(kind(&op)).or_default() += 1;
        }
        assert_eq!(kinds.len(), 11, "{kinds:?}");
        assert!(kinds.values().all(|count| *count >= 10), "{kinds:?}");
        let mean = at_syncs.iter().sum::<u64>() / at_syncs.len() as u64;
        assert!(mean >= DIRTY_LEAST, "{mean} bytes to sync at the mean");
        println!("{takers} files took another one's name and were then synced");
        assert!(takers >= 20, "{takers} files took another one's name and were then synced");
    }

    fn kind(op: &Op) -> &'static str {
        match op {
            Op::Create { .. } => "create",
            Op::WriteAt { .. } => "write_at",
            Op::SetLen { .. } => "set_len",
            Op::SyncFile { .. } => "sync_file",
            Op::Replace { .. } => "replace",
            Op::CreateDir { .. } => "create_dir",
            Op::RemoveFile { .. } => "remove_file",
            Op::RemoveDir { .. } => "remove_dir",
            Op::Rename { from, to } if DIRECTORY_NAMES.iter().any(|name| from.file_name() == Some(name)) => {
                assert!(DIRECTORY_NAMES.iter().any(|name| to.file_name() == Some(name)));
                "rename_dir"
            }
            Op::Rename { .. } => "rename_file",
            Op::Sync => "sync",
        }
    }

    fn names_and_lengths(shape: &Shape) -> (Vec<(&StoragePath, u64)>, &BTreeSet<StoragePath>) {
        (shape.files.iter().map(|(path, file)| (path, file.len)).collect(), &shape.directories)
    }
}
