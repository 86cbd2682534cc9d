//! The order of calls: which may start, and which wait for whom. No threads here.

use std::collections::BTreeMap;
use std::fmt;

use super::claims::Claims;
use super::lanes::Lanes;

/// A call's number, in the order of the first polls.
pub(super) type CallId = u64;

/// What a call does once it may start.
pub(super) type Work = Box<dyn FnOnce(CallId) + Send>;

/// Every call that was polled and has not ended.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next: CallId,
    calls: BTreeMap<CallId, Call>,
    pub(super) lanes: Lanes,
    /// The backend, and the handles of its files.
    pub(super) owners: usize,
}

struct Call {
    claims: Claims,
    /// One earlier call that this one waits for, and what it does then; none once it was started.
    waiting: Option<(CallId, Work)>,
}

/// A call that may start now.
pub(super) struct Start(CallId, Work);

impl Start {
    pub(super) fn run(self) {
        (self.1)(self.0);
    }
}

impl Queue {
    /// For a backend without open files.
    pub(super) fn with_one_owner() -> Self {
        Self { owners: 1, ..Self::default() }
    }

    /// Takes a call in; returns it if it may start at once.
    pub(super) fn submit(&mut self, claims: Claims, work: Work) -> Option<Start> {
        let id = self.next;
        self.next += 1;
        match self.obstacle(id, &claims) {
            Some(obstacle) => {
                self.calls.insert(id, Call { claims, waiting: Some((obstacle, work)) });
                None
            }
            None => {
                self.calls.insert(id, Call { claims, waiting: None });
                Some(Start(id, work))
            }
        }
    }

    /// A call has ended; returns those that waited for it and now may start.
    ///
    /// Everybody gets a turn: a call waits for earlier ones only, so the earliest never waits.
    pub(super) fn finish(&mut self, ended: CallId) -> Vec<Start> {
        self.calls.remove(&ended);
        let waited = |call: &Call| call.waiting.as_ref().is_some_and(|(obstacle, _)| *obstacle == ended);
        let woken: Vec<CallId> = self.calls.iter().filter(|(_, call)| waited(call)).map(|(id, _)| *id).collect();
        let mut starts = Vec::new();
        for id in woken {
            let obstacle = self.calls.get(&id).and_then(|call| self.obstacle(id, &call.claims));
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            match (obstacle, &mut call.waiting) {
                (Some(next), Some((obstacle, _))) => *obstacle = next,
                _ => starts.extend(call.waiting.take().map(|(_, work)| Start(id, work))),
            }
        }
        starts
    }

    /// Whether files that were dropped are still being let go.
    pub(super) fn is_releasing(&self) -> bool {
        self.calls.values().any(|call| call.claims == Claims::Release)
    }

