//! Random calls, made to the face and to the model, in the manner of fsx: whatever the one answers, the other does. Repeatable by the seed.

use std::fmt::Debug;

use anystorage_vfs::{Config, OpenFlags, Result, Stat, Vfs};

use crate::model::{Body, Model, Told};

/// So few that running out happens.
const DESCRIPTORS: i32 = 12;

/// How often everything is compared.
const INTERVAL: u64 = 2_000;

/// A tree of more than that is removed: what renames took deeper than paths reach would only ever become more.
const LARGEST: usize = 250;

/// Longer files are cut.
const LONGEST: u64 = 70_000;

struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// One to three names.
    fn path(&mut self) -> String {
        let mut path = format!("/{}", self.of(&["a", "b", "c", "d"]));
        for _ in 0..self.below(4).saturating_sub(1) {
            path += "/";
            path += self.of(&["x", "y", "z", "a"]);
        }
        path
    }

    fn mode(&mut self) -> u32 {
        [0o644, 0o600, 0o755, 0o444, 0o7, 0o1777][self.below(6) as usize]
    }

    /// One that is open, or now and then one that may not be.
    fn descriptor(&mut self, model: &Model) -> i32 {
        let open = model.descriptors();
        if open.is_empty() || self.one_in(20) { self.below(14) as i32 } else { open[self.below(open.len() as u64) as usize] }
    }

    fn data(&mut self) -> Vec<u8> {
        let len = if self.one_in(8) { self.below(12_000) } else { self.below(300) };
        let seed = self.next();
        (0..len).map(|at| (seed.wrapping_add(at.wrapping_mul(0x9e37_79b9)) >> 7) as u8).collect()
    }

    fn offset(&mut self) -> u64 {
        if self.one_in(4) { self.below(60_000) } else { self.below(2_000) }
    }
}

/// A face whose limit of descriptors is the model's.
pub(crate) fn face() -> Vfs {
    let mut config = Config::new();
    config.max_descriptors = DESCRIPTORS as u32;
    Vfs::with_config(&config)
}

/// Makes `count` calls from `seed`, over what must be empty. Now and then everything is closed, and `reopen` may put another instance of the
/// engine below the face.
///
/// # Panics
/// At the first call that the two answer differently.
pub(crate) fn exercise(what: &str, vfs: &Vfs, seed: u64, count: u64, mut reopen: impl FnMut(&Vfs)) {
    let mut random = Random(seed);
    let mut model = Model::new(DESCRIPTORS);
    for number in 0..count {
        let context = || format!("{what}, seed {seed}, call {number}");
        step(vfs, &mut model, &mut random, &context);
        if (number + 1) % INTERVAL == 0 || number + 1 == count {
            compare(vfs, &model, &context);
            for descriptor in model.descriptors() {
                model.close(descriptor).unwrap();
                vfs.close(descriptor).unwrap();
            }
            clear_if_large(vfs, &mut model, &context);
            reopen(vfs);
            compare(vfs, &model, &context);
        }
    }
}

fn same<T: PartialEq + Debug>(context: &dyn Fn() -> String, call: &str, found: T, expected: T) {
    assert!(found == expected, "{}: {call}\n  the model: {expected:?}\n  the face: {found:?}", context());
}

fn told(stat: Stat) -> Told {
    let kind = if stat.is_dir() {
        'd'
    } else if stat.is_symlink() {
        'l'
    } else {
        'f'
    };
    let len = if kind == 'd' { 0 } else { stat.size };
    (kind, stat.permissions(), stat.uid, len, stat.nlink == 1)
}

fn read_all(len: usize, read: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buf = vec![0xee; len];
    let count = read(&mut buf)?;
    buf.truncate(count);
    Ok(buf)
}

fn names(vfs: &Vfs, path: &str) -> Result<Vec<String>> {
    Ok(vfs.readdir(path)?.into_iter().map(|entry| entry.name).collect())
}

