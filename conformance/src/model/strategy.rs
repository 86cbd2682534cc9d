//! Random calls as `proptest` value trees: few names, so that calls meet; every tree shrinks to the plainest call of its kind.

use std::ops::Range;

use anystorage_api::OpenOptions;
use proptest::strategy::{Map, NoShrink, Strategy};
use proptest::test_runner::{Config, Reason, RngAlgorithm, TestRng, TestRunner};

use super::call::{Call, Data, Offset, SLOTS};

/// Where a sequence mostly has its directories, the plainest first.
const DIRECTORIES: &[&str] = &["a", "b", "a/a", "b/b", "c", "a/a/a"];

/// Where it mostly has its files. Some differ in case or in normal form only; one has the longest name there is.
const FILES: &[&str] = &[
    "d",
    "e",
    "a/d",
    "b/d",
    "a/e",
    "a/a/d",
    "b/b/d",
    "a/a/a/d",
    "D",
    "a/D",
    ".d",
    "b/ d \"q\" '\u{1f600}",
    "\u{e9}",
    "e\u{301}",
    "a/\\:*?",
    "b/CON",
    LONG_NAME,
];

/// What a failing sequence calls its paths where it can, the plainest first.
pub(crate) const PLAIN: &[&str] = &["d", "e", "a", "b", "a/d", "a/e"];

/// 255 bytes.
const LONG_NAME: &str = concat!(
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
);

/// Where pages of `list` begin.
const AFTER: &[Option<&str>] = &[None, Some("a"), Some("b"), Some("A"), Some("aa"), Some("e"), Some("zz")];

/// The numbers behind one call: its kind; for each of two paths, for the offset and for the length a class and a number in it; a slot, a
/// tag, options.
type Numbers = (
    NoShrink<Range<u8>>,
    (Range<u8>, Range<usize>),
    (Range<u8>, Range<usize>),
    (Range<u8>, Range<u64>),
    (Range<u8>, Range<usize>),
    Range<usize>,
    Range<u8>,
    Range<u8>,
);
type Raw = (u8, (u8, usize), (u8, usize), (u8, u64), (u8, usize), usize, u8, u8);
type CallStrategy = Map<Numbers, fn(Raw) -> Call>;

/// One random call that can be made simpler.
pub(crate) type CallTree = <CallStrategy as Strategy>::Tree;

/// The calls of one sequence, by the seed of the run and the number of the sequence alone.
pub(crate) fn sequence(seed: u64, number: u64, len: usize) -> Result<Vec<CallTree>, Reason> {
    let mut key = [0_u8; 32];
    for (to, from) in key.iter_mut().zip(seed.to_le_bytes().into_iter().chain(number.to_le_bytes())) {
        *to = from;
    }
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    let strategy = strategy();
    (0..len).map(|_| strategy.new_tree(&mut runner)).collect()
}

fn strategy() -> CallStrategy {
    let path = (0..20_u8, 0..1000_usize);
    let numbers = (
        (0..100_u8).no_shrink(),
        path.clone(),
        path,
        (0..22_u8, 0..1_000_000_u64),
        (0..10_u8, 0..70_000_usize),
        0..SLOTS,
        0..u8::MAX,
        0..72_u8,
    );
    numbers.prop_map(call as fn(Raw) -> Call)
}

fn call((kind, path, other, offset, len, slot, tag, options): Raw) -> Call {
    let file = || a_path(FILES, DIRECTORIES, path);
    let directory = || a_path(DIRECTORIES, FILES, path);
    let offset = position(offset);
    let len = length(len);
    let data = Data { tag, len };
    match kind {
        0..18 => Call::Open { slot, path: file(), options: mix(options) },
        18..34 => Call::WriteAt { slot, offset, data },
        34..45 => Call::ReadAt { slot, offset, len },
        45..50 => Call::SetLen { slot, len: offset },
        50..53 => Call::StatFile { slot },
        53..55 => Call::SyncFile { slot },
        55..57 => Call::CloseFile { slot },
        57..60 => Call::Stat { path: file() },
        60..62 => Call::Stat { path: directory() },
        62..66 => Call::List { path: directory(), after: pick(AFTER, usize::from(options)), limit: other.1 % 12 },
        66..74 => Call::CreateDir { path: directory() },
        74..77 => Call::RemoveFile { path: file() },
        77..79 => Call::RemoveDir { path: directory() },
        79..85 => Call::Rename { from: file(), to: a_path(FILES, DIRECTORIES, other) },
        85..90 => Call::Rename { from: directory(), to: a_path(DIRECTORIES, FILES, other) },
        90..93 => Call::Read { path: file() },
        93..97 => Call::Write { path: file(), data },
        97 => Call::Sync,
        98 => Call::Reopen,
        _ => Call::Usage,
    }
}

/// Mostly one of the first kind, sometimes one of the other, seldom the root.
fn a_path(mostly: &[&'static str], sometimes: &[&'static str], (class, number): (u8, usize)) -> &'static str {
    match class {
        0..16 => pick(mostly, number),
        16..19 => pick(sometimes, number),
        _ => "",
    }
}

/// Counting round and round.
fn pick<T: Copy + Default>(from: &[T], index: usize) -> T {
    from.get(index % from.len().max(1)).copied().unwrap_or_default()
}

fn position((class, number): (u8, u64)) -> Offset {
    let near = number % 11;
    Offset::At(match class {
        0..=9 => number % 300,
        10..=13 => 4096 * (number % 4 + 1) - 5 + near,
        14..=15 => 65_536 * (number % 3 + 1) - 5 + near,
        16 => (1 << 31) - 5 + near,
        17 | 18 => (1 << 32) - 5 + near,
        19 => (1 << 33) + number,
        20 => (1 << 40) + number,
        _ if number % 2 == 0 => return Offset::BeforeLimit(near),
        _ => return Offset::BehindLimit(number),
    })
}

fn length((class, number): (u8, usize)) -> usize {
    match class {
        0..=5 => number % 64,
        6..=8 => number % 5000,
        _ => number,
    }
}

fn mix(number: u8) -> OpenOptions {
    match number {
        0..32 => OpenOptions::editing(),
        32..38 => OpenOptions::reading(),
        38..43 => OpenOptions::new().write(true),
        43..48 => OpenOptions::new().read(true).write(true).create(true).truncate(true),
        _ => {
            let bit = |at: u8| (number.wrapping_mul(37)) >> at & 1 == 1;
            OpenOptions::new().read(bit(0)).write(bit(1)).create(bit(2)).create_new(bit(3)).truncate(bit(4))
        }
    }
}
