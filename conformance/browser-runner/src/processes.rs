//! Processes, found through `/proc` and ended by their numbers: a browser is dozens of them, and not all stay below the one that was started.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

/// The variable by which the processes of a session are known, whoever their parent is by now.
pub(crate) const MARK: &str = "ANYSTORAGE_BROWSER_SESSION";

/// How long processes may take to go that were killed.
const DYING: Duration = Duration::from_secs(10);

/// Makes this process the parent of all below it that lose theirs, so that none of them is ever out of sight.
pub(crate) fn adopt_orphans() {
    // Linux has it since 3.4. Without it some helpers of a browser may outlive it.
    let _ = set_child_subreaper(Some(rustix::process::getpid()));
}

/// A process as `/proc` shows it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    parent: i32,
    is_dead: bool,
}

fn all() -> BTreeMap<i32, Seen> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|number| Some((number, seen(number)?))).collect()
}

fn seen(number: i32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name of the program stands in parentheses, and may have some of its own.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    Some(Seen { parent: fields.next()?.parse().ok()?, is_dead: matches!(state, "Z" | "X") })
}

/// All that live below these, and they themselves.
fn tree(all: &BTreeMap<i32, Seen>, roots: &[i32]) -> Vec<i32> {
    let is_below = |number: i32| {
        let line = std::iter::successors(Some(number), |number| all.get(number).map(|seen| seen.parent));
        // A number may be given anew while this looks: no line is longer than there are processes.
        line.take(all.len() + 1).any(|number| roots.contains(&number))
    };
    all.iter().filter(|(number, seen)| !seen.is_dead && is_below(**number)).map(|(number, _)| *number).collect()
}

fn is_marked(number: i32, mark: &str) -> bool {
    let wanted = format!("{MARK}={mark}");
    fs::read(format!("/proc/{number}/environ")).is_ok_and(|set| set.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()))
}

/// The processes of a session: those below `roots`, and those that bear its mark.
pub(crate) fn of_session(roots: &[i32], mark: &str) -> Vec<i32> {
    let all = all();
    let mut found = tree(&all, roots);
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let orphans = all.iter().filter(|(_, seen)| seen.parent == own && !seen.is_dead).map(|(number, _)| *number);
    let orphans: Vec<i32> = orphans.filter(|number| !found.contains(number) && is_marked(*number, mark)).collect();
    found.extend(tree(&all, &orphans));
    found
}

/// SIGKILL, to all of them, without waiting for anything.
pub(crate) fn kill(numbers: &[i32]) {
    for pid in numbers.iter().filter_map(|number| Pid::from_raw(*number)) {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills a session until nothing of it is left.
pub(crate) fn kill_session(children: &mut [&mut Child], mark: &str) {
    let roots: Vec<i32> = children.iter().filter_map(|child| i32::try_from(child.id()).ok()).collect();
    let start = Instant::now();
    loop {
        let left = of_session(&roots, mark);
        kill(&left);
        for child in children.iter_mut() {
            let _ = child.try_wait();
        }
        bury(&left, &roots);
        if left.is_empty() || start.elapsed() > DYING {
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    for child in children.iter_mut() {
        // Kills it if it is still there, and leaves no zombie.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Takes note of the end of those that became children of this process, so that they do not stay as zombies.
fn bury(numbers: &[i32], children: &[i32]) {
    for number in numbers.iter().filter(|number| !children.contains(number)) {
        if let Some(pid) = Pid::from_raw(*number) {
            // An error if it is no child of this process.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Kills everything below this process.
pub(crate) fn kill_all_below() {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let start = Instant::now();
    while start.elapsed() < DYING {
        let below: Vec<i32> = tree(&all(), &[own]).into_iter().filter(|number| *number != own).collect();
        if below.is_empty() {
            break;
        }
        kill(&below);
        bury(&below, &[]);
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// A helper of a browser that was given away by its parent was left running when the browser was killed.
    #[test]
    fn what_lost_its_parent_is_killed_with_the_session() -> std::io::Result<()> {
        adopt_orphans();
        let mut shell = Command::new("sh").args(["-c", "(sleep 1000 &) ; sleep 1000"]).env(MARK, "orphan").stdin(Stdio::null()).spawn()?;
        let roots = [i32::try_from(shell.id()).unwrap_or_default()];
        let start = Instant::now();
        while of_session(&roots, "orphan").len() < 3 && start.elapsed() < DYING {
            thread::sleep(Duration::from_millis(5));
        }
        let found = of_session(&roots, "orphan");
        assert_eq!(found.len(), 3, "{found:?}");
        kill_session(&mut [&mut shell], "orphan");
        assert!(found.iter().all(|number| seen(*number).is_none_or(|seen| seen.is_dead)));
        Ok(())
    }
}
