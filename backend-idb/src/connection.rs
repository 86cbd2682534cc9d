//! One connection to a database, and how it ends.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation};
use anystorage_kv::{Batch, Commit, KvEntry};
use idb::{Database, KeyRange, ObjectStore};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbDatabase;

use crate::database::STORE;
use crate::error::Failure;
use crate::request::Answer;
use crate::stamp::{STAMP_KEY, Stamp};
use crate::transaction::Change;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself: the browser took it away, and may give another one.
    Lost,
    /// Another tab, or a script on this page, deletes or upgrades the database.
    Wanted,
}

/// A connection to the database of a location. Dropped, it is closed.
pub(crate) struct Connection {
    database: IdbDatabase,
    /// The same, with what the browser calls.
    _callbacks: Database,
    end: Rc<Cell<Option<End>>>,
}

impl Connection {
    pub(crate) fn new(database: IdbDatabase) -> Self {
        let end = Rc::new(Cell::new(None));
        let mut callbacks = Database::from(database.clone());
        let (wanted, closing) = (Rc::clone(&end), database.clone());
        callbacks.on_version_change(move |_| {
            // Who deletes or upgrades waits for this. What is under way is still finished.
            wanted.set(Some(End::Wanted));
            closing.close();
        });
        let lost = Rc::clone(&end);
        callbacks.on_close(move |_| lost.set(lost.get().or(Some(End::Lost))));
        Self { database, _callbacks: callbacks, end }
    }

    /// How it ended; none if nothing is known of an end.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.get()
    }

    /// Takes note that it does not work any more.
    pub(crate) fn is_lost(&self) {
        self.end.set(self.end.get().or(Some(End::Lost)));
    }

    /// Closes it in the browser and nowhere else, as if it had been lost: for tests.
    #[cfg(feature = "conformance")]
    pub(crate) fn lose(&self) {
        self.database.close();
    }

    fn reading(&self) -> Result<ObjectStore, Failure> {
        Ok(self.database.transaction_with_str(STORE)?.object_store(STORE)?.into())
    }

    pub(crate) async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let answer = Answer::to(self.reading()?.get(JsValue::from(Uint8Array::from(key)))?);
        let value = answer.result().await?;
        (!value.is_undefined()).then(|| bytes(value)).transpose()
    }

    pub(crate) async fn stamp(&self) -> Result<Option<Stamp>, Failure> {
        let answer = Answer::to(self.reading()?.get(JsValue::from_str(STAMP_KEY))?);
        Ok(Stamp::of(&answer.result().await?))
    }

    /// The entries from `from` to before `to`, which is behind it.
    pub(crate) async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>, Failure> {
        let store = self.reading()?;
        let range = KeyRange::bound(&Uint8Array::from(from), &Uint8Array::from(to), Some(false), Some(true))?;
        let limit = u32::try_from(limit).ok();
        // Both are asked for before either is awaited: so they see the same.
        let keys = Answer::to(store.get_all_keys(Some(range.clone().into()), limit)?);
        let values = Answer::to(store.get_all(Some(range.into()), limit)?);
        let (keys, values) = (Array::from(&keys.result().await?), Array::from(&values.result().await?));
        keys.iter().zip(values.iter()).map(|(key, value)| Ok((Uint8Array::new(&key).to_vec(), bytes(value)?))).collect()
    }

    /// Begins a commit: everything is asked for, nothing awaited.
    pub(crate) fn change(&self, batch: &Batch, durability: Commit, stamp: Stamp) -> Result<Change, Failure> {
        let change = Change::begin(&self.database, STORE, durability)?;
        match ask(&change, batch, stamp) {
            Ok(()) => Ok(change),
            Err(failure) => {
                // Or the browser would commit what was asked for so far.
                change.abort();
                Err(failure)
            }
        }
    }
}

/// Asks for all that a commit changes. The answers are not awaited: what fails aborts the transaction.
fn ask(change: &Change, batch: &Batch, stamp: Stamp) -> Result<(), Failure> {
    let store = change.store(STORE)?;
    let (mut keys, mut values) = (Scratch::default(), Scratch::default());
    for (key, value) in batch.iter() {
        let key = keys.hold(key);
        match value {
            Some(value) => drop(store.put(values.hold(value), Some(key))?),
            None => drop(store.delete(key.clone())?),
        }
    }
    store.put(&stamp.to_value(), Some(&JsValue::from_str(STAMP_KEY)))?;
    Ok(())
}

/// Bytes outside of the memory of wasm, for as long as a call takes: the browser copies what it is given before the call returns. One array
/// serves for all that follow one another with the same length, as blocks do.
#[derive(Default)]
struct Scratch(JsValue);

impl Scratch {
    fn hold(&mut self, bytes: &[u8]) -> &JsValue {
        match self.0.dyn_ref::<Uint8Array>().filter(|array| array.length() as usize == bytes.len()) {
            Some(array) => array.copy_from(bytes),
            None => self.0 = Uint8Array::from(bytes).into(),
        }
        &self.0
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("database", &self.database.name()).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A stored value.
fn bytes(value: JsValue) -> Result<Vec<u8>, Failure> {
    let bytes: Uint8Array = value.dyn_into().map_err(|_| {
        let text = "a record in IndexedDB is not made of bytes: it is damaged, or another program's";
        Failure::Failed(Error::new(ErrorKind::Corrupt, Operation::Read).with_text(text))
    })?;
    Ok(bytes.to_vec())
}
