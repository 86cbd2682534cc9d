//! Line 3: syncs of single files beside syncs of everything.

use anystorage_conformance::durability_model::{Action, DurabilityModel, FileId, Promise};

use super::{kept, line_broken, path, tree, write};

/// A model of an `atomic_sync` engine over a location that holds `entries`, all synced.
fn atomic(entries: &[(&str, Option<&[u8]>)]) -> DurabilityModel {
    DurabilityModel::holding(Promise::AtomicSync, &tree(entries))
}

fn file(model: &DurabilityModel, at: &str) -> FileId {
    model.file_at(&path(at)).unwrap()
}

fn create(model: &mut DurabilityModel, at: &str, data: &[u8]) -> FileId {
    model.done(&Action::Create { path: &path(at) }).unwrap();
    write(model, at, 0, data);
    file(model, at)
}

fn rename(model: &mut DurabilityModel, from: &str, to: &str) {
    model.done(&Action::Rename { from: &path(from), to: &path(to) }).unwrap();
}

fn sync_file(model: &mut DurabilityModel, at: &str) {
    let file = file(model, at);
    model.done(&Action::SyncFile { file }).unwrap();
}

#[test]
fn a_file_stands_at_its_last_sync_or_at_one_under_way() {
    let mut model = atomic(&[("a", Some(b"0"))]);
    write(&mut model, "a", 0, b"1");
    sync_file(&mut model, "a");
    kept(&model, &[("a", Some(b"1"))]);
    write(&mut model, "a", 0, b"2");
    assert_eq!(line_broken(&model, &[("a", Some(b"2"))]), 3, "written since");
    let a = file(&model, "a");
    let sync = model.begin(&Action::SyncFile { file: a }).unwrap();
    write(&mut model, "a", 0, b"3");
    for found in [b"1", b"2", b"3"] {
        kept(&model, &[("a", Some(found))]);
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"0"))]), 2, "long overwritten");
    model.returned(sync);
    write(&mut model, "a", 0, b"4");
    for found in [b"2", b"3"] {
        kept(&model, &[("a", Some(found))]);
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"1"))]), 2);
    assert_eq!(line_broken(&model, &[("a", Some(b"4"))]), 3, "begun after the sync had returned");
}

#[test]
fn a_synced_file_is_never_torn() {
    let mut model = atomic(&[("a", Some(b"0000")), ("b", Some(b"0"))]);
    write(&mut model, "a", 0, b"11");
    write(&mut model, "a", 2, b"22");
    let a = file(&model, "a");
    let _under_way = model.begin(&Action::SyncFile { file: a }).unwrap();
    for found in [b"0000", b"1122"] {
        kept(&model, &[("a", Some(found)), ("b", Some(b"0"))]);
    }
    for found in [b"1100", b"0022", b"1000"] {
        assert_eq!(line_broken(&model, &[("a", Some(found)), ("b", Some(b"0"))]), 3, "{found:?}");
    }
}

#[test]
fn a_write_that_failed_before_a_sync_may_be_in_it_in_part() {
    let mut model = atomic(&[("a", Some(b"0000"))]);
    let a = file(&model, "a");
    let _failed = model.begin(&Action::WriteAt { file: a, offset: 0, data: b"11" }).unwrap();
    model.done(&Action::SyncFile { file: a }).unwrap();
    for found in [b"0000", b"1000", b"1100"] {
        kept(&model, &[("a", Some(found))]);
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"1110"))]), 2);
}

#[test]
fn a_file_that_was_never_synced_is_not_found_after_another_files_sync() {
    let mut model = atomic(&[("a", Some(b"0"))]);
    create(&mut model, "new", b"1");
    model.done(&Action::Replace { path: &path("written"), data: b"1" }).unwrap();
    sync_file(&mut model, "a");
    kept(&model, &[("a", Some(b"0"))]);
    for new in ["new", "written"] {
        assert_eq!(line_broken(&model, &[("a", Some(b"0")), (new, Some(b"1"))]), 3, "{new}");
        assert_eq!(line_broken(&model, &[("a", Some(b"0")), (new, Some(b""))]), if new == "new" { 3 } else { 4 }, "{new}");
    }
    let new = file(&model, "new");
    let sync = model.begin(&Action::SyncFile { file: new }).unwrap();
    kept(&model, &[("a", Some(b"0"))]);
    kept(&model, &[("a", Some(b"0")), ("new", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"0")), ("new", Some(b""))]), 3, "not as it was at its first sync");
    model.returned(sync);
    assert_eq!(line_broken(&model, &[("a", Some(b"0"))]), 1);
}

