//! The exerciser over the native engines, each reopened again and again.
//!
//! `ANYSTORAGE_VFS_CALLS` is how many calls each engine gets (5,000), `ANYSTORAGE_VFS_SEED` where to start instead of anywhere, and
//! `ANYSTORAGE_VFS_ENGINE` names one engine alone.

use std::sync::Arc;
use std::time::Instant;

use anystorage_api::{Blocking, StorageBackend};
use anystorage_vfs::{MountOptions, Vfs};

use crate::{engines, exerciser};

fn any_seed() -> u64 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).unwrap();
    u32::from_ne_bytes(bytes).into()
}

fn run(engine: &str) {
    if std::env::var("ANYSTORAGE_VFS_ENGINE").is_ok_and(|only| only != engine) {
        return;
    }
    let count = engines::number("ANYSTORAGE_VFS_CALLS", 5_000);
    let seed = engines::number("ANYSTORAGE_VFS_SEED", any_seed());
    println!("{engine}: {count} calls from ANYSTORAGE_VFS_SEED={seed}");
    let directory = engines::directory();
    let vfs = exerciser::face();
    let start = Instant::now();
    if engine == "memory" {
        // What is in memory alone is kept by its instance.
        let storage: Arc<dyn StorageBackend> = Arc::from(engines::open(engine, directory.path()));
        let mount = |vfs: &Vfs| vfs.mount("/", Blocking::new(Arc::clone(&storage)).unwrap(), MountOptions::new()).unwrap();
        mount(&vfs);
        exerciser::exercise(engine, &vfs, seed, count, |vfs| {
            vfs.unmount("/").unwrap();
            mount(vfs);
        });
    } else {
        engines::mount(&vfs, "/", engine, directory.path());
        exerciser::exercise(engine, &vfs, seed, count, |vfs| {
            vfs.unmount("/").unwrap();
            engines::mount(vfs, "/", engine, directory.path());
        });
    }
    println!("{engine}: {count} calls in {:.1} s", start.elapsed().as_secs_f64());
}

#[test]
fn memory_does_what_the_model_does() {
    run("memory");
}

#[test]
fn files_does_what_the_model_does() {
    run("files");
}

#[test]
fn sled_does_what_the_model_does() {
    run("sled");
}

#[test]
fn redb_does_what_the_model_does() {
    run("redb");
}

#[test]
fn an_engine_without_attributes_does_what_the_model_does() {
    run("plain-files");
}
