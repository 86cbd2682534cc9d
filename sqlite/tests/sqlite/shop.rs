//! The data set on every engine, and after reopening.
//!
//! `ANYSTORAGE_SQLITE_MEGABYTES` makes it larger; `--nocapture` prints what it took as JSON, a line for each engine.

use std::path::Path;
use std::time::Instant;

use anystorage_databases::shop::{check, fill, pages, shrunk};
use anystorage_sqlite::Vfs;

use crate::engines::{DURABLE, directory, number, open_engine, vfs};

/// About what a document with its share of orders, indexes and words takes in the file.
const BYTES_PER_DOCUMENT: u64 = 1_880;

#[test]
fn orders_and_documents_are_kept_and_found() {
    let megabytes = number("ANYSTORAGE_SQLITE_MEGABYTES", 4);
    for engine in ["memory"].into_iter().chain(DURABLE) {
        let place = directory();
        let vfs = vfs(open_engine(engine, place.path()));
        let mut database = vfs.open("shop/shop.db").unwrap();
        let mut times = Vec::new();
        let mut clock = Instant::now();
        let mut took =
            |what: &str| times.push(format!("\"{what}_ms\":{}", std::mem::replace(&mut clock, Instant::now()).elapsed().as_millis()));
        let expected = fill(&mut database, (megabytes << 20) / BYTES_PER_DOCUMENT).unwrap();
        took("fill");
        check(&database, &expected).unwrap();
        took("check");
        let expected = shrunk(&database, expected).unwrap();
        took("shrink");
        check(&database, &expected).unwrap();
        let bytes = pages(&database).unwrap() * 4096;
        database.close().unwrap();
        took("close");
        let vfs = reopened(engine, place.path(), vfs);
        check(&vfs.open("shop/shop.db").unwrap(), &expected).unwrap();
        took("reopen");
        println!("{{\"engine\":\"{engine}\",\"bytes\":{bytes},{}}}", times.join(","));
        assert!(bytes > (megabytes << 20) / 3, "{bytes} bytes are less than was asked for");
    }
}

fn reopened(engine: &str, place: &Path, vfs: Vfs) -> Vfs {
    if engine == "memory" {
        return vfs;
    }
    vfs.unregister().unwrap();
    crate::engines::vfs(open_engine(engine, place))
}
