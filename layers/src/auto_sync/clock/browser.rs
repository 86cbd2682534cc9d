//! The browser's timers, and its word that a page is hidden.

use std::fmt;
use std::sync::{Arc, Weak};

use anystorage_api::Result;
use anystorage_browser_host::global::{member, property, sleep};
use anystorage_browser_host::task::spawn;
use js_sys::Function;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::super::inner::Inner;
use crate::mirror::host::uptime;

const GOING: &str = "pagehide";

/// What listens for a page that is hidden; nothing does in a worker, which is told of nothing.
pub(in super::super) struct Clock {
    inner: Arc<Inner>,
    listening: Vec<(JsValue, &'static str)>,
    hidden: Closure<dyn FnMut(JsValue)>,
}

impl Clock {
    #[expect(clippy::unnecessary_wraps, reason = "a thread may not start")]
    pub(in super::super) fn start(inner: &Arc<Inner>) -> Result<Self> {
        let weak = Arc::downgrade(inner);
        let hidden = Closure::new(move |event: JsValue| {
            // A page may go before it counts as hidden.
            let goes = member(&event, "type").as_string().is_some_and(|kind| kind == GOING);
            let document = property("document");
            let is_visible = !goes && member(&document, "visibilityState").as_string().is_some_and(|state| state == "visible");
            if let (false, Some(inner)) = (is_visible, weak.upgrade()) {
                spawn(Box::pin(async move { inner.sync_by_itself().await }));
            }
        });
        let mut listening = Vec::new();
        let (document, window) = (property("document"), property("window"));
        for (target, event) in [(document, "visibilitychange"), (window, GOING)] {
            if let Ok(add) = member(&target, "addEventListener").dyn_into::<Function>()
                && add.call2(&target, &event.into(), hidden.as_ref()).is_ok()
            {
                listening.push((target, event));
            }
        }
        Ok(Self { inner: Arc::clone(inner), listening, hidden })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.inner.end();
        for (target, event) in &self.listening {
            if let Ok(remove) = member(target, "removeEventListener").dyn_into::<Function>() {
                // It only fails for what is no event target.
                let _ = remove.call2(target, &(*event).into(), self.hidden.as_ref());
            }
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("listening", &self.listening.len()).finish_non_exhaustive()
    }
}

/// Waits for the time of the next sync, unless something does already.
pub(in super::super) fn arm(inner: &Arc<Inner>) {
    let mut state = inner.lock();
    if state.is_armed || state.is_over || state.ledger.due_in(&inner.options, uptime()).is_none() {
        return;
    }
    state.is_armed = true;
    drop(state);
    spawn(Box::pin(wait(Arc::downgrade(inner))));
}

/// Ends when there is nothing to sync any more.
async fn wait(weak: Weak<Inner>) {
    while let Some(inner) = weak.upgrade() {
        let due = {
            let mut state = inner.lock();
            let due = state.ledger.due_in(&inner.options, uptime()).filter(|_| !state.is_over);
            state.is_armed = due.is_some();
            due
        };
        match due {
            None => return,
            Some(time) if time.is_zero() => inner.sync_by_itself().await,
            Some(time) => {
                drop(inner);
                // The browser's timers have 31 bits; whatever is left is waited for next.
                sleep((time.as_secs_f64() * 1000.0).min(f64::from(i32::MAX))).await;
            }
        }
    }
}
