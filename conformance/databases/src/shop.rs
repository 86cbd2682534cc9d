//! A data set of orders and documents, as a shop may have it: made from a seed, indexed, searched, vacuumed, checked.

use anystorage_conformance::simdisk::Rng;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::{Outcome, integrity_check, wrong};

const SEED: u64 = 2_026;
const WORDS: [&str; 24] = [
    "amber", "bridge", "copper", "delta", "engine", "forest", "granite", "harbour", "island", "juniper", "kettle", "lantern", "meadow",
    "needle", "orchard", "pepper", "quarry", "river", "saddle", "timber", "umbrella", "violet", "willow", "yarrow",
];
/// At the end of every 97th document.
const RARE: &str = "zeppelin";

/// What the generator knows of what it made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
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

/// Fills an empty database.
///
/// # Errors
/// What SQLite says.
pub fn fill(database: &mut Connection, documents: u64) -> rusqlite::Result<Expected> {
    let mut rng = Rng::new(SEED);
    let mut expected = Expected { documents, ..Expected::default() };
    database.execute_batch(SCHEMA)?;
    let transaction = database.transaction()?;
    for id in 0..CUSTOMERS {
        transaction.execute("INSERT INTO customer VALUES (?, ?)", params![id, format!("customer {id}")])?;
    }
    transaction.commit()?;
    let mut first = 0;
    while first < documents {
        let next = documents.min(first + 500);
        let transaction = database.transaction()?;
        let mut order = transaction.prepare_cached("INSERT INTO orders (customer, cents, day) VALUES (?, ?, ?)")?;
        let mut document = transaction.prepare_cached("INSERT INTO document VALUES (?, ?, ?)")?;
        for id in first..next {
            for _ in 0..5 {
                let (customer, cents) = (rng.below(CUSTOMERS), 1 + rng.below(100_000));
                order.execute(params![customer, cents, rng.below(3_650)])?;
                expected.orders += 1;
                expected.cents += cents;
                expected.cents_of_one += if customer == 7 { cents } else { 0 };
            }
            let words: Vec<&str> = (0..150).filter_map(|_| rng.pick(&WORDS).copied()).collect();
            let title = words.first().copied().unwrap_or_default();
            let mut body = words.join(" ");
            if id % 97 == 0 {
                body.push(' ');
                body.push_str(RARE);
                expected.rare += 1;
            }
            document.execute(params![id, format!("{title} {id}"), body])?;
        }
        drop((order, document));
        transaction.execute("INSERT INTO search (rowid, title, body) SELECT id, title, body FROM document WHERE id >= ?", [first])?;
        transaction.commit()?;
        first = next;
    }
    Ok(expected)
}

fn one<P: rusqlite::Params>(database: &Connection, sql: &str, parameters: P) -> rusqlite::Result<u64> {
    database.query_row(sql, parameters, |row| row.get(0))
}

/// Asks for everything that the generator knows, by way of each index.
///
/// # Errors
/// What is damaged, missing or too much, and what SQLite says.
pub fn check(database: &Connection, expected: &Expected) -> Outcome<()> {
    wrong("documents", one(database, "SELECT count(*) FROM document", [])?, expected.documents)?;
    wrong("orders", one(database, "SELECT count(*) FROM orders", [])?, expected.orders)?;
    let cents = "SELECT sum(cents) FROM orders INDEXED BY orders_by_cents WHERE cents > 0";
    wrong("cents", one(database, cents, [])?, expected.cents)?;
    let of_one =
        "SELECT sum(cents) FROM orders INDEXED BY orders_by_customer JOIN customer ON customer.id = customer WHERE name = 'customer 7'";
    wrong("cents of one customer", one(database, of_one, [])?, expected.cents_of_one)?;
    wrong("rare words", one(database, "SELECT count(*) FROM search WHERE search MATCH ?", [RARE])?, expected.rare)?;
    let by_title = "SELECT id FROM document INDEXED BY document_by_title WHERE title = (SELECT title FROM document WHERE id = ?)";
    wrong("a document by its title", one(database, by_title, [300])?, 300)?;
    database.execute_batch("INSERT INTO search (search) VALUES ('integrity-check')")?;
    integrity_check(database)
}

/// How long the database is, in pages.
///
/// # Errors
/// What SQLite says.
pub fn pages(database: &Connection) -> rusqlite::Result<u64> {
    one(database, "PRAGMA page_count", [])
}

/// Every third document goes, and VACUUM gives back what it took.
///
/// # Errors
/// If it does not, and what SQLite says.
pub fn shrunk(database: &Connection, expected: Expected) -> Outcome<Expected> {
    let before = pages(database)?;
    database.execute_batch(
        "BEGIN;
         INSERT INTO search (search, rowid, title, body) SELECT 'delete', id, title, body FROM document WHERE id % 3 = 1;
         DELETE FROM document WHERE id % 3 = 1;
         COMMIT;
         VACUUM",
    )?;
    let after = pages(database)?;
    if after >= before * 9 / 10 {
        return Err(format!("VACUUM left {after} of {before} pages").into());
    }
    let gone = |id: &u64| id % 3 == 1;
    let count = |step| (0..expected.documents).step_by(step).filter(|id| !gone(id)).fold(0, |count, _| count + 1);
    Ok(Expected { documents: count(1), rare: count(97), ..expected })
}
