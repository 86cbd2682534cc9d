//! Transactions that change something: how long they last, and how they end.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::global::{member, property};
use anystorage_browser_host::space::refined;
use anystorage_kv::Commit;
use js_sys::{Object, Reflect};
use tokio::sync::oneshot;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, IdbDatabase, IdbRequest, IdbTransaction};

use crate::error::{Failure, is_lost};

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase`, for the one argument that neither web-sys nor idb can pass.
    #[wasm_bindgen(extends = IdbDatabase)]
    type Durably;

    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Durably, store: &str, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

/// A transaction that changes something, of which the end is awaited.
#[derive(Debug)]
pub(crate) struct Change {
    transaction: IdbTransaction,
    /// Whether it was committed.
    ended: oneshot::Receiver<bool>,
    /// What was wrong with a request: where there is no space, WebKit does not tell the transaction why it was aborted.
    refused: Rc<RefCell<Option<Exception>>>,
    /// What the browser calls.
    _callback: Closure<dyn FnMut(Event)>,
}

impl Change {
    /// Begins one on a store. A `strict` one is on the disk when it ends, a `relaxed` one with the system.
    pub(crate) fn begin(database: &IdbDatabase, store: &str, durability: Commit) -> Result<Self, Failure> {
        let options = Object::new();
        let lasting = match durability {
            Commit::Durable => "strict",
            Commit::Relaxed => "relaxed",
        };
        Reflect::set(&options, &JsValue::from_str("durability"), &JsValue::from_str(lasting))?;
        let transaction = database.unchecked_ref::<Durably>().transaction(store, "readwrite", &options)?;
        let (sender, ended) = oneshot::channel();
        let mut sender = Some(sender);
        let refused: Rc<RefCell<Option<Exception>>> = Rc::default();
        let noticed = Rc::clone(&refused);
        let callback = Closure::new(move |event: Event| {
            event.stop_propagation();
            if event.type_() == "error" {
                notice(&event, &noticed);
                return;
            }
            // Who dropped the receiver does not want to know.
            let _ = sender.take().map(|sender| sender.send(event.type_() == "complete"));
        });
        transaction.set_oncomplete(Some(callback.as_ref().unchecked_ref()));
        transaction.set_onabort(Some(callback.as_ref().unchecked_ref()));
        transaction.set_onerror(Some(callback.as_ref().unchecked_ref()));
        Ok(Self { transaction, ended, refused, _callback: callback })
    }

    /// Where its requests are made. All of them are, before control goes back to the browser: it commits what asks for nothing more.
    pub(crate) fn store(&self, name: &str) -> Result<idb::ObjectStore, Failure> {
        Ok(self.transaction.object_store(name)?.into())
    }

    /// Takes it back.
    pub(crate) fn abort(&self) {
        // What has ended already cannot be.
        let _ = self.transaction.abort();
    }

    /// Waits until it is committed. If this fails it is not, but for a [lost](Failure::Lost) connection, after which nobody knows.
    pub(crate) async fn committed(mut self) -> Result<(), Failure> {
        if may_commit_early() {
            // By itself it would be committed too, one turn of the event loop later; where it was aborted already, this fails.
            let _ = idb::Transaction::from(self.transaction.clone()).commit();
        }
        // The sender lives as long as the callback, which lives here.
        match poll_fn(|context| Pin::new(&mut self.ended).poll(context)).await {
            Ok(true) => Ok(()),
            _ => Err(match self.transaction.error().map(|exception| Exception::new(&exception)).or_else(|| self.refused.take()) {
                Some(exception) if is_lost(&exception) => Failure::Lost(exception),
                Some(exception) => refined(exception).await.into(),
                None => Failure::Lost(Exception::named("AbortError", "the transaction was aborted")),
            }),
        }
    }
}

/// Whether a commit may be asked for before the requests of its transaction are answered. WebKitGTK 2.50 goes on with such a commit when the page is
/// left, without the requests that it had not come to, and so leaves a part of it; without being asked it commits only when all of them have
/// succeeded, and so may browsers of which nothing is known.
fn may_commit_early() -> bool {
    let name = member(&property("navigator"), "userAgent").as_string();
    name.is_some_and(|name| name.contains("Chrome/") || name.contains("Firefox/"))
}

/// Keeps the first error of a request that is not merely the abort of the transaction.
fn notice(event: &Event, noticed: &RefCell<Option<Exception>>) {
    let request = event.target().and_then(|target| target.dyn_into::<IdbRequest>().ok());
    let error = request.and_then(|request| request.error().ok().flatten()).map(|error| Exception::new(&error));
    if let Some(error) = error.filter(|error| error.name() != "AbortError") {
        noticed.borrow_mut().get_or_insert(error);
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
        self.transaction.set_onerror(None);
    }
}
