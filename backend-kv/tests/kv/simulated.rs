//! The simulated store loses what it may lose, and nothing else.

use std::collections::BTreeSet;

use anystorage_api::ErrorKind;
use anystorage_kv::testing::{Fault, Outcome, SimMedium, SimStore};
use anystorage_kv::{Batch, Commit, KvStore};
use futures_lite::future::{block_on, poll_once};

fn commit(store: &SimStore, pairs: &[(&str, &str)], durability: Commit) -> anystorage_api::Result<()> {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(*key, *value);
    }
    block_on(store.commit(batch, durability))
}

fn found(medium: &SimMedium, outcome: Outcome) -> String {
    let shown = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let records = medium.cut(outcome).records();
    let pairs: Vec<String> = records.into_iter().map(|(key, value)| format!("{}={}", shown(key), shown(value))).collect();
    pairs.join(" ")
}

/// `a` and `b` durable, then three relaxed commits, and a durable one in which the power goes off.
fn interrupted() -> SimMedium {
    let medium = SimMedium::new();
    let store = medium.open().unwrap();
    commit(&store, &[("a", "0")], Commit::Relaxed).unwrap();
    commit(&store, &[("b", "0")], Commit::Durable).unwrap();
    medium.stop_before(5);
    commit(&store, &[("a", "1"), ("c", "1")], Commit::Relaxed).unwrap();
    commit(&store, &[("a", "2")], Commit::Relaxed).unwrap();
    commit(&store, &[("d", "3")], Commit::Relaxed).unwrap();
    assert_eq!(commit(&store, &[("e", "4")], Commit::Durable).unwrap_err().kind(), ErrorKind::Io);
    assert!(medium.is_off() && block_on(store.get(b"a")).is_err());
    medium
}

#[test]
fn a_cut_loses_any_relaxed_commit_whole_and_nothing_durable() {
    let medium = interrupted();
    assert_eq!(medium.unsettled(), 3);
    assert_eq!(found(&medium, Outcome::NothingUnsynced), "a=0 b=0");
    assert_eq!(found(&medium, Outcome::Everything), "a=2 b=0 c=1 d=3 e=4");
    assert_eq!(found(&medium, Outcome::Returned), "a=2 b=0 c=1 d=3");
    assert_eq!(found(&medium, Outcome::AllBut(0)), "a=2 b=0 d=3");
    assert_eq!(found(&medium, Outcome::Only(0)), "a=1 b=0 c=1");
    assert_eq!(found(&medium, Outcome::Reversed), "a=1 b=0 c=1 d=3");
}

#[test]
fn random_outcomes_reach_every_state_and_no_other() {
    let medium = interrupted();
    let states: BTreeSet<String> = (0..2_000).map(|seed| found(&medium, Outcome::Random(seed))).collect();
    // Each subset of three, and everything with the durable one that was under way. In the opposite order the second of them leaves nothing.
    assert_eq!(states.len(), 8 + 1, "{states:#?}");
    assert!(states.iter().all(|state| state.contains("e=4") == (state == "a=2 b=0 c=1 d=3 e=4")), "{states:#?}");
    assert!(states.iter().all(|state| state.contains("c=1") || !state.contains("a=1")), "a batch in part: {states:#?}");
}

#[test]
fn a_durable_commit_made_relaxed_is_lost_like_another_one() {
    let medium = SimMedium::new();
    medium.relax(|commit, _| commit.number == 1);
    let store = medium.open().unwrap();
    commit(&store, &[("a", "0")], Commit::Relaxed).unwrap();
    commit(&store, &[("b", "0")], Commit::Durable).unwrap();
    assert_eq!(found(&medium, Outcome::NothingUnsynced), "");
    assert_eq!(found(&medium, Outcome::AllBut(0)), "b=0");
    commit(&store, &[("c", "0")], Commit::Durable).unwrap();
    assert_eq!(found(&medium, Outcome::NothingUnsynced), "a=0 b=0 c=0");
}

#[test]
fn commits_fail_on_demand() {
    for (fault, kind, seen, states) in [
        (Fault::NoSpace, ErrorKind::NoSpace, false, ["", ""]),
        (Fault::Lost, ErrorKind::Io, false, ["", "a=1"]),
        (Fault::Made, ErrorKind::Io, true, ["", "a=1"]),
    ] {
        let medium = SimMedium::new();
        let store = medium.open().unwrap();
        medium.fail(move |commit, _| (commit.number == 0).then_some(fault));
        assert_eq!(commit(&store, &[("a", "1")], Commit::Durable).unwrap_err().kind(), kind);
        assert_eq!(block_on(store.get(b"a")).unwrap().is_some(), seen, "{fault:?}");
        assert_eq!([Outcome::NothingUnsynced, Outcome::Everything].map(|outcome| found(&medium, outcome)), states, "{fault:?}");
    }
}

#[test]
fn a_full_store_refuses_what_grows_and_nothing_else() {
    let medium = SimMedium::new();
    medium.set_limit(10);
    let store = medium.open().unwrap();
    commit(&store, &[("a", "12345"), ("b", "123")], Commit::Durable).unwrap();
    assert_eq!(commit(&store, &[("c", "1")], Commit::Durable).unwrap_err().kind(), ErrorKind::NoSpace);
    commit(&store, &[("c", "1"), ("b", "1")], Commit::Durable).unwrap();
    let size = block_on(store.size()).unwrap();
    assert_eq!((size.used, size.free), (Some(10), Some(0)));
    assert_eq!(found(&medium, Outcome::NothingUnsynced), "a=12345 b=1 c=1");
}

#[test]
fn one_store_at_a_time_holds_the_medium() {
    let medium = SimMedium::new();
    let first = medium.open().unwrap();
    assert_eq!(medium.open().unwrap_err().kind(), ErrorKind::Locked);
    block_on(first.close()).unwrap();
    assert_eq!(block_on(first.get(b"a")).unwrap_err().kind(), ErrorKind::Closed);
    let second = medium.open().unwrap();
    drop(first);
    assert_eq!(medium.open().unwrap_err().kind(), ErrorKind::Locked);
    drop(second);
    medium.open().unwrap();
}

#[test]
fn a_waiting_store_answers_at_the_second_poll_and_sees_commits_that_overlap() {
    let medium = SimMedium::new();
    medium.set_waiting(true);
    let store = medium.open().unwrap();
    block_on(async {
        let mut get = std::pin::pin!(store.get(b"a"));
        assert!(poll_once(get.as_mut()).await.is_none());
        assert!(poll_once(get).await.is_some());
        let mut first = store.commit(Batch::new(), Commit::Durable);
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(store.commit(Batch::new(), Commit::Durable).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        first.await.unwrap();
        drop(store.commit(Batch::new(), Commit::Durable));
        store.commit(Batch::new(), Commit::Durable).await.unwrap();
    });
}

#[test]
fn keys_and_values_that_no_engine_may_use_are_refused() {
    let store = SimMedium::new().open().unwrap();
    let long = "k".repeat(anystorage_kv::MAX_KEY_LEN + 1);
    for pair in [("", "value"), ("key", ""), (long.as_str(), "value")] {
        assert_eq!(commit(&store, &[pair], Commit::Durable).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
