//! A subject, and where it is to be run.

use super::wire::{Browser, Context, Described};
use crate::subject::Subject;

/// A subject that a browser is to run, and where.
#[derive(Debug)]
pub struct Exported {
    pub(super) subject: Box<dyn Subject>,
    contexts: Vec<Context>,
    browsers: Vec<Browser>,
    small_times: u64,
    isolated: bool,
    page_worker: bool,
    on_request: Vec<Browser>,
}

impl Exported {
    /// For pages and workers of all browsers.
    #[must_use]
    pub fn new(subject: impl Subject + 'static) -> Self {
        let (contexts, browsers) = (Context::ALL.to_vec(), Browser::ALL.to_vec());
        Self { subject: Box::new(subject), contexts, browsers, small_times: 1, isolated: false, page_worker: false, on_request: Vec::new() }
    }

    /// Only in these contexts.
    #[must_use]
    pub fn contexts(mut self, contexts: &[Context]) -> Self {
        self.contexts = contexts.to_vec();
        self
    }

    /// Only in these browsers.
    #[must_use]
    pub fn browsers(mut self, browsers: &[Browser]) -> Self {
        self.browsers = browsers.to_vec();
        self
    }

    /// Gives it small places this many times as large: for an engine that takes so many bytes of the quota for each byte of data.
    #[must_use]
    pub const fn small_places_times(mut self, times: u64) -> Self {
        self.small_times = times;
        self
    }

    /// In a page that is isolated from other origins (COOP and COEP): for an engine that shares memory with a worker.
    #[must_use]
    pub const fn isolated(mut self) -> Self {
        self.isolated = true;
        self
    }

    /// In pages it works by a worker that it starts itself: that is ended in a kill loop there, where the page stays.
    #[must_use]
    pub const fn page_worker(mut self) -> Self {
        self.page_worker = true;
        self
    }

    /// In these browsers only if it is named: for one that takes long, and differs little from others.
    #[must_use]
    pub fn on_request(mut self, browsers: &[Browser]) -> Self {
        self.on_request = browsers.to_vec();
        self
    }

    /// All that a runner has to know of it.
    #[must_use]
    pub fn describe(&self) -> Described {
        Described {
            name: self.subject.name(),
            url: self.subject.url(),
            expected: self.subject.expected().map(Into::into),
            contexts: self.contexts.clone(),
            browsers: self.browsers.clone(),
            small_times: self.small_times,
            isolated: self.isolated,
            page_worker: self.page_worker,
            on_request: self.on_request.clone(),
        }
    }
}
