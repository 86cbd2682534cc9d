//! The model that judges what is found after a kill is itself judged: what it must let pass, and what it must not.

#![allow(clippy::unwrap_used)]

mod atomic_sync;

use anystorage_api::{ErrorKind, StoragePath};
use anystorage_conformance::durability_model::{Action, DurabilityModel, Node, Promise, Refused, Tree};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn tree(entries: &[(&str, Option<&[u8]>)]) -> Tree {
    let mut tree = Tree::new();
    for (at, bytes) in entries {
        tree.insert(path(at), bytes.map_or(Node::Directory, |bytes| Node::File(bytes.to_vec())));
    }
    tree
}

/// A model over a location that holds `entries`, all synced.
fn holding(entries: &[(&str, Option<&[u8]>)]) -> DurabilityModel {
    DurabilityModel::holding(Promise::InPlace, &tree(entries))
}

fn line_broken(model: &DurabilityModel, found: &[(&str, Option<&[u8]>)]) -> u8 {
    model.check(&tree(found)).map_or_else(|violation| violation.line, |()| 0)
}

fn kept(model: &DurabilityModel, found: &[(&str, Option<&[u8]>)]) {
    assert_eq!(model.check(&tree(found)), Ok(()));
}

fn write(model: &mut DurabilityModel, at: &str, offset: u64, data: &[u8]) {
    let file = model.file_at(&path(at)).unwrap();
    model.done(&Action::WriteAt { file, offset, data }).unwrap();
}

#[test]
fn bytes_outside_what_was_written_stay_as_synced() {
    let mut model = holding(&[("a", Some(b"0123456789"))]);
    write(&mut model, "a", 3, b"xyz");
    for found in [b"0123456789", b"012xyz6789", b"0123y56789", b"012x4z6789"] {
        kept(&model, &[("a", Some(found))]);
    }
    for found in [b"0123456780", b"01xyz56789", b"012Q456789", b"0120456789"] {
        assert_eq!(line_broken(&model, &[("a", Some(found))]), 2, "{found:?}");
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"012345678"))]), 2, "cut, which nobody did");
}

#[test]
fn growth_may_be_found_as_zeros_and_in_part() {
    let mut model = holding(&[("a", Some(b"ab"))]);
    write(&mut model, "a", 4, b"cd");
    for found in [&b"ab"[..], b"ab\0", b"ab\0\0c", b"ab\0\0\0\0", b"ab\0\0\0d", b"ab\0\0cd"] {
        kept(&model, &[("a", Some(found))]);
    }
    for found in [&b"ab\0\0cde"[..], b"ab\0c", b"a", b"\0b\0\0cd"] {
        assert_eq!(line_broken(&model, &[("a", Some(found))]), 2, "{found:?}");
    }
}

#[test]
fn what_was_cut_may_be_found_again_until_the_sync() {
    let mut model = holding(&[("a", Some(b"abcdef"))]);
    let file = model.file_at(&path("a")).unwrap();
    model.done(&Action::SetLen { file, len: 2 }).unwrap();
    model.done(&Action::SetLen { file, len: 4 }).unwrap();
    for found in [&b"abcdef"[..], b"ab", b"ab\0\0", b"abc\0", b"ab\0\0ef"] {
        kept(&model, &[("a", Some(found))]);
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"abc"))]), 2, "never had three bytes");
    model.done(&Action::SyncFile { file }).unwrap();
    kept(&model, &[("a", Some(b"ab\0\0"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"abcdef"))]), 1);
}

#[test]
fn a_sync_covers_only_what_had_returned_before_it_began() {
    let mut model = holding(&[("a", Some(b"old"))]);
    let file = model.file_at(&path("a")).unwrap();
    let first = model.begin(&Action::WriteAt { file, offset: 0, data: b"A" }).unwrap();
    let sync = model.begin(&Action::Sync).unwrap();
    model.returned(first);
    model.returned(sync);
    kept(&model, &[("a", Some(b"old"))]);
    model.done(&Action::SyncFile { file }).unwrap();
    assert_eq!(line_broken(&model, &[("a", Some(b"old"))]), 1);
}