fn step(vfs: &Vfs, model: &mut Model, random: &mut Random, context: &dyn Fn() -> String) {
    let kind = random.below(100);
    match kind {
        0..14 => {
            let mut flags = OpenFlags::from_bits(random.below(3) as i32);
            for (flag, one_in) in [(OpenFlags::O_CREAT, 2), (OpenFlags::O_EXCL, 10), (OpenFlags::O_TRUNC, 10), (OpenFlags::O_APPEND, 6)] {
                if random.one_in(one_in) {
                    flags = flags | flag;
                }
            }
            let (path, mode) = (random.path(), random.mode());
            same(context, &format!("open {path} {flags:?}"), vfs.open(&path, flags, mode), model.open(&path, flags, mode));
        }
        14..24 => {
            let fd = random.descriptor(model);
            same(context, &format!("close {fd}"), vfs.close(fd), model.close(fd));
        }
        24..38 => {
            let (fd, data) = (random.descriptor(model), random.data());
            let at = random.one_in(2).then(|| random.offset());
            let found = match at {
                Some(at) => vfs.pwrite(fd, &data, at as i64),
                None => vfs.write(fd, &data),
            };
            same(context, &format!("write {fd} {} at {at:?}", data.len()), found, model.write(fd, &data, at));
            if let Ok((_, _, _, LONGEST.., _)) = model.fstat(fd) {
                same(context, &format!("ftruncate {fd}"), vfs.ftruncate(fd, 1000), model.ftruncate(fd, 1000));
            }
        }
        38..54 => {
            let (fd, len) = (random.descriptor(model), random.below(20_000) as usize);
            let at = random.one_in(2).then(|| random.offset());
            let found = read_all(len, |buf| match at {
                Some(at) => vfs.pread(fd, buf, at as i64),
                None => vfs.read(fd, buf),
            });
            same(context, &format!("read {fd} {len} at {at:?}"), found, model.read(fd, len, at));
        }
        54..60 => {
            let (fd, whence) = (random.descriptor(model), random.below(3) as i32);
            let by = if random.one_in(2) { random.below(3_000) as i64 - 1_000 } else { 0 };
            if !model.is_open_on_dir(fd) {
                same(context, &format!("lseek {fd} {by} {whence}"), vfs.lseek(fd, by, whence), model.lseek(fd, by, whence));
            }
        }
        60..63 => {
            let (fd, len) = (random.descriptor(model), random.offset());
            same(context, &format!("ftruncate {fd} {len}"), vfs.ftruncate(fd, len as i64), model.ftruncate(fd, len));
        }
        63..65 => {
            let (path, len) = (random.path(), random.offset());
            same(context, &format!("truncate {path} {len}"), vfs.truncate(&path, len as i64), model.truncate(&path, len));
        }
        65..67 => {
            let fd = random.descriptor(model);
            same(context, &format!("dup {fd}"), vfs.dup(fd), model.dup(fd));
        }
        67 => {
            let (from, to) = (random.descriptor(model), random.below(DESCRIPTORS as u64) as i32);
            same(context, &format!("dup2 {from} {to}"), vfs.dup2(from, to), model.dup2(from, to));
        }
        68..72 => {
            let path = random.path();
            same(context, &format!("unlink {path}"), vfs.unlink(&path), model.unlink(&path));
        }
        72..80 => {
            let (from, to) = (random.path(), random.path());
            same(context, &format!("rename {from} {to}"), vfs.rename(&from, &to), model.rename(&from, &to));
        }
        80..84 => {
            let (path, mode) = (random.path(), random.mode());
            same(context, &format!("mkdir {path} {mode:o}"), vfs.mkdir(&path, mode), model.mkdir(&path, mode));
        }
        84..86 => {
            let path = random.path();
            same(context, &format!("rmdir {path}"), vfs.rmdir(&path), model.rmdir(&path));
        }
        86..88 => {
            let (target, path) = (random.of(&["a", "x", "y", "/b", "/c/x", "../a", "../../d/y"]), random.path());
            same(context, &format!("symlink {target} {path}"), vfs.symlink(target, &path), model.symlink(target, &path));
        }
        88 => {
            let path = random.path();
            same(context, &format!("readlink {path}"), vfs.readlink(&path), model.readlink(&path));
        }
        89..92 => {
            let (path, follow) = (random.path(), random.one_in(2));
            let found = if follow { vfs.stat(&path) } else { vfs.lstat(&path) };
            same(context, &format!("stat {path} {follow}"), found.map(told), model.stat(&path, follow));
        }
        92..94 => {
            let fd = random.descriptor(model);
            same(context, &format!("fstat {fd}"), vfs.fstat(fd).map(told), model.fstat(fd));
        }
        94 => {
            let path = random.path();
            same(context, &format!("readdir {path}"), names(vfs, &path), model.readdir(&path));
        }
        95 => {
            let (path, mode) = (random.path(), random.mode());
            same(context, &format!("chmod {path} {mode:o}"), vfs.chmod(&path, mode), model.chmod(&path, mode));
        }
        96 => {
            let (fd, mode) = (random.descriptor(model), random.mode());
            same(context, &format!("fchmod {fd} {mode:o}"), vfs.fchmod(fd, mode), model.fchmod(fd, mode));
        }
        97 => {
            let (path, uid) = (random.path(), random.below(4) as u32);
            same(context, &format!("lchown {path} {uid}"), vfs.lchown(&path, Some(uid), None), model.lchown(&path, uid));
        }
        // A real flush takes its time on a disk.
        _ if random.one_in(8) => {
            let fd = random.descriptor(model);
            same(context, &format!("fsync {fd}"), vfs.fsync(fd), model.fsync(fd));
        }
        _ => {}
    }
}

fn clear_if_large(vfs: &Vfs, model: &mut Model, context: &dyn Fn() -> String) {
    let tree = model.tree();
    if tree.len() <= LARGEST {
        return;
    }
    // What is in a directory comes behind it.
    for (path, node) in tree.iter().rev().filter(|(path, _)| path != "/") {
        match node.body {
            Body::Dir(_) => same(context, &format!("rmdir {path}"), vfs.rmdir(path), model.rmdir(path)),
            _ => same(context, &format!("unlink {path}"), vfs.unlink(path), model.unlink(path)),
        }
    }
    assert_eq!(model.tree().len(), 1, "{}: something is left", context());
}

/// Everything there is, with its bytes.
fn compare(vfs: &Vfs, model: &Model, context: &dyn Fn() -> String) {
    for (path, node) in model.tree() {
        same(context, &format!("at the end, lstat {path}"), vfs.lstat(&path).map(told), model.stat(&path, false));
        match &node.body {
            Body::Dir(_) => same(context, &format!("at the end, readdir {path}"), names(vfs, &path), model.readdir(&path)),
            Body::Link(target) => same(context, &format!("at the end, readlink {path}"), vfs.readlink(&path).as_ref(), Ok(target)),
            Body::File(data) => {
                // All numbers may be taken: then what is read later has to do.
                let Ok(file) = vfs.open(&path, OpenFlags::O_RDONLY, 0) else {
                    assert_eq!(vfs.descriptors_open().len(), DESCRIPTORS as usize, "{}: {path}", context());
                    continue;
                };
                let found = read_all(data.len() + 1, |buf| vfs.pread(file, buf, 0));
                same(context, &format!("at the end, the bytes of {path}"), found.as_ref(), Ok(data));
                vfs.close(file).unwrap();
            }
        }
    }
}
