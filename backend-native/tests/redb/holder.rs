//! One holder at a time.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use anystorage_api::{ErrorKind, OpenOptions, Operation, StorageBackend};
use anystorage_kv::Commit;
use anystorage_native::redb::{self, RedbOptions};
use futures_lite::future::block_on;

use crate::own_process::{again, own_part};
use crate::support::{fresh, get, path, put, refused, store};

#[test]
fn a_second_open_in_the_same_process_is_locked_until_close() {
    let (_directory, location) = fresh();
    let first = redb::open(&location, &RedbOptions::new()).unwrap();
    let error = redb::open(&location, &RedbOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Locked, Operation::OpenLocation));
    let said = error.to_string();
    assert!(said.contains(location.to_str().unwrap()) && said.contains("this process"), "{said}");
    let file = block_on(first.open(&path("f"), &OpenOptions::editing())).unwrap();
    block_on(first.close()).unwrap();
    // The file is still there, and holds nothing any more.
    let second = redb::open(&location, &RedbOptions::new()).unwrap();
    assert_eq!(refused(block_on(file.write_at(0, b"late"))), ErrorKind::Closed);
    drop(second);
    let third = redb::open(&location, &RedbOptions::new()).unwrap();
    let file = block_on(third.open(&path("f"), &OpenOptions::editing())).unwrap();
    drop(third);
    assert_eq!(refused(redb::open(&location, &RedbOptions::new())), ErrorKind::Locked);
    drop(file);
    redb::open(&location, &RedbOptions::new()).unwrap();
}

#[test]
fn another_process_is_named_and_what_it_made_durable_outlives_its_kill() {
    let (_directory, location) = fresh();
    if let Some(location) = own_part() {
        let held = store(&location);
        put(&held, b"durable", b"1", Commit::Durable).unwrap();
        put(&held, b"relaxed", b"2", Commit::Relaxed).unwrap();
        println!("\nheld");
        // Until the kill, or until the parent is gone and this pipe ends.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let mut child = again("holder::another_process_is_named_and_what_it_made_durable_outlives_its_kill", &location)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::io::Result::ok);
    assert!(said.any(|line| line == "held"), "the holder ended before it held");
    let error = redb::open(&location, &RedbOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let store = store(&location);
    assert_eq!(get(&store, b"durable").unwrap().unwrap(), b"1");
    assert_eq!(get(&store, b"relaxed").unwrap(), None, "a relaxed commit of a killed process: redb keeps it in memory");
}
