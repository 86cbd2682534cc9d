//! What a mirror does beyond the contract.

use std::io::{Read, Seek, Write};
use std::sync::{Arc, Mutex};

use anystorage_api::{Blocking, Error, ErrorKind, OpenOptions, Operation, StorageBackend, StoragePath};
use anystorage_layers::{Keep, Mirror, MirrorOptions, Offload, Progress};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use futures_lite::future::{block_on, poll_once};

use crate::counting::Counting;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn populated(engine: impl StorageBackend) -> Mirror {
    block_on(Mirror::open(engine, MirrorOptions::new())).unwrap()
}

/// A write-back that writes whole files makes a sync as long as what is stored, as IDBFS does.
#[test]
fn a_sync_writes_what_changed_and_nothing_else() {
    let (engine, calls) = Counting::new(MemoryBackend::new());
    let mirror = populated(engine);
    block_on(async {
        mirror.write(&path("large"), &vec![1; 10 << 20]).await.unwrap();
        for number in 0..50 {
            mirror.write(&path(&format!("small-{number}")), b"small").await.unwrap();
        }
        mirror.sync().await.unwrap();
        calls.reset();

        let file = mirror.open(&path("large"), &OpenOptions::editing()).await.unwrap();
        file.write_at(5 << 20, b"changed").await.unwrap();
        file.write_at(3, b"here").await.unwrap();
        mirror.sync().await.unwrap();
        assert_eq!(calls.written(), [(3, 4), (5 << 20, 7)]);
        assert_eq!((calls.of("write"), calls.of("create"), calls.of("rename"), calls.of("remove"), calls.of("sync")), (0, 0, 0, 0, 1));

        // What came and went is not seen below.
        calls.reset();
        mirror.create_dir(&path("d")).await.unwrap();
        for number in 0..100 {
            mirror.write(&path("d/temporary"), &[number; 1000]).await.unwrap();
            mirror.rename(&path("d/temporary"), &path(&format!("d/{number}"))).await.unwrap();
            mirror.remove_file(&path(&format!("d/{number}"))).await.unwrap();
        }
        mirror.remove_dir(&path("d")).await.unwrap();
        mirror.sync().await.unwrap();
        assert_eq!(calls.written(), []);
        assert_eq!(calls.all(), ["sync"]);

        // A hundred versions of a file are one.
        calls.reset();
        for number in 0..100 {
            mirror.write(&path("small-1"), &[number; 1000]).await.unwrap();
        }
        mirror.sync().await.unwrap();
        assert_eq!((calls.of("write"), calls.written().len()), (1, 0));
        assert_eq!(mirror.unsynced_bytes(), 0);
        assert!(mirror.is_synced());
    });
}

/// Of two programs at one location the slower one must not overwrite the other's work.
#[test]
fn what_somebody_else_changed_is_reported_and_not_overwritten() {
    block_on(async {
        let below = Arc::new(MemoryBackend::new());
        for name in ["mine", "theirs", "gone", "clean"] {
            below.write(&path(name), b"old bytes").await.unwrap();
        }
        let mirror = populated(Arc::clone(&below));
        for name in ["mine", "theirs", "gone"] {
            let file = mirror.open(&path(name), &OpenOptions::editing()).await.unwrap();
            file.read_at(0, &mut [0; 20]).await.unwrap();
            file.write_at(0, b"OLD").await.unwrap();
        }
        mirror.write(&path("new"), b"from here").await.unwrap();
        for name in ["mine", "theirs", "clean", "new"] {
            below.write(&path(name), b"by somebody else").await.unwrap();
        }
        below.remove_file(&path("gone")).await.unwrap();

        for name in ["gone", "mine", "theirs", "new"] {
            let error = mirror.sync().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            for untouched in ["mine", "theirs", "clean", "new"] {
                let expected = b"by somebody else";
                assert_eq!(below.read(&path(untouched)).await.unwrap(), expected, "{untouched}");
            }
            let keep = if name == "theirs" { Keep::Theirs } else { Keep::Mine };
            mirror.resolve(&path(name), keep).await.unwrap();
        }
        mirror.sync().await.unwrap();
        let expected: [(&str, &[u8]); 4] =
            [("mine", b"OLD bytes"), ("theirs", b"by somebody else"), ("gone", b"OLD bytes"), ("new", b"from here")];
        for (name, bytes) in expected {
            assert_eq!(below.read(&path(name)).await.unwrap(), bytes, "{name} below");
            assert_eq!(mirror.read(&path(name)).await.unwrap(), bytes, "{name} here");
        }
        assert!(mirror.is_synced());
        let populated = mirror.populate().await.unwrap();
        assert_eq!((populated.files, populated.conflicts), (1, Vec::new()));
        assert_eq!(mirror.read(&path("clean")).await.unwrap(), b"by somebody else");
    });
}

