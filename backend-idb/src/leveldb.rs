//! What Chromium keeps IndexedDB in: a LevelDB of the whole origin, and what becomes of its log after a kill.
//!
//! A kill in the middle of a commit leaves a torn record at the end of the log. Chromium goes on writing behind it the next time
//! (`reuse_logs`), and the time after that finds a torn record in the middle, takes the database for damaged, and deletes all that the
//! origin has in IndexedDB (google/leveldb#1287). A log that was turned over is never read again.

use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::{global, leveldb};
use idb::event::VersionChangeEvent;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbFactory};

use crate::request::Answer;

/// A database that is there for a moment: not behind the prefix of locations, so that it is none.
const PASSING: &str = "anystorage turns the log over";

/// What Chromium says when it makes a database anew because the files of the old one were damaged. It says so to the first that is opened
/// afterwards.
pub(crate) fn data_loss(event: &VersionChangeEvent) -> Option<String> {
    let event = JsValue::from(event.clone());
    let amount = global::member(&event, leveldb::SIGN).as_string()?;
    (amount != "none").then(|| global::member(&event, "dataLossMessage").as_string().unwrap_or_default())
}

/// Makes LevelDB begin another log: deleting a database compacts its keys, and a compaction begins with that.
pub(crate) async fn turn_log_over(factory: &IdbFactory) -> Result<(), Exception> {
    let opened = Answer::to(factory.open(PASSING).map_err(|thrown| Exception::new(&thrown))?).result().await?;
    if let Ok(database) = opened.dyn_into::<IdbDatabase>() {
        database.close();
    }
    Answer::to(factory.delete_database(PASSING).map_err(|thrown| Exception::new(&thrown))?).result().await.map(drop)
}
