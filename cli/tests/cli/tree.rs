//! Trees on the host: what is in them, and a large one as people have it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Directory,
    File { len: u64, sha256: String },
    Link(PathBuf),
    Other,
}

/// Everything below a directory, by path.
pub type Manifest = BTreeMap<OsString, Item>;

pub fn manifest(root: &Path) -> Manifest {
    let mut found = Manifest::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let item = if kind.is_dir() {
                directories.push(path.clone());
                Item::Directory
            } else if kind.is_file() {
                let (len, sha256) = digest(&path);
                Item::File { len, sha256 }
            } else if kind.is_symlink() {
                Item::Link(fs::read_link(&path).unwrap())
            } else {
                Item::Other
            };
            found.insert(path.strip_prefix(root).unwrap().as_os_str().to_owned(), item);
        }
    }
    found
}

/// Where two manifests differ, a few places of it.
pub fn differences(left: &Manifest, right: &Manifest) -> Vec<String> {
    let all: std::collections::BTreeSet<&OsString> = left.keys().chain(right.keys()).collect();
    all.into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
        .take(10)
        .map(|path| format!("{path:?}: {:?} and {:?}", left.get(path), right.get(path)))
        .collect()
}

pub fn assert_same(left: &Manifest, right: &Manifest) {
    let differences = differences(left, right);
    assert!(differences.is_empty(), "{differences:#?}");
}

pub fn digest(path: &Path) -> (u64, String) {
    let mut file = File::open(path).unwrap();
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    let mut len = 0;
    loop {
        match file.read(&mut chunk).unwrap() {
            0 => break,
            count => {
                hash.update(&chunk[..count]);
                len += count as u64;
            }
        }
    }
    let hex = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (len, hex)
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub struct Random(u64);

impl Random {
    /// From the variable `ANYSTORAGE_SEED`, or from the clock; printed, so that a failure can be repeated.
    pub fn seeded(test: &str) -> Self {
        let given = std::env::var("ANYSTORAGE_SEED").ok().map(|text| text.parse().expect("ANYSTORAGE_SEED is a number"));
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(now);
        println!("{test}: ANYSTORAGE_SEED={seed} repeats it");
        Self(seed)
    }

    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn write(&mut self, file: &Path, len: u64) {
        let mut out = io::BufWriter::new(File::create(file).unwrap());
        let mut left = len;
        while left > 0 {
            let bytes = self.next().to_le_bytes();
            let count = left.min(8);
            out.write_all(&bytes[..count as usize]).unwrap();
            left -= count;
        }
        out.into_inner().unwrap();
    }
}

/// What a real tree has at least.
pub const FILES: u64 = 5_000;
pub const BYTES: u64 = 100_000_000;
/// The name of the file that is longer than 64 MiB.
pub const LARGE: &str = "one large file.bin";
pub const LARGE_BYTES: u64 = (64 << 20) + 4097;

/// Builds a tree as people have it: the sources of other packages, as cargo unpacked them; files made up where those are too few or too
/// small; and everything that has ever confused a copy.
pub fn build_real_tree(root: &Path) -> (u64, u64) {
    fs::create_dir(root).unwrap();
    let (mut files, mut bytes) = (0, 0);
    let registry = root.join("registry");
    fs::create_dir(&registry).unwrap();
    for package in unpacked_packages() {
        if files >= FILES {
            break;
        }
        copy_regular(&package, &registry.join(package.file_name().unwrap()), &mut files, &mut bytes);
    }
    let mut random = Random::of(1);
    let made_up = root.join("made up");
    fs::create_dir(&made_up).unwrap();
    for number in 0.. {
        if files >= FILES && bytes >= BYTES {
            break;
        }
        let directory = made_up.join(format!("{}", number / 100));
        fs::create_dir_all(&directory).unwrap();
        let len = random.below(if files < FILES { 64 << 10 } else { 2 << 20 });
        random.write(&directory.join(format!("file {number}")), len);
        files += 1;
        bytes += len;
    }
    random.write(&root.join(LARGE), LARGE_BYTES);
    // Mostly holes, and one that ends in a hole.
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.set_len(5 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"island", (3 << 20) + 17).unwrap();
    File::create(root.join("empty file")).unwrap();
    let names = root.join("names");
    fs::create_dir(&names).unwrap();
    for name in [
        "with space",
        " leading",
        "trailing ",
        "single'quote",
        "double\"quote",
        "back\\slash",
        "\u{1f600} emoji \u{1f469}\u{200d}\u{1f680}",
        "e\u{301} and \u{e9}",
        "new\nline",
        "#hash",
        "100%",
        "a:b",
        "CON",
        "-rf",
        "...",
        &"long".repeat(63),
        ".anystorage-cp-.part",
    ] {
        fs::write(names.join(name), name).unwrap();
    }
    for empty in ["empty directory", "nested/empty/directories", "names/\u{1f4c1} empty"] {
        fs::create_dir_all(root.join(empty)).unwrap();
    }
    (files, bytes)
}

/// The packages that cargo has unpacked to build this one.
fn unpacked_packages() -> Vec<PathBuf> {
    let home =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(sources) = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok()) else {
        return Vec::new();
    };
    let registries = sources.filter_map(|entry| fs::read_dir(entry.ok()?.path()).ok());
    let mut packages: Vec<PathBuf> =
        registries.flatten().filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    packages.sort_by(|left, right| left.as_os_str().as_bytes().cmp(right.as_os_str().as_bytes()));
    packages
}

fn copy_regular(from: &Path, to: &Path, files: &mut u64, bytes: &mut u64) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_regular(&entry.path(), &target, files, bytes);
        } else if kind.is_file() && target.to_str().is_some() {
            *bytes += fs::copy(entry.path(), target).unwrap();
            *files += 1;
        }
    }
}
