//! Ours, as `js/peers/ours.js` asks for it: databases of `anystorage-sqlite` over OPFS.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use anystorage_api::Blocking;
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_sqlite::rusqlite::{self, Connection, Statement, params};
use anystorage_sqlite::{Vfs, register};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

type Result<T> = std::result::Result<T, JsError>;

/// An open database, with the recommended settings.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ours {
    // In the order in which they have to go.
    connection: Connection,
    vfs: Vfs,
}

#[wasm_bindgen]
impl Ours {
    /// Opens a database in a location of this layout.
    ///
    /// # Errors
    /// What the engine or SQLite says; an error for a layout that is not known.
    pub async fn open(layout: String) -> Result<Ours> {
        let vfs = match layout.as_str() {
            "pool" => register("bench", Blocking::new(pool::open("pool", &PoolOptions::new().capacity(4)).await?)?)?,
            "packed" => register("bench", Blocking::new(packed::open("packed", &PackedOptions::new()).await?)?)?,
            other => return Err(JsError::new(&format!("no layout is called {other:?}"))),
        };
        Ok(Self { connection: vfs.open("bench.db")?, vfs })
    }

    /// Runs statements without an answer.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn exec(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// The first row of an answer, as text.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn row(&self, sql: &str) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare(sql)?;
        let columns = statement.column_count();
        let row =
            statement.query_row([], |row| (0..columns).map(|column| Ok(shown(row.get_ref(column)?))).collect::<rusqlite::Result<Vec<_>>>());
        Ok(row?)
    }

    /// Inserts rows 1 to `count` by a statement that is prepared once.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn inserts(&self, sql: &str, count: u32) -> Result<()> {
        let mut insert = self.connection.prepare(sql)?;
        for id in 1..=count {
            insert.execute(params![id, number(id), text(id)])?;
        }
        Ok(())
    }

    /// Selects so many rows of the first `rows` by a statement that is prepared once: the sum of what is found.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn selects(&self, sql: &str, count: u32, rows: u32) -> Result<f64> {
        let mut select = self.connection.prepare(sql)?;
        let mut sum = 0.0;
        for nth in 1..=count {
            sum += f64::from(found(&mut select, spread(nth, rows))?);
        }
        Ok(sum)
    }

    /// Updates so many rows of the first `rows` by a statement that is prepared once.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn updates(&self, sql: &str, count: u32, rows: u32) -> Result<()> {
        let mut update = self.connection.prepare(sql)?;
        for nth in 1..=count {
            update.execute(params![number(rows + nth), text(rows + nth), spread(nth, rows)])?;
        }
        Ok(())
    }

    /// Closes the database.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn close(self) -> Result<()> {
        self.connection.close().map_err(|(_, error)| error)?;
        Ok(self.vfs.unregister()?)
    }
}

fn found(select: &mut Statement<'_>, id: u32) -> rusqlite::Result<u32> {
    select.query_row([id], |row| row.get(0))
}

fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => real.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// What `js/work.js` has under these names.
const fn number(id: u32) -> u32 {
    (id as u64 * 7919 % 1_000_003) as u32
}

fn text(id: u32) -> String {
    number(id).to_string().repeat(12)
}

const fn spread(nth: u32, rows: u32) -> u32 {
    1 + (nth as u64 * 7919 % rows as u64) as u32
}
