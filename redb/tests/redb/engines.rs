//! Databases on each engine.

use std::error::Error as _;

use anystorage_api::{Blocking, Error, ErrorKind, StorageBackend};
use anystorage_databases::records::{commit, commits};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::{self as redb_engine, RedbOptions};
use anystorage_native::sled::{self as sled_engine, SledOptions};
use anystorage_redb_face::Databases;

use crate::{create, path};

const COMMITS: u64 = 60;

fn on<B: StorageBackend>(engine: B) -> Databases<B> {
    Databases::on(Blocking::new(engine).unwrap()).unwrap()
}

/// Commits, opens the database again, and compacts it.
fn used<B: StorageBackend>(databases: &Databases<B>) {
    databases.engine().create_dir(&path("deep")).unwrap();
    let file = path("deep/app.redb");
    let database = create(databases.open(&file).unwrap()).unwrap();
    for number in 1..=COMMITS {
        commit(&database, number).unwrap();
    }
    drop(database);
    let mut database = create(databases.open_existing(&file).unwrap()).unwrap();
    assert_eq!(commits(&database).unwrap(), COMMITS);
    database.compact().unwrap();
    assert!(database.check_integrity().unwrap());
    commit(&database, COMMITS + 1).unwrap();
}

/// What another instance of the engine finds.
fn found<B: StorageBackend>(databases: &Databases<B>) {
    let mut database = create(databases.open_existing(&path("deep/app.redb")).unwrap()).unwrap();
    assert!(database.check_integrity().unwrap());
    assert_eq!(commits(&database).unwrap(), COMMITS + 1);
}

#[test]
fn memory() {
    let databases = on(MemoryBackend::new());
    used(&databases);
    found(&databases);
}

#[test]
fn files() {
    let place = tempfile::tempdir().unwrap();
    used(&on(FilesBackend::open(place.path()).unwrap()));
    found(&on(FilesBackend::open(place.path()).unwrap()));
}

#[test]
fn sled() {
    let place = tempfile::tempdir().unwrap();
    let open = || on(sled_engine::open(place.path().join("store"), &SledOptions::new()).unwrap());
    used(&open());
    found(&open());
}

#[test]
fn redb_in_redb() {
    let place = tempfile::tempdir().unwrap();
    let open = || on(redb_engine::open(place.path().join("store"), &RedbOptions::new()).unwrap());
    used(&open());
    found(&open());
}

/// Two databases in one file destroy each other: redb leaves it to its storage to prevent that.
#[test]
fn a_file_is_open_as_one_database_at_a_time() {
    let databases = on(MemoryBackend::new());
    let first = databases.open(&path("a")).unwrap();
    let refused = databases.clone().open(&path("a")).unwrap_err();
    assert_eq!((refused.kind(), refused.path()), (ErrorKind::Locked, Some(&path("a"))));
    let other = create(databases.open(&path("b")).unwrap()).unwrap();
    let database = create(first).unwrap();
    assert_eq!(databases.open_existing(&path("a")).unwrap_err().kind(), ErrorKind::Locked);
    drop(database);
    drop(create(databases.open_existing(&path("a")).unwrap()).unwrap());
    drop(other);
}

#[test]
fn what_is_missing_stays_missing() {
    let databases = on(MemoryBackend::new());
    assert_eq!(databases.open_existing(&path("a")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(databases.open(&path("d/a")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(databases.engine().stat(&path("a")).unwrap_err().kind(), ErrorKind::NotFound);
    // A refusal holds nothing.
    databases.engine().create_dir(&path("d")).unwrap();
    drop(databases.open(&path("d/a")).unwrap());
}

#[test]
fn something_else_is_no_database_and_is_left_alone() {
    let databases = on(MemoryBackend::new());
    let text = "no database".repeat(1000);
    databases.engine().write(&path("a"), text.as_bytes()).unwrap();
    assert!(create(databases.open(&path("a")).unwrap()).is_err());
    assert_eq!(databases.engine().read(&path("a")).unwrap(), text.as_bytes());
}

/// Without space a commit fails with the engine's own error, what was committed before is there, and with space it goes on.
#[test]
fn a_full_engine_refuses_a_commit_and_goes_on_when_there_is_space() {
    let databases = on(MemoryBackend::with_limit(6 << 20));
    let engine = databases.engine();
    engine.write(&path("ballast"), &vec![1; 4 << 20]).unwrap();
    let database = create(databases.open(&path("a")).unwrap()).unwrap();
    let (mut made, refused) = (1..).map(|number| (number - 1, commit(&database, number))).find(|(_, made)| made.is_err()).unwrap();
    assert!(made > 10, "{made} commits");
    let refused = refused.unwrap_err();
    let redb::Error::Io(cause) = redb::Error::from(*refused.downcast::<redb::CommitError>().unwrap()) else {
        panic!("no error of the file")
    };
    assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull);
    let kept = cause.get_ref().and_then(|cause| cause.downcast_ref::<Error>()).map(Error::kind);
    assert_eq!(kept, Some(ErrorKind::NoSpace), "{cause:?}, {:?}", cause.source());
    drop(database);
    engine.remove_file(&path("ballast")).unwrap();
    let database = create(databases.open_existing(&path("a")).unwrap()).unwrap();
    assert_eq!(commits(&database).unwrap(), made);
    for _ in 0..20 {
        made += 1;
        commit(&database, made).unwrap();
    }
    assert_eq!(commits(&database).unwrap(), made);
}

/// One file under two names was open as two databases.
#[test]
fn a_file_behind_a_symbolic_link_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let databases = on(FilesBackend::open(place.path()).unwrap());
    drop(create(databases.open(&path("a")).unwrap()).unwrap());
    std::os::unix::fs::symlink("a", place.path().join("link")).unwrap();
    assert_eq!(databases.open(&path("link")).unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(databases.open_existing(&path("link")).unwrap_err().kind(), ErrorKind::InvalidPath);
}