#[test]
fn a_displaced_file_follows_to_its_name_with_the_bytes_of_its_own_last_sync() {
    let mut model = atomic(&[]);
    create(&mut model, "a", b"old");
    sync_file(&mut model, "a");
    write(&mut model, "a", 0, b"new");
    rename(&mut model, "a", "b");
    kept(&model, &[("a", Some(b"old"))]);
    create(&mut model, "a", b"F");
    sync_file(&mut model, "a");
    kept(&model, &[("a", Some(b"F")), ("b", Some(b"old"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"F")), ("b", Some(b"new"))]), 3, "one file's sync published another's bytes");
    assert_eq!(line_broken(&model, &[("a", Some(b"F"))]), 1, "the displaced file is lost");
    assert_eq!(line_broken(&model, &[("a", Some(b"old"))]), 1, "the synced file is not there");
    sync_file(&mut model, "b");
    kept(&model, &[("a", Some(b"F")), ("b", Some(b"new"))]);
}

#[test]
fn a_synced_file_leaves_its_old_name_and_brings_nobody_there() {
    let mut model = atomic(&[("a", Some(b"old"))]);
    rename(&mut model, "a", "b");
    create(&mut model, "a", b"F");
    sync_file(&mut model, "b");
    kept(&model, &[("b", Some(b"old"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"F")), ("b", Some(b"old"))]), 3, "nobody synced what has the name by now");
    assert_ne!(line_broken(&model, &[("a", Some(b"old")), ("b", Some(b"old"))]), 0, "one file under two names");
    assert_eq!(line_broken(&model, &[("a", Some(b"old"))]), 1);
}

#[test]
fn a_displaced_file_brings_the_new_directories_that_lead_to_it() {
    let mut model = atomic(&[("a", Some(b"old"))]);
    model.done(&Action::CreateDir { path: &path("d") }).unwrap();
    rename(&mut model, "a", "d/b");
    create(&mut model, "d/other", b"1");
    create(&mut model, "a", b"F");
    kept(&model, &[("a", Some(b"old"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"old")), ("d", None)]), 3, "no sync since the directory was made");
    sync_file(&mut model, "a");
    kept(&model, &[("a", Some(b"F")), ("d", None), ("d/b", Some(b"old"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"F")), ("d", None)]), 1);
    let with_other: &[(&str, Option<&[u8]>)] = &[("a", Some(b"F")), ("d", None), ("d/b", Some(b"old")), ("d/other", Some(b"1"))];
    assert_eq!(line_broken(&model, with_other), 3, "nobody synced the other one");
}

#[test]
fn what_replaced_a_file_may_come_with_another_files_sync_but_whole() {
    let mut model = atomic(&[("a", Some(b"old")), ("g", Some(b"g"))]);
    create(&mut model, "t", b"n--");
    write(&mut model, "t", 0, b"new");
    rename(&mut model, "t", "a");
    write(&mut model, "a", 0, b"NEW");
    kept(&model, &[("a", Some(b"old")), ("g", Some(b"g"))]);
    sync_file(&mut model, "g");
    write(&mut model, "a", 0, b"???");
    for found in [b"old", b"new", b"NEW"] {
        kept(&model, &[("a", Some(found)), ("g", Some(b"g"))]);
    }
    assert_eq!(line_broken(&model, &[("a", Some(b"n--")), ("g", Some(b"g"))]), 4, "not whole");
    assert_eq!(line_broken(&model, &[("a", Some(b"???")), ("g", Some(b"g"))]), 3, "written since the sync");
    assert_eq!(line_broken(&model, &[("g", Some(b"g"))]), 4);
    // Its own sync settles it: from now on it is a file like any other.
    sync_file(&mut model, "a");
    write(&mut model, "a", 0, b"!!!");
    sync_file(&mut model, "g");
    kept(&model, &[("a", Some(b"???")), ("g", Some(b"g"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"!!!")), ("g", Some(b"g"))]), 3);
}

