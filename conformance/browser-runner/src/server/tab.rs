//! A tab of a browser: it is asked and ordered, whatever browser it is in and how often its page is loaded.

use std::sync::Arc;
use std::time::Duration;

use anystorage_conformance::browser::wire::{Answer, Context, Request};
use anystorage_conformance::durability_model::Tree;
use serde_json::json;

use super::ISOLATED;
use super::state::{Awaited, Shared};
use crate::failure::{Failure, Result};

/// How long a page may take to be there, however busy the machine is.
const LOADING: Duration = Duration::from_secs(90);

/// How long an answer may take. It decides only when a case counts as hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// What a page does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ends its worker, and waits until that is gone. It answers which operation of a load was under way, if any was.
    Terminate,
    /// Ends the workers that engines have started in it, and goes on. It answers as above.
    TerminateEngines,
    /// Loads itself anew. It answers as above.
    Reload,
    /// Deletes all that its origin stores.
    Clear,
    /// Answers how many bytes its origin stores, 0 if the browser does not tell.
    Usage,
}

impl Order {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::TerminateEngines => "terminateEngines",
            Self::Reload => "reload",
            Self::Clear => "clear",
            Self::Usage => "usage",
        }
    }
}

/// A tab.
#[derive(Clone, Debug)]
pub struct Tab {
    shared: Arc<Shared>,
    name: String,
}

/// A question that was not answered yet.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Asked {
    life: u64,
    id: u64,
}

impl Tab {
    pub(super) fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name }
    }

    /// Its page, relative to the server's origin.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/?tab={}", self.name)
    }

    /// Its page, isolated from other origins: there is memory that workers share.
    #[must_use]
    pub fn isolated_path(&self) -> String {
        format!("{}&{ISOLATED}=yes", self.path())
    }

    /// How often its page has been loaded.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.shared.life(&self.name)
    }

    /// Waits until its page has been loaded once more than `life` times.
    ///
    /// # Errors
    /// If it is not there after a long time.
    pub fn wait_for_life_after(&self, life: u64) -> Result<()> {
        if self.shared.wait_for_life_after(&self.name, life, LOADING) {
            return Ok(());
        }
        Err(Failure::new(format!("the page did not come up in {LOADING:?}")))
    }

    /// Asks, without waiting for the answer.
    ///
    /// # Errors
    /// If the question cannot be put into JSON.
    pub fn put(&self, context: Context, request: &Request) -> Result<Asked> {
        // As text in text: numbers are not to pass through JavaScript.
        let request = serde_json::to_string(request).map_err(Failure::of("a request is no JSON"))?;
        let life = self.life();
        let order = |id| json!({ "does": context.as_str(), "id": id, "request": request }).to_string();
        Ok(Asked { life, id: self.shared.order(&self.name, order) })
    }

    /// The answer to a question; none if there is none for so long.
    ///
    /// # Errors
    /// If something else happened to the page or its worker.
    pub fn answer(&self, asked: Asked, patience: Duration) -> Result<Option<Answer>> {
        match self.shared.wait_for_answer(&self.name, (asked.life, asked.id), patience) {
            Awaited::Answer(answer) => match serde_json::from_str(&answer) {
                Ok(Answer::Senseless(why)) => Err(Failure::new(format!("the suite did not understand: {why}"))),
                Ok(answer) => Ok(Some(answer)),
                Err(error) => Err(Failure::new(format!("answered {answer}, which is unknown: {error}"))),
            },
            Awaited::Trouble(text) => Err(Failure::new(text.trim())),
            Awaited::Outlived => Err(Failure::new("the page was loaded anew before it answered")),
            Awaited::Nothing => Ok(None),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If there is none.
    pub fn ask(&self, context: Context, request: &Request) -> Result<Answer> {
        let asked = self.put(context, request)?;
        self.answer(asked, PATIENCE)?.ok_or_else(|| hung("no answer"))
    }

    /// Orders, without waiting until it is done.
    pub fn put_order(&self, order: Order) -> Asked {
        let life = self.life();
        Asked { life, id: self.shared.order(&self.name, |id| json!({ "does": order.as_str(), "id": id }).to_string()) }
    }

    /// Orders what is to be done when an operation of a load, or the first one behind it, has been under way for so long.
    pub fn put_order_during(&self, order: Order, number: u64, delay: Duration) -> Asked {
        let life = self.life();
        let delay = delay.as_secs_f64() * 1e3;
        let text = |id| json!({ "does": order.as_str(), "id": id, "number": number, "delay": delay }).to_string();
        Asked { life, id: self.shared.order(&self.name, text) }
    }

    /// What an order that is done answered, a number or nothing; none if it is not done for so long.
    ///
    /// # Errors
    /// What the page throws.
    pub fn done(&self, order: Order, asked: Asked, patience: Duration) -> Result<Option<Option<f64>>> {
        let does = order.as_str();
        let life = if order == Order::Reload {
            if !self.shared.wait_for_life_after(&self.name, asked.life, patience) {
                return Ok(None);
            }
            // What it sent before it went may come after what it says now.
            self.life()
        } else {
            asked.life
        };
        match self.shared.wait_for_answer(&self.name, (life, asked.id), patience) {
            Awaited::Answer(answer) => Ok(Some(answer.parse().ok())),
            Awaited::Trouble(text) => Err(Failure::new(text.trim())),
            Awaited::Outlived => Err(Failure::new(format!("the page was loaded anew before it did {does}"))),
            Awaited::Nothing => Ok(None),
        }
    }

    /// Where a [`Look`](Request::Look) is to post what it finds, and afterwards what it has posted.
    #[must_use]
    pub fn post_box(&self) -> PostBox {
        PostBox { shared: Arc::clone(&self.shared), key: self.shared.key() }
    }
}

/// A place for something to be posted to, once.
#[derive(Debug)]
pub struct PostBox {
    shared: Arc<Shared>,
    key: String,
}

impl PostBox {
    /// Where to post.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/post?key={}", self.key)
    }

    /// The tree that was posted.
    #[must_use]
    pub fn tree(self) -> Option<Tree> {
        Tree::from_bytes(&self.shared.posted(&self.key)?)
    }
}

/// What did not come.
pub(crate) fn hung(what: &str) -> Failure {
    Failure::new(format!("it hung: {what} for {PATIENCE:?}"))
}
