//! A data set of orders and documents, as a shop may have it: made from a seed, indexed, searched, vacuumed, checked.

use anystorage_conformance::simdisk::Rng;
use rusqlite::{Connection, params};

use crate::checks::assert_sound;

const SEED: u64 = 2_026;
const WORDS: [&str; 24] = [
    "amber", "bridge", "copper", "delta", "engine", "forest", "granite", "harbour", "island", "juniper", "kettle", "lantern", "meadow",
    "needle", "orchard", "pepper", "quarry", "river", "saddle", "timber", "umbrella", "violet", "willow", "yarrow",
];
/// In every 97th document.
const RARE: &str = "zeppelin";

/// What the generator knows of what it made.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    documents: u64,
    orders: u64,
    cents: u64,
    rare: u64,
    cents_of_one: u64,
}

const SCHEMA: &str = "
    CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer, cents INTEGER NOT NULL, day INTEGER NOT NULL);
    CREATE TABLE document (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX orders_by_customer ON orders (customer, day);
    CREATE INDEX orders_by_cents ON orders (cents);
    CREATE INDEX document_by_title ON document (title);
    CREATE VIRTUAL TABLE search USING fts5 (title, body, content = 'document', content_rowid = 'id');";

const CUSTOMERS: u64 = 200;

pub(crate) fn fill(database: &mut Connection, documents: u64) -> Expected {
    let mut rng = Rng::new(SEED);
    let mut expected = Expected { documents, ..Expected::default() };
    database.execute_batch(SCHEMA).unwrap();
    let transaction = database.transaction().unwrap();
    for id in 0..CUSTOMERS {
        transaction.execute("INSERT INTO customer VALUES (?, ?)", params![id, format!("customer {id}")]).unwrap();
    }
    transaction.commit().unwrap();
    for first in (0..documents).step_by(500) {
        let transaction = database.transaction().unwrap();
        let mut order = transaction.prepare_cached("INSERT INTO orders (customer, cents, day) VALUES (?, ?, ?)").unwrap();
        let mut document = transaction.prepare_cached("INSERT INTO document VALUES (?, ?, ?)").unwrap();
        for id in first..documents.min(first + 500) {
            for _ in 0..5 {
                let (customer, cents) = (rng.below(CUSTOMERS), 1 + rng.below(100_000));
                order.execute(params![customer, cents, rng.below(3_650)]).unwrap();
                expected.orders += 1;
                expected.cents += cents;
                expected.cents_of_one += if customer == 7 { cents } else { 0 };
            }
            let mut body: Vec<&str> = (0..150).map(|_| *rng.pick(&WORDS).unwrap()).collect();
            if id % 97 == 0 {
                body[75] = RARE;
                expected.rare += 1;
            }
            document.execute(params![id, format!("{} {id}", body[0]), body.join(" ")]).unwrap();
        }
        drop((order, document));
        transaction.execute("INSERT INTO search (rowid, title, body) SELECT id, title, body FROM document WHERE id >= ?", [first]).unwrap();
        transaction.commit().unwrap();
    }
    expected
}

fn one<P: rusqlite::Params>(database: &Connection, sql: &str, parameters: P) -> u64 {
    database.query_row(sql, parameters, |row| row.get(0)).unwrap()
}

/// Asks for everything that the generator knows, by way of each index.
pub(crate) fn check(database: &Connection, expected: &Expected) {
    assert_eq!(one(database, "SELECT count(*) FROM document", []), expected.documents);
    assert_eq!(one(database, "SELECT count(*) FROM orders", []), expected.orders);
    assert_eq!(one(database, "SELECT sum(cents) FROM orders INDEXED BY orders_by_cents WHERE cents > 0", []), expected.cents);
    let of_one =
        "SELECT sum(cents) FROM orders INDEXED BY orders_by_customer JOIN customer ON customer.id = customer WHERE name = 'customer 7'";
    assert_eq!(one(database, of_one, []), expected.cents_of_one);
    assert_eq!(one(database, "SELECT count(*) FROM search WHERE search MATCH ?", [RARE]), expected.rare);
    let by_title = "SELECT id FROM document INDEXED BY document_by_title WHERE title = (SELECT title FROM document WHERE id = ?)";
    assert_eq!(one(database, by_title, [300]), 300);
    database.execute_batch("INSERT INTO search (search) VALUES ('integrity-check')").unwrap();
    assert_sound(database);
}

pub(crate) fn pages(database: &Connection) -> u64 {
    one(database, "PRAGMA page_count", [])
}

/// Every third document goes, and VACUUM gives back what it took.
pub(crate) fn shrunk(database: &Connection, expected: Expected) -> Expected {
    let before = pages(database);
    database
        .execute_batch(
            "BEGIN;
             INSERT INTO search (search, rowid, title, body) SELECT 'delete', id, title, body FROM document WHERE id % 3 = 1;
             DELETE FROM document WHERE id % 3 = 1;
             COMMIT;
             VACUUM",
        )
        .unwrap();
    assert!(pages(database) < before * 9 / 10);
    let gone = |id: &u64| id % 3 == 1;
    let documents = (0..expected.documents).filter(|id| !gone(id)).count() as u64;
    let rare = (0..expected.documents).step_by(97).filter(|id| !gone(id)).count() as u64;
    Expected { documents, rare, ..expected }
}
