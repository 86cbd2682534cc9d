//! How often the system is asked to bring bytes to the disk, told by strace.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::Act;

use crate::world::{Place, World, browser, engines, write};

const ROUNDS: u64 = 20;

#[test]
fn a_sync_of_changes_reaches_the_disk_and_another_does_not() {
    for place in engines() {
        let world = World::new(Storage::Usual);
        let page = world.page();
        page.act(place, "flushes", &[write("file", 70_000, 1), Act::Sync]).unwrap();
        // The browser has things of its own to write when it has just come up.
        sleep(Duration::from_secs(3));
        let idle = counted(&world, || sleep(Duration::from_secs(2)));
        let dirty = counted(&world, || {
            for round in 0..ROUNDS {
                let change = Act::WriteAt { path: "file".to_owned(), offset: round * 100, len: 4096, seed: round };
                page.act(place, "flushes", &[change, Act::Sync]).unwrap();
            }
        });
        let clean = counted(&world, || (0..ROUNDS).for_each(|_| page.act(place, "flushes", &[Act::Sync]).unwrap()));
        println!("{}: {}: {ROUNDS} syncs of a change: {dirty:?}; clean: {clean:?}; idle: {idle:?}", browser().as_str(), told(place));
        assert!(dirty.iter().map(|(_, count)| count).sum::<u64>() >= ROUNDS, "{place:?}: {dirty:?}");
        assert!(clean.iter().map(|(_, count)| count).sum::<u64>() < ROUNDS, "{place:?}: {clean:?}");
    }
}

fn told((engine, context): Place) -> String {
    format!("{engine} in a {}", context.as_str())
}

/// The calls of all processes of the browser while `act` goes on, by name.
fn counted(world: &World, act: impl FnOnce()) -> Vec<(&'static str, u64)> {
    let log = world.profile.path().join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o"]).arg(&log);
    for process in world.session.processes() {
        strace.args(["-p", &process.to_string()]);
    }
    let mut strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("strace is there");
    sleep(Duration::from_secs(2));
    act();
    sleep(Duration::from_millis(500));
    let pid = rustix::process::Pid::from_child(&strace);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    strace.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let count = |name: &str| text.lines().filter(|line| line.contains(&format!(" {name}("))).count() as u64;
    ["fsync", "fdatasync", "msync", "sync_file_range"].into_iter().map(|name| (name, count(name))).filter(|(_, count)| *count > 0).collect()
}