#[test]
fn a_sync_of_a_file_covers_the_directories_that_lead_to_it() {
    let mut model = holding(&[]);
    model.done(&Action::CreateDir { path: &path("d") }).unwrap();
    model.done(&Action::CreateDir { path: &path("d/e") }).unwrap();
    model.done(&Action::Create { path: &path("d/e/f") }).unwrap();
    model.done(&Action::Create { path: &path("d/g") }).unwrap();
    kept(&model, &[]);
    let file = model.file_at(&path("d/e/f")).unwrap();
    model.done(&Action::SyncFile { file }).unwrap();
    kept(&model, &[("d", None), ("d/e", None), ("d/e/f", Some(b""))]);
    for found in [&[][..], &[("d", None)], &[("d", None), ("d/e", None)]] {
        assert_eq!(line_broken(&model, found), 1, "{found:?}");
    }
}

#[test]
fn a_renamed_file_is_found_under_one_of_its_names_and_never_lost() {
    let mut model = holding(&[("a", Some(b"1")), ("d", None)]);
    model.done(&Action::Rename { from: &path("a"), to: &path("d/b") }).unwrap();
    kept(&model, &[("a", Some(b"1")), ("d", None)]);
    kept(&model, &[("d", None), ("d/b", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("d", None)]), 1);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("d", None), ("d/b", Some(b"1"))]), 2);
}

#[test]
fn what_is_in_a_directory_follows_its_rename() {
    let mut model = holding(&[("d", None), ("d/a", Some(b"1"))]);
    model.done(&Action::Rename { from: &path("d"), to: &path("e") }).unwrap();
    model.done(&Action::Create { path: &path("e/new") }).unwrap();
    kept(&model, &[("d", None), ("d/a", Some(b"1"))]);
    kept(&model, &[("d", None), ("d/a", Some(b"1")), ("d/new", Some(b""))]);
    kept(&model, &[("e", None), ("e/a", Some(b"1")), ("e/new", Some(b""))]);
    assert_eq!(line_broken(&model, &[]), 1);
    assert_eq!(line_broken(&model, &[("e", None)]), 1);
    assert_eq!(line_broken(&model, &[("d", None), ("e", None), ("e/a", Some(b"1"))]), 2);
}

#[test]
fn a_replaced_file_is_old_or_new_and_whole() {
    let mut model = holding(&[("a", Some(b"old"))]);
    let under_way = model.begin(&Action::Replace { path: &path("a"), data: b"fresh" }).unwrap();
    kept(&model, &[("a", Some(b"old"))]);
    kept(&model, &[("a", Some(b"fresh"))]);
    for found in [&b""[..], b"fres", b"\0\0\0\0\0"] {
        assert_eq!(line_broken(&model, &[("a", Some(found))]), 4, "{found:?}");
    }
    assert_eq!(line_broken(&model, &[]), 4);
    model.returned(under_way);
    kept(&model, &[("a", Some(b"old"))]);
    model.done(&Action::Sync).unwrap();
    assert_eq!(line_broken(&model, &[("a", Some(b"old"))]), 1);
}

#[test]
fn a_rename_over_a_file_brings_all_bytes_that_had_been_written() {
    let mut model = holding(&[("a", Some(b"old"))]);
    model.done(&Action::Create { path: &path("t") }).unwrap();
    write(&mut model, "t", 0, b"new");
    model.done(&Action::Rename { from: &path("t"), to: &path("a") }).unwrap();
    kept(&model, &[("a", Some(b"old")), ("t", Some(b"\0e\0"))]);
    kept(&model, &[("a", Some(b"new"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b""))]), 4);
    assert_eq!(line_broken(&model, &[("a", Some(b"\0\0\0"))]), 4);
}

#[test]
fn settling_one_name_of_a_rename_settles_the_other() {
    let mut model = holding(&[("a", Some(b"1")), ("d", None)]);
    model.done(&Action::Rename { from: &path("a"), to: &path("d/b") }).unwrap();
    model.done(&Action::Create { path: &path("a") }).unwrap();
    let file = model.file_at(&path("a")).unwrap();
    model.done(&Action::SyncFile { file }).unwrap();
    kept(&model, &[("a", Some(b"")), ("d", None), ("d/b", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"")), ("d", None)]), 1);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("d", None)]), 1);
}

