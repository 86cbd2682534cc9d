//! How often the system is asked to bring bytes to the disk, told by strace.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser};

use crate::world::{PATIENCE, Place, World, browser, engines, write};

const ROUNDS: u64 = 20;

/// More, since a browser tidies up its databases when it pleases (Firefox 153 by ten calls), but not for each sync.
const CLEAN_ROUNDS: u64 = 60;

/// What is written to a stream there reaches the system when it is closed, and nobody asks for more.
const UNFLUSHED: (Browser, &str) = (Browser::Chromium, "opfs-stream");

pub(crate) const OPFS: &str = "opfs";
const IDB: &str = "idb";

/// How often each call was made, by its name and whose the file is.
pub(crate) type Counts = BTreeMap<(String, &'static str), u64>;

#[test]
fn a_sync_of_changes_reaches_the_disk_and_another_does_not() {
    let world = World::new(Storage::Usual);
    let page = world.page();
    for place in engines() {
        let label = told(place);
        page.act(place, &label, &[write("file", 70_000, 1), Act::Sync]).unwrap();
        let dirty = counted(&world, || {
            for round in 0..ROUNDS {
                let change = Act::WriteAt { path: "file".to_owned(), offset: round * 100, len: 4096, seed: round };
                page.act(place, &label, &[change, Act::Sync]).unwrap();
            }
        });
        let clean = counted(&world, || (0..CLEAN_ROUNDS).for_each(|_| page.act(place, &label, &[Act::Sync]).unwrap()));
        println!("{}, {}: {ROUNDS} syncs of a change: {dirty:?}; {CLEAN_ROUNDS} without one: {clean:?}", browser().as_str(), label);
        let own = |counts: &Counts| counts.iter().filter(|((_, kind), _)| place.0.starts_with(kind)).map(|(_, count)| count).sum::<u64>();
        println!(
            "    {} calls on its files in each sync of a change, {} in all without one",
            own(&dirty) as f64 / ROUNDS as f64,
            own(&clean)
        );
        if (browser(), place.0) == UNFLUSHED {
            assert_eq!(own(&dirty), 0, "{place:?}: the engine's documentation says otherwise: {dirty:?}");
        } else {
            assert!(own(&dirty) >= ROUNDS, "{place:?}: {dirty:?}");
        }
        assert!(own(&clean) < CLEAN_ROUNDS, "{place:?}: {clean:?}");
        // What a browser does with it later is not to be counted with the next.
        page.act(place, &label, &[Act::Close]).unwrap();
    }
}

fn told((engine, context): Place) -> String {
    format!("{engine} in a {}", context.as_str())
}

/// The calls of all processes of the browser while `act` goes on, by their names and the kinds of files that they bring to the disk.
pub(crate) fn counted(world: &World, act: impl FnOnce()) -> Counts {
    let log = world.profile.path().join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o"]).arg(&log);
    let processes = world.session.processes();
    for process in &processes {
        strace.args(["-p", &process.to_string()]);
    }
    let mut strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("strace is there");
    wait_until_traced(&processes, &mut strace);
    act();
    let pid = rustix::process::Pid::from_child(&strace);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    strace.wait().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let mut counts = BTreeMap::new();
    for call in text.lines().filter_map(call_in) {
        *counts.entry(call).or_default() += 1;
    }
    counts
}

/// Every thread of each process that still runs has to have a tracer.
fn wait_until_traced(processes: &[i32], strace: &mut Child) {
    let start = Instant::now();
    let traced = |process: &i32| {
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let mut of_threads = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
        of_threads.all(|status| status.contains("State:\tZ") || !status.contains("TracerPid:\t0\n"))
    };
    while !processes.iter().all(traced) {
        assert_eq!(strace.try_wait().unwrap(), None, "strace ended before it had every process");
        assert!(start.elapsed() < PATIENCE, "strace does not get hold of every process");
        sleep(Duration::from_millis(20));
    }
}

/// The call that a line of strace tells of, unless it is the end of one that was told of before: `number name(3</file/>) = 0`.
fn call_in(line: &str) -> Option<(String, &'static str)> {
    let (name, rest) = line.split_once(char::is_whitespace)?.1.trim().split_once('(')?;
    let file = rest.split_once('<').and_then(|(_, file)| Some(file.split_once('>')?.0)).unwrap_or_default();
    let kinds = [("/File System/", OPFS), ("/fs/", OPFS), ("/IndexedDB/", IDB), ("/idb/", IDB)];
    let kind = kinds.iter().find(|(part, _)| file.contains(part)).map_or("other", |(_, kind)| kind);
    (!name.starts_with('<')).then(|| (name.to_owned(), kind))
}