/// Populating again brings in what came, went and changed below, and leaves what was changed here.
#[test]
fn populating_again_brings_in_what_is_new() {
    block_on(async {
        let below = Arc::new(MemoryBackend::new());
        below.create_dir(&path("d")).await.unwrap();
        for name in ["d/goes", "d/stays", "changes", "both"] {
            below.write(&path(name), b"1").await.unwrap();
        }
        // Offloaded it is not immediate: everything is in memory.
        let mirror = populated(Offload::new(Arc::clone(&below)));
        mirror.write(&path("both"), b"here").await.unwrap();
        below.remove_file(&path("d/goes")).await.unwrap();
        below.create_dir(&path("d/new")).await.unwrap();
        for name in ["d/new/comes", "changes", "both"] {
            below.write(&path(name), b"22").await.unwrap();
        }
        let populated = mirror.populate().await.unwrap();
        assert_eq!((populated.files, populated.conflicts), (3, vec![path("both")]));
        for (name, bytes) in [("d/new/comes", "22"), ("changes", "22"), ("both", "here"), ("d/stays", "1")] {
            assert_eq!(mirror.read(&path(name)).await.unwrap(), bytes.as_bytes(), "{name}");
        }
        assert_eq!(mirror.stat(&path("d/goes")).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

/// A limit that is passed is `NoSpace` with its number, and over an immediate engine memory is given back before that.
#[test]
fn memory_stays_below_its_limit() {
    const LIMIT: u64 = 1 << 20;
    block_on(async {
        let below = Arc::new(MemoryBackend::new());
        let data: Vec<u8> = (0..8 << 20).map(|at| (at % 251) as u8 + 1).collect();
        below.write(&path("large"), &data).await.unwrap();

        let mirror = Mirror::open(Arc::clone(&below), MirrorOptions::new().memory_limit(LIMIT)).await.unwrap();
        assert_eq!(mirror.memory_used(), 0, "nothing is loaded before it is read");
        let file = mirror.open(&path("large"), &OpenOptions::editing()).await.unwrap();
        let mut seen = vec![0; data.len()];
        assert_eq!(file.read_at(0, &mut seen).await.unwrap(), data.len());
        assert!(seen == data);
        assert!(mirror.memory_used() <= LIMIT && mirror.memory_used() > 0, "{}", mirror.memory_used());

        let refused = file.write_at(0, &vec![0; 2 << 20]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NoSpace);
        assert!(refused.to_string().contains(&LIMIT.to_string()), "{refused}");
        assert!(mirror.memory_used() <= LIMIT);
        mirror.sync().await.unwrap();
        for round in 0..16 {
            file.write_at(round << 19, &vec![round as u8; 1 << 19]).await.unwrap();
            mirror.sync().await.unwrap();
        }
        for round in 0..16_u64 {
            assert!(below.read(&path("large")).await.unwrap()[(round << 19) as usize..][..1 << 19].iter().all(|byte| *byte == round as u8));
        }

        // Where nothing can be loaded later, what does not fit is refused at once.
        let refused = Mirror::open(Offload::new(below), MirrorOptions::new().memory_limit(LIMIT)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NoSpace, "{refused}");
    });
}

/// Over an engine that has to be waited for, synchronous code has everything but the sync, and a sync is never a lie.
#[test]
fn synchronous_code_has_the_files_of_an_engine_that_waits() {
    let directory = tempfile::tempdir().unwrap();
    let mirror = populated(Offload::new(FilesBackend::open(directory.path()).unwrap()));
    assert!(!mirror.capabilities().immediate);
    assert_eq!(Blocking::new(mirror.clone()).unwrap_err().kind(), ErrorKind::Unsupported);

    let files = mirror.blocking().unwrap();
    files.create_dir_all(&path("a/b")).unwrap();
    let mut file = files.open(&path("a/b/file"), &OpenOptions::editing()).unwrap();
    file.write_all(b"synchronous").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "synchronous");
    assert_eq!(files.sync().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(files.close().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(!files.capabilities().is_durable());
    assert!(!directory.path().join("a").exists());
    assert_eq!(mirror.unsynced_bytes(), 11);

    block_on(mirror.sync()).unwrap();
    assert_eq!(std::fs::read(directory.path().join("a/b/file")).unwrap(), b"synchronous");
    assert_eq!(mirror.unsynced_bytes(), 0);
}

/// A sync that is dropped after one poll goes on, and the next one waits for it.
#[test]
fn a_sync_that_was_polled_once_runs_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let mirror = populated(Offload::new(FilesBackend::open(directory.path()).unwrap()));
    block_on(async {
        for number in 0..40 {
            mirror.write(&path(&format!("file-{number}")), &[number; 5000]).await.unwrap();
            drop(poll_once(mirror.sync()).await);
        }
        mirror.sync().await.unwrap();
    });
    for number in 0..40 {
        assert_eq!(std::fs::read(directory.path().join(format!("file-{number}"))).unwrap(), [number; 5000]);
    }
}

/// Loading tells how far it has come, and ends with everything.
#[test]
fn populating_tells_its_progress() {
    let below = Arc::new(MemoryBackend::new());
    block_on(async {
        for number in 0..30 {
            below.write(&path(&format!("file-{number}")), &vec![1; 1000]).await.unwrap();
        }
        below.write(&path("large"), &vec![1; 5 << 20]).await.unwrap();
        let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let teller = Arc::clone(&told);
        let options = MirrorOptions::new().parallel(4).progress(move |progress| teller.lock().unwrap().push(progress));
        let mirror = Mirror::open(Offload::new(below), options).await.unwrap();
        let told = told.lock().unwrap().clone();
        let last = told.last().unwrap();
        assert_eq!((last.files, last.all_files, last.bytes, last.all_bytes), (31, 31, 30_000 + (5 << 20), 30_000 + (5 << 20)));
        assert!(told.iter().filter(|progress| progress.files < 31).count() > 30, "it tells nothing in between");
        assert!(told.windows(2).all(|pair| pair[0].bytes <= pair[1].bytes && pair[0].files <= pair[1].files));
        assert_eq!(mirror.read(&path("large")).await.unwrap(), vec![1; 5 << 20]);
    });
}

/// A file that was read was open below. Somebody replaced it there, and what was kept by `Keep::Mine` went to the old file, to which no name leads:
/// the sync said that all was well.
#[test]
fn what_is_kept_goes_to_the_file_that_is_there() {
    let below = Arc::new(MemoryBackend::new());
    block_on(async {
        below.write(&path("b"), b"old").await.unwrap();
        let mirror = populated(Arc::clone(&below));
        let file = mirror.open(&path("b"), &OpenOptions::editing()).await.unwrap();
        file.read_at(0, &mut [0; 3]).await.unwrap();
        file.write_at(0, b"mine").await.unwrap();
        below.write(&path("b"), b"theirs").await.unwrap();
        assert_eq!(mirror.sync().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        mirror.resolve(&path("b"), Keep::Mine).await.unwrap();
        mirror.sync().await.unwrap();
        assert_eq!(below.read(&path("b")).await.unwrap(), b"mine");
    });
}

/// A file that was replaced here was taken for one to be removed, although what lies there was to be kept: the next sync removed it.
#[test]
fn what_is_kept_of_theirs_is_not_removed() {
    for keep in [Keep::Theirs, Keep::Mine] {
        let below = Arc::new(MemoryBackend::new());
        block_on(async {
            below.write(&path("b"), b"old").await.unwrap();
            let mirror = populated(Arc::clone(&below));
            mirror.write(&path("b"), b"mine").await.unwrap();
            below.write(&path("b"), b"theirs").await.unwrap();
            assert_eq!(mirror.sync().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
            mirror.resolve(&path("b"), keep).await.unwrap();
            mirror.sync().await.unwrap();
            let expected: &[u8] = if keep == Keep::Mine { b"mine" } else { b"theirs" };
            assert_eq!(below.read(&path("b")).await.unwrap(), expected, "{keep:?}");
            assert_eq!(mirror.read(&path("b")).await.unwrap(), expected, "{keep:?}");
        });
    }
}

/// Without a change of the tree, cuts were not made first where space ran out, and no sync succeeded any more.
#[test]
fn a_cut_makes_room_for_what_is_written_back_before_it() {
    let below = Arc::new(MemoryBackend::with_limit(1 << 20));
    block_on(async {
        let mirror = populated(Arc::clone(&below));
        let grown = mirror.open(&path("grown"), &OpenOptions::editing()).await.unwrap();
        let cut = mirror.open(&path("cut"), &OpenOptions::editing()).await.unwrap();
        cut.write_at(0, &vec![1; 900_000]).await.unwrap();
        mirror.sync().await.unwrap();
        grown.write_at(0, &vec![2; 600_000]).await.unwrap();
        cut.set_len(10).await.unwrap();
        mirror.sync().await.unwrap();
        assert_eq!(below.read(&path("grown")).await.unwrap(), vec![2; 600_000]);
        assert_eq!(below.read(&path("cut")).await.unwrap(), [1; 10]);
    });
}

/// A directory whose creation only another file's sync had brought below counted as synced.
#[test]
fn names_are_synced_when_everything_is() {
    block_on(async {
        let mirror = populated(MemoryBackend::new());
        let file = mirror.open(&path("file"), &OpenOptions::editing()).await.unwrap();
        mirror.sync().await.unwrap();
        assert!(mirror.is_synced());
        mirror.create_dir(&path("d")).await.unwrap();
        file.write_at(0, b"synced").await.unwrap();
        file.sync().await.unwrap();
        assert!(!mirror.is_synced());
        mirror.sync().await.unwrap();
        assert!(mirror.is_synced());
        mirror.remove_file(&path("file")).await.unwrap();
        file.write_at(0, b"gone").await.unwrap();
        mirror.sync().await.unwrap();
        assert!(mirror.is_synced(), "what was removed is never written back");
    });
}

/// After a directory was renamed, changes of other files by somebody else were no longer noticed.
#[test]
fn a_renamed_directory_says_nothing_of_files_elsewhere() {
    let below = Arc::new(MemoryBackend::new());
    block_on(async {
        below.create_dir(&path("d")).await.unwrap();
        below.write(&path("d/inside"), b"inside").await.unwrap();
        below.write(&path("elsewhere"), b"old").await.unwrap();
        let mirror = populated(Arc::clone(&below));
        mirror.rename(&path("d"), &path("e")).await.unwrap();
        mirror.sync().await.unwrap();
        below.write(&path("elsewhere"), b"theirs").await.unwrap();
        let file = mirror.open(&path("elsewhere"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"mine").await.unwrap();
        assert_eq!(mirror.sync().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(below.read(&path("elsewhere")).await.unwrap(), b"theirs");
    });
}

/// Of a file that was removed here, or that another one was put over, there is no path here: a conflict of such a file could not be settled,
/// and no sync succeeded any more.
#[test]
fn a_conflict_of_what_is_gone_here_can_be_settled() {
    const HERE: [&str; 4] = ["removed", "renamed over", "written over", "made anew"];
    for offloaded in [false, true] {
        for (case, keep, is_gone_below) in HERE.into_iter().flat_map(|case| {
            [Keep::Mine, Keep::Theirs].into_iter().flat_map(move |keep| [false, true].map(|is_gone_below| (case, keep, is_gone_below)))
        }) {
            let what = format!("{case}, {keep:?} kept, gone below: {is_gone_below}, offloaded: {offloaded}");
            block_on(async {
                let below = Arc::new(MemoryBackend::new());
                below.create_dir(&path("d")).await.unwrap();
                below.write(&path("d/a"), b"old").await.unwrap();
                below.write(&path("b"), b"other").await.unwrap();
                let mirror = if offloaded { populated(Offload::new(Arc::clone(&below))) } else { populated(Arc::clone(&below)) };
                match case {
                    "renamed over" => mirror.rename(&path("b"), &path("d/a")).await.unwrap(),
                    "written over" => mirror.write(&path("d/a"), b"mine").await.unwrap(),
                    _ => mirror.remove_file(&path("d/a")).await.unwrap(),
                }
                if case == "made anew" {
                    mirror.write(&path("d/a"), b"mine").await.unwrap();
                }
                let mine: Option<&[u8]> = match case {
                    "removed" => None,
                    "renamed over" => Some(b"other"),
                    _ => Some(b"mine"),
                };
                let theirs: Option<&[u8]> = if is_gone_below { None } else { Some(b"by somebody else") };
                match theirs {
                    Some(bytes) => below.write(&path("d/a"), bytes).await.unwrap(),
                    None => below.remove_file(&path("d/a")).await.unwrap(),
                }
                let error = mirror.sync().await.unwrap_err();
                assert_eq!((error.kind(), error.path()), (ErrorKind::AlreadyExists, Some(&path("d/a"))), "{what}: {error}");
                assert_eq!(below.read(&path("d/a")).await.ok().as_deref(), theirs, "{what}");

                mirror.resolve(&path("d/a"), keep).await.unwrap_or_else(|error| panic!("{what}: {error}"));
                mirror.sync().await.unwrap_or_else(|error| panic!("{what}: {error}"));
                // Where they removed it there is nothing that mine gives way to.
                let expected = if keep == Keep::Theirs && !is_gone_below { theirs } else { mine };
                for storage in [&mirror as &dyn StorageBackend, &below] {
                    assert_eq!(storage.read(&path("d/a")).await.ok().as_deref(), expected, "{what}");
                    let is_moved = case == "renamed over" && expected == mine;
                    assert_eq!(storage.read(&path("b")).await.ok().as_deref(), (!is_moved).then_some(b"other".as_slice()), "{what}");
                }
                assert!(mirror.is_synced(), "{what}");
                let populated = mirror.populate().await.unwrap();
                assert_eq!((populated.files, populated.conflicts), (0, Vec::new()), "{what}");
            });
        }
    }
}

/// What cannot come back says why, and nothing is lost by trying.
#[test]
fn what_cannot_come_back_is_refused_whole() {
    block_on(async {
        let below = Arc::new(MemoryBackend::new());
        below.create_dir(&path("d")).await.unwrap();
        for name in ["d/a", "b", "c"] {
            below.write(&path(name), name.as_bytes()).await.unwrap();
        }
        let mirror = populated(Arc::clone(&below));
        mirror.rename(&path("b"), &path("c")).await.unwrap();
        mirror.write(&path("b"), b"in its place").await.unwrap();
        mirror.remove_file(&path("d/a")).await.unwrap();
        mirror.remove_dir(&path("d")).await.unwrap();
        below.write(&path("c"), b"theirs").await.unwrap();
        below.write(&path("d/a"), b"theirs").await.unwrap();
        assert_eq!(mirror.resolve(&path("c"), Keep::Theirs).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(mirror.resolve(&path("d/a"), Keep::Theirs).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(mirror.read(&path("c")).await.unwrap(), b"b");
        mirror.rename(&path("b"), &path("e")).await.unwrap();
        assert_eq!(mirror.resolve(&path("c"), Keep::Theirs).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        mirror.resolve(&path("c"), Keep::Mine).await.unwrap();
        mirror.resolve(&path("d/a"), Keep::Mine).await.unwrap();
        mirror.sync().await.unwrap();
        for (name, bytes) in [("c", "b"), ("e", "in its place")] {
            assert_eq!(below.read(&path(name)).await.unwrap(), bytes.as_bytes(), "{name}");
            assert_eq!(mirror.read(&path(name)).await.unwrap(), bytes.as_bytes(), "{name}");
        }
        for gone in ["b", "d"] {
            assert_eq!(below.stat(&path(gone)).await.unwrap_err().kind(), ErrorKind::NotFound);
        }
    });
}

/// The error tells where a file is below. Another one may have that name here by now, of which nobody changed anything.
#[test]
fn a_conflict_goes_by_the_path_that_is_told() {
    block_on(async {
        let below = Arc::new(MemoryBackend::new());
        below.write(&path("a"), b"old").await.unwrap();
        let mirror = populated(Arc::clone(&below));
        mirror.rename(&path("a"), &path("moved")).await.unwrap();
        mirror.write(&path("a"), b"another").await.unwrap();
        below.write(&path("a"), b"theirs").await.unwrap();
        assert_eq!(mirror.sync().await.unwrap_err().path(), Some(&path("a")));
        mirror.resolve(&path("a"), Keep::Theirs).await.unwrap();
        mirror.sync().await.unwrap();
        for (name, bytes) in [("moved", "theirs"), ("a", "another")] {
            assert_eq!(below.read(&path(name)).await.unwrap(), bytes.as_bytes(), "{name}");
            assert_eq!(mirror.read(&path(name)).await.unwrap(), bytes.as_bytes(), "{name}");
        }
    });
}

/// Over an engine that waits, files that were loaded anew could not be read meanwhile, nor ever again if that had failed.
#[test]
fn files_are_read_as_they_were_until_they_are_loaded_anew() {
    let below = Arc::new(MemoryBackend::new());
    let (engine, calls) = Counting::new(Arc::clone(&below));
    block_on(async {
        below.write(&path("old"), b"as it was").await.unwrap();
        let mirror = populated(Offload::new(engine));
        let open = mirror.open(&path("old"), &OpenOptions::reading()).await.unwrap();
        below.write(&path("old"), b"changed by somebody").await.unwrap();
        below.write(&path("new"), b"new").await.unwrap();

        let seen = Arc::new(Mutex::new(Vec::new()));
        let (files, told) = (mirror.blocking().unwrap(), Arc::clone(&seen));
        calls.on_read(move || {
            let new = files.stat(&path("new")).map_err(|error| error.kind());
            told.lock().unwrap().push((files.read(&path("old")).unwrap(), new.is_ok()));
            Err(Error::new(ErrorKind::Io, Operation::Read).with_text("on purpose"))
        });
        let refused = mirror.populate().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Io, "{refused}");
        assert!(!seen.lock().unwrap().is_empty());
        assert!(seen.lock().unwrap().iter().all(|seen| *seen == (b"as it was".to_vec(), false)), "{seen:?}");
        assert_eq!(mirror.read(&path("old")).await.unwrap(), b"as it was");
        assert_eq!(mirror.stat(&path("new")).await.unwrap_err().kind(), ErrorKind::NotFound);

        // What is written here while it is loaded is not lost either.
        let files = mirror.blocking().unwrap();
        calls.on_read(move || files.write(&path("new"), b"mine"));
        let populated = mirror.populate().await.unwrap();
        assert_eq!((populated.files, populated.conflicts), (1, vec![path("new")]));
        assert_eq!(mirror.read(&path("old")).await.unwrap(), b"changed by somebody");
        assert_eq!(mirror.read(&path("new")).await.unwrap(), b"mine");
        let mut seen = [0; 7];
        assert_eq!(open.read_at(0, &mut seen).await.unwrap(), 7);
        assert_eq!(&seen, b"changed");
    });
}

/// IDBFS mounts first and populates then. What is written before that must not go over what is below.
#[test]
fn a_mirror_may_be_populated_later() {
    let below = Arc::new(MemoryBackend::new());
    block_on(async {
        below.write(&path("there"), b"below").await.unwrap();
        let mirror = Mirror::unpopulated(Arc::clone(&below), MirrorOptions::new());
        assert_eq!(mirror.read(&path("there")).await.unwrap_err().kind(), ErrorKind::NotFound);
        mirror.write(&path("new"), b"here").await.unwrap();
        assert_eq!(mirror.populate().await.unwrap().conflicts, []);
        assert_eq!(mirror.read(&path("there")).await.unwrap(), b"below");
        mirror.sync().await.unwrap();
        assert_eq!(below.read(&path("new")).await.unwrap(), b"here");

        let early = Mirror::unpopulated(Arc::clone(&below), MirrorOptions::new());
        early.write(&path("there"), b"early").await.unwrap();
        assert_eq!(early.sync().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(early.populate().await.unwrap().conflicts, [path("there")]);
        assert_eq!(below.read(&path("there")).await.unwrap(), b"below");
    });
}