    /// The first earlier call that `claims` wait for.
    fn obstacle(&self, id: CallId, claims: &Claims) -> Option<CallId> {
        let mut earlier = self.calls.range(..id);
        earlier.find(|(_, call)| claims.wait_for(&call.claims, &self.lanes)).map(|(id, _)| *id)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let obstacle = self.waiting.as_ref().map(|(obstacle, _)| obstacle);
        f.debug_struct("Call").field("claims", &self.claims).field("waits_for", &obstacle).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offload::claims::Access::{Exclusive, Shared};
    use crate::offload::lanes::LaneId;
    use anystorage_api::StoragePath;

    /// A queue whose calls end when the test says so.
    #[derive(Default)]
    struct Plan {
        queue: Queue,
        running: Vec<CallId>,
    }

    impl Plan {
        fn submit(&mut self, claims: Claims) -> CallId {
            let start = self.queue.submit(claims, Box::new(|_| {}));
            self.running.extend(start.map(|Start(id, _)| id));
            self.queue.next - 1
        }

        fn finish(&mut self, id: CallId) {
            assert!(self.running.contains(&id), "{id} is not running: {:?}", self.queue);
            self.running.retain(|running| *running != id);
            self.running.extend(self.queue.finish(id).into_iter().map(|Start(id, _)| id));
        }

        fn runs(&self, id: CallId) -> bool {
            self.running.contains(&id)
        }
    }

    fn path(text: &str) -> StoragePath {
        StoragePath::parse(text).unwrap()
    }
    fn read(at: &str) -> Claims {
        Claims::name(&path(at), Shared).with_bytes(Shared)
    }
    fn list(at: &str) -> Claims {
        Claims::name(&path(at), Shared)
    }
    fn write(at: &str) -> Claims {
        Claims::name(&path(at), Exclusive)
    }
    fn truncate(at: &str) -> Claims {
        Claims::name(&path(at), Exclusive).with_bytes(Exclusive)
    }
    fn rename(from: &str, to: &str) -> Claims {
        Claims::name(&path(from), Exclusive).with_name(&path(to), Exclusive)
    }
    const fn read_at(lane: LaneId) -> Claims {
        Claims::Lane { lane, bytes: Shared }
    }
    const fn write_at(lane: LaneId) -> Claims {
        Claims::Lane { lane, bytes: Exclusive }
    }

    #[test]
    fn calls_on_one_file_take_turns_and_reads_overlap() {
        let mut plan = Plan::default();
        let (a, b) = (plan.queue.lanes.join("a"), plan.queue.lanes.join("b"));
        let calls = [read_at(a), read_at(a), write_at(a), read_at(a), read_at(a), write_at(b)].map(|claims| plan.submit(claims));
        assert_eq!(plan.running, [0, 1, 5], "two reads, and the write of another file");
        plan.finish(calls[0]);
        assert!(!plan.runs(calls[2]), "one read is still running");
        plan.finish(calls[1]);
        assert!(plan.runs(calls[2]) && !plan.runs(calls[3]));
        plan.finish(calls[2]);
        assert!(plan.runs(calls[3]) && plan.runs(calls[4]));
    }

    #[test]
    fn paths_and_handles_of_one_file_take_turns() {
        let mut plan = Plan::default();
        let lane = plan.queue.lanes.join("d/a");
        let writing = plan.submit(write_at(lane));
        let waiting = [read("d/a"), truncate("d/a")].map(|claims| plan.submit(claims));
        let others = [read("d/b"), write("d/c"), rename("d/x", "d/y")].map(|claims| plan.submit(claims));
        assert!(waiting.iter().all(|id| !plan.runs(*id)));
        assert!(others.iter().all(|id| plan.runs(*id)));
        plan.finish(writing);
        assert!(plan.runs(waiting[0]) && !plan.runs(waiting[1]));
        let behind = plan.submit(write_at(lane));
        plan.finish(waiting[0]);
        assert!(plan.runs(waiting[1]) && !plan.runs(behind), "a handle waits for what changes its bytes by path");
        plan.finish(waiting[1]);
        assert!(plan.runs(behind));
    }

    #[test]
    fn a_rename_need_not_wait_for_handles_and_the_new_path_does() {
        let mut plan = Plan::default();
        let lane = plan.queue.lanes.join("d/a");
        let writing = plan.submit(write_at(lane));
        let renaming = plan.submit(rename("d", "e"));
        let reading = plan.submit(read("e/a"));
        assert!(plan.runs(renaming) && !plan.runs(reading));
        plan.queue.lanes.rename("d", "e");
        plan.finish(renaming);
        assert!(!plan.runs(reading), "the file that is now there is being written");
        plan.finish(writing);
        assert!(plan.runs(reading));
    }

    /// A handle's write once overtook a truncation that came before it, by a path that a rename still under way was about to make the
    /// handle's own.
    #[test]
    fn a_handle_waits_for_a_rename_that_brings_it_under_an_earlier_call() {
        let mut plan = Plan::default();
        let lane = plan.queue.lanes.join("p");
        let renaming = plan.submit(rename("p", "q"));
        let truncating = plan.submit(truncate("q"));
        let writing = plan.submit(write_at(lane));
        assert_eq!(plan.running, [renaming]);
        plan.queue.lanes.rename("p", "q");
        plan.finish(renaming);
        assert_eq!(plan.running, [truncating]);
        plan.finish(truncating);
        assert_eq!(plan.running, [writing]);
    }

    #[test]
    fn a_removed_file_and_its_successor_have_nothing_to_do_with_each_other() {
        let mut plan = Plan::default();
        let lane = plan.queue.lanes.join("a");
        let writing = plan.submit(write_at(lane));
        let removing = plan.submit(write("a"));
        assert!(plan.runs(removing));
        plan.queue.lanes.unlink("a");
        plan.finish(removing);
        let reading = plan.submit(read("a"));
        assert!(plan.runs(reading) && plan.runs(writing));
    }

    #[test]
    fn names_wait_for_what_happens_above_and_listings_for_what_happens_in_them() {
        let mut plan = Plan::default();
        let creating = plan.submit(write("a"));
        let below = plan.submit(write("a/b"));
        let listing = plan.submit(list("a"));
        let root = plan.submit(list(""));
        let beside = plan.submit(write("a-b"));
        let deep = plan.submit(write("x/y/z"));
        assert_eq!(plan.running, [creating, deep], "{beside} waits for the listing of the root");
        plan.finish(creating);
        assert!(plan.runs(below) && plan.runs(root) && !plan.runs(listing));
        plan.finish(below);
        assert!(plan.runs(listing));
    }

    #[test]
    fn a_release_waits_for_nobody_and_delays_what_may_need_its_space() {
        let mut plan = Plan::default();
        let (a, b) = (plan.queue.lanes.join("a"), plan.queue.lanes.join("b"));
        let closing = [write_at(a), Claims::Everything].map(|claims| plan.submit(claims));
        let release = plan.submit(Claims::Release);
        assert!(plan.runs(release) && plan.queue.is_releasing());
        closing.iter().for_each(|id| plan.finish(*id));
        let free = plan.submit(read_at(b));
        let delayed = [write_at(b), read("c"), write("c"), Claims::Changes, Claims::Nothing].map(|claims| plan.submit(claims));
        assert_eq!(plan.running, [release, free]);
        plan.finish(free);
        plan.finish(release);
        assert!(!plan.queue.is_releasing() && plan.runs(delayed[0]) && plan.runs(delayed[1]) && plan.runs(delayed[4]));
    }

    #[test]
    fn a_sync_waits_for_changes_before_it_and_delays_nothing() {
        let mut plan = Plan::default();
        let lane = plan.queue.lanes.join("a");
        let calls = [write_at(lane), read("b"), write("c"), Claims::Changes, write("d"), Claims::Nothing].map(|claims| plan.submit(claims));
        assert!(!plan.runs(calls[3]) && plan.runs(calls[4]) && plan.runs(calls[5]));
        plan.finish(calls[0]);
        assert!(!plan.runs(calls[3]));
        plan.finish(calls[2]);
        assert!(plan.runs(calls[3]), "reads and later writes do not matter");
        let closing = plan.submit(Claims::Everything);
        let after = plan.submit(Claims::Nothing);
        for id in [calls[1], calls[3], calls[4], calls[5]] {
            assert!(!plan.runs(closing));
            plan.finish(id);
        }
        assert!(plan.runs(closing) && !plan.runs(after));
        plan.finish(closing);
        assert!(plan.runs(after));
    }
}