#[test]
fn what_replaced_a_file_and_was_never_synced_may_be_overtaken() {
    let mut model = atomic(&[("a", Some(b"old"))]);
    model.done(&Action::Replace { path: &path("a"), data: b"X" }).unwrap();
    rename(&mut model, "a", "b");
    create(&mut model, "a", b"F");
    sync_file(&mut model, "a");
    kept(&model, &[("a", Some(b"F"))]);
    kept(&model, &[("a", Some(b"F")), ("b", Some(b"X"))]);
    assert_ne!(line_broken(&model, &[("a", Some(b"F")), ("b", Some(b"old"))]), 0, "the replaced file is not there");
}

#[test]
fn names_lead_to_what_they_led_to_at_a_sync() {
    let mut model = atomic(&[("a", Some(b"a")), ("b", Some(b"b"))]);
    rename(&mut model, "a", "c");
    assert_eq!(line_broken(&model, &[("b", Some(b"b")), ("c", Some(b"a"))]), 3, "no sync since");
    model.done(&Action::RemoveFile { path: &path("b") }).unwrap();
    assert_eq!(line_broken(&model, &[("a", Some(b"a"))]), 3, "no sync since");
    rename(&mut model, "c", "d");
    sync_file(&mut model, "d");
    kept(&model, &[("b", Some(b"b")), ("d", Some(b"a"))]);
    assert_eq!(line_broken(&model, &[("b", Some(b"b")), ("a", Some(b"a"))]), 1);
    model.done(&Action::CreateDir { path: &path("b") }).unwrap();
    assert_eq!(line_broken(&model, &[("b", None), ("d", Some(b"a"))]), 3, "a directory since the sync");
    sync_file(&mut model, "d");
    kept(&model, &[("b", None), ("d", Some(b"a"))]);
    kept(&model, &[("b", Some(b"b")), ("d", Some(b"a"))]);
}

#[test]
fn a_backend_sync_under_way_is_one_point_beside_syncs_of_files() {
    let entries: &[(&str, Option<&[u8]>)] = &[("a", Some(b"0")), ("b", Some(b"0")), ("c", Some(b"0"))];
    let mut model = atomic(entries);
    for at in ["a", "b", "c"] {
        write(&mut model, at, 0, b"1");
    }
    sync_file(&mut model, "a");
    let sync = model.begin(&Action::Sync).unwrap();
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"0")), ("c", Some(b"0"))]);
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"1")), ("c", Some(b"1"))]);
    let half: &[(&str, Option<&[u8]>)] = &[("a", Some(b"1")), ("b", Some(b"1")), ("c", Some(b"0"))];
    assert_eq!(line_broken(&model, half), 3, "half of a backend sync");
    model.returned(sync);
    assert_eq!(line_broken(&model, half), 1);
    write(&mut model, "b", 0, b"2");
    kept(&model, &[("a", Some(b"1")), ("b", Some(b"1")), ("c", Some(b"1"))]);
    assert_eq!(line_broken(&model, &[("a", Some(b"1")), ("b", Some(b"2")), ("c", Some(b"1"))]), 3);
}

#[test]
fn a_sync_need_not_cover_a_file_that_lost_its_name() {
    let mut model = atomic(&[("a", Some(b"0")), ("b", Some(b"0"))]);
    write(&mut model, "a", 0, b"1");
    let a = file(&model, "a");
    model.done(&Action::RemoveFile { path: &path("a") }).unwrap();
    model.done(&Action::WriteAt { file: a, offset: 0, data: b"2" }).unwrap();
    model.done(&Action::SyncFile { file: a }).unwrap();
    model.done(&Action::WriteAt { file: a, offset: 0, data: b"3" }).unwrap();
    kept(&model, &[("b", Some(b"0"))]);
    for found in [b"0", b"2"] {
        kept(&model, &[("a", Some(found)), ("b", Some(b"0"))]);
    }
    for found in [b"1", b"3"] {
        assert_eq!(line_broken(&model, &[("a", Some(found)), ("b", Some(b"0"))]), 3, "{found:?}");
    }
    sync_file(&mut model, "b");
    kept(&model, &[("a", Some(b"0")), ("b", Some(b"0"))]);
    model.done(&Action::Sync).unwrap();
    assert_eq!(line_broken(&model, &[("a", Some(b"2")), ("b", Some(b"0"))]), 2, "a backend sync covers the removal");
}