#[test]
fn nothing_is_found_that_nobody_put_there() {
    let model = holding(&[("a", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("a.tmp", Some(b""))]), 2);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("d", None)]), 2);
    assert_eq!(line_broken(&model, &[("a", None)]), 2);
}

#[test]
fn a_name_given_anew_may_be_either_file_but_each_only_once() {
    let mut model = holding(&[("a", Some(b"1")), ("b", Some(b"2"))]);
    model.done(&Action::Rename { from: &path("a"), to: &path("c") }).unwrap();
    model.done(&Action::Rename { from: &path("b"), to: &path("a") }).unwrap();
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"2"))]);
    kept(&model, &[("b", Some(b"2")), ("c", Some(b"1"))]);
    kept(&model, &[("a", Some(b"2")), ("c", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"2")), ("b", Some(b"2")), ("c", Some(b"1"))]), 2);
    assert_eq!(line_broken(&model, &[("a", Some(b"1"))]), 1);
}

#[test]
fn atomic_sync_allows_no_state_between_syncs() {
    let mut model = DurabilityModel::holding(Promise::AtomicSync, &tree(&[("a", Some(b"1")), ("b", Some(b"1"))]));
    write(&mut model, "a", 0, b"2");
    write(&mut model, "b", 0, b"2");
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"2")), ("b", Some(b"2"))]), 3, "no sync has begun");
    let sync = model.begin(&Action::Sync).unwrap();
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"1"))]);
    kept(&model, &[("a", Some(b"2")), ("b", Some(b"2"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"2")), ("b", Some(b"1"))]), 3, "one point for all");
    model.returned(sync);
    kept(&model, &[("a", Some(b"2")), ("b", Some(b"2"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("b", Some(b"1"))]), 1);
}

#[test]
fn one_files_atomic_sync_publishes_no_half_of_another_files_changes() {
    let mut model = DurabilityModel::holding(Promise::AtomicSync, &tree(&[("a", Some(b"11")), ("b", Some(b"11"))]));
    write(&mut model, "a", 0, b"2");
    write(&mut model, "b", 0, b"2");
    let file = model.file_at(&path("a")).unwrap();
    model.done(&Action::SyncFile { file }).unwrap();
    write(&mut model, "b", 1, b"2");
    kept(&model, &[("a", Some(b"21")), ("b", Some(b"11"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"21")), ("b", Some(b"21"))]), 3, "nobody synced it");
    assert_eq!(line_broken(&model, &[("a", Some(b"21")), ("b", Some(b"22"))]), 3);
    assert_eq!(line_broken(&model, &[("a", Some(b"11")), ("b", Some(b"11"))]), 1);
}

#[test]
fn what_an_engine_has_to_refuse_is_refused_and_changes_nothing() {
    let mut model = holding(&[("a", Some(b"1")), ("d", None), ("d/e", None)]);
    let before = model.current();
    let cases = [
        (Action::Create { path: &path("x/y") }, ErrorKind::NotFound),
        (Action::Create { path: &path("a/y") }, ErrorKind::NotADirectory),
        (Action::CreateDir { path: &path("a") }, ErrorKind::AlreadyExists),
        (Action::RemoveDir { path: &path("d") }, ErrorKind::DirectoryNotEmpty),
        (Action::RemoveFile { path: &path("d") }, ErrorKind::IsADirectory),
        (Action::Rename { from: &path("d"), to: &path("d/e/f") }, ErrorKind::InvalidInput),
        (Action::Rename { from: &path("a"), to: &path("d") }, ErrorKind::IsADirectory),
        (Action::Rename { from: &path("d"), to: &path("a") }, ErrorKind::NotADirectory),
        (Action::Replace { path: &path("d"), data: b"" }, ErrorKind::IsADirectory),
    ];
    for (action, kind) in cases {
        assert_eq!(model.done(&action), Err(Refused(kind)), "{action:?}");
    }
    assert_eq!(model.current(), before);
    kept(&model, &[("a", Some(b"1")), ("d", None), ("d/e", None)]);
}
