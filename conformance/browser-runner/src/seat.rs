//! A seat: one subject in one context of one browser, with a profile of its own, and whatever is done to it.

use std::path::Path;
use std::time::{Duration, Instant};

use anystorage_conformance::browser::wire::{Answer, Browser, Context, Described, Request};
use anystorage_conformance::crossing::Crossing;

use crate::driver::{Launch, Session};
use crate::ending::Directory;
use crate::failure::{Failure, Result};
use crate::server::{Asked, Order, PATIENCE, Server, Tab, hung};

/// From so many bytes on, a browser has to forget them before more come.
const MUCH: f64 = 1e9;

/// How often is looked whether the browser is still there, while it does not answer.
const GLANCE: Duration = Duration::from_secs(5);

/// How often a browser is started again that crashed by itself. Firefox 153 does so now and then when a worker is terminated on a busy machine.
/// That is one more kill, after which everything has to be there too; many are a reason to look for.
const MOST_CRASHES: u32 = 5;

/// Which subject, and where.
#[derive(Clone, Debug)]
pub(crate) struct Chair {
    pub(crate) subject: usize,
    pub(crate) described: Described,
    pub(crate) context: Context,
}

/// A browser that is started when it is needed, and again after it was ended.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) chair: Chair,
    server: Server,
    launch: Launch,
    session: Option<Session>,
    tab: Tab,
    title: String,
    /// How often it crashed.
    crashes: u32,
    // Removed when the browser is gone.
    _profile: Directory,
}

impl Seat {
    /// With a fresh profile. `launch` makes a browser out of a profile.
    pub(crate) fn new(chair: Chair, server: &Server, launch: impl FnOnce(&Path) -> Launch) -> Result<Self> {
        let profile = Directory::new()?;
        let launch = launch(&profile.path().join("profile"));
        let tab = server.tab();
        Ok(Self { chair, server: server.clone(), launch, session: None, tab, title: String::new(), crashes: 0, _profile: profile })
    }

    /// Name and version of the browser, once it was started.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Which browser.
    pub(crate) const fn browser(&self) -> Browser {
        self.launch.browser()
    }

    /// The server that its pages come from.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The browser, started if it does not run, with its page loaded.
    pub(crate) fn session(&mut self) -> Result<&Session> {
        let session = match self.session.take() {
            Some(session) => session,
            None if self.crashes > MOST_CRASHES => return Err(Failure::new(format!("the browser crashed {} times", self.crashes))),
            None => {
                let session = self.launch.start()?;
                let life = self.tab.life();
                let path = if self.chair.described.isolated { self.tab.isolated_path() } else { self.tab.path() };
                session.go(&format!("{}{path}", self.server.origin()))?;
                self.tab.wait_for_life_after(life)?;
                session.title().clone_into(&mut self.title);
                session
            }
        };
        Ok(self.session.insert(session))
    }

    /// Its page.
    pub(crate) fn tab(&mut self) -> Result<&Tab> {
        self.session()?;
        Ok(&self.tab)
    }

    /// Asks where the subject is to run. Whoever does not answer is ended, with the browser.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer> {
        self.ask_unless_it_crashes(request)?.ok_or_else(crashed)
    }

    /// As [`ask`](Self::ask); none if the browser crashed instead of answering, which is for what may be asked once more.
    pub(crate) fn ask_unless_it_crashes(&mut self, request: &Request) -> Result<Option<Answer>> {
        let context = self.chair.context;
        let asked = self.tab()?.put(context, request)?;
        let answer = self.answer_unless_it_crashes(asked);
        if answer.is_err() {
            self.session = None;
        }
        answer
    }

    /// The answer to a question; none if the browser crashed instead.
    pub(crate) fn answer_unless_it_crashes(&mut self, asked: Asked) -> Result<Option<Answer>> {
        self.unless_it_crashes("no answer", |tab, patience| tab.answer(asked, patience))
    }

    /// What an order that is done answered; none if the browser crashed instead.
    pub(crate) fn done_unless_it_crashes(&mut self, order: Order, asked: Asked) -> Result<Option<Option<f64>>> {
        self.unless_it_crashes(&format!("the page did not {}", order.as_str()), |tab, patience| tab.done(order, asked, patience))
    }

    /// Looks for something of its page until it is there; none if the browser crashed instead.
    fn unless_it_crashes<T>(&mut self, what: &str, look: impl Fn(&Tab, Duration) -> Result<Option<T>>) -> Result<Option<T>> {
        let since = Instant::now();
        loop {
            match look(&self.tab, GLANCE) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) if self.let_go_if_crashed() => return Ok(None),
                Ok(None) if since.elapsed() < PATIENCE => {}
                Ok(None) => return Err(hung(what)),
                Err(failure) if self.let_go_if_crashed() => {
                    eprintln!("before that: {failure}");
                    return Ok(None);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Orders, and waits until it is done.
    fn order(&mut self, order: Order) -> Result<Option<f64>> {
        let asked = self.tab()?.put_order(order);
        self.done_unless_it_crashes(order, asked)?.ok_or_else(crashed)
    }

    /// Orders what ends the page or its worker. A browser that crashes over it has ended them as well.
    fn end_by(&mut self, order: Order) -> Result<()> {
        let asked = self.tab()?.put_order(order);
        self.done_unless_it_crashes(order, asked).map(drop)
    }

    /// Lets its browser go if that has ended by itself, or answers nobody any more; whether it has. It is started again when it is needed.
    pub(crate) fn let_go_if_crashed(&mut self) -> bool {
        let Some(Err(failure)) = self.session.as_ref().map(Session::is_there) else { return false };
        eprintln!("{} crashed ({failure}), and is started again", self.title);
        self.session = None;
        self.crashes += 1;
        true
    }

    /// Ends what ran until now, and everything that it had open.
    pub(crate) fn cross(&mut self, crossing: Crossing) -> Result<()> {
        match crossing {
            Crossing::Terminate => self.end_by(Order::Terminate),
            Crossing::Reload => self.end_by(Order::Reload),
            Crossing::Restart => self.session.take().map_or(Ok(()), Session::quit),
            Crossing::Kill => {
                if let Some(session) = self.session.take() {
                    let processes = session.processes();
                    session.kill(&processes);
                }
                Ok(())
            }
            other => Err(Failure::new(format!("a browser does not know @{}", other.as_str()))),
        }
    }

    /// SIGKILL to these, which were the processes of its browser a moment ago, and to all that are left.
    pub(crate) fn kill(&mut self, processes: &[i32]) {
        if let Some(session) = self.session.take() {
            session.kill(processes);
        }
    }

    /// What its context knows to cross.
    pub(crate) fn crossings(&self) -> Vec<Crossing> {
        let terminate = (self.chair.context == Context::Worker).then_some(Crossing::Terminate);
        let all = [Crossing::Reopen, Crossing::Drop];
        all.into_iter().chain(terminate).chain([Crossing::Reload, Crossing::Restart, Crossing::Kill]).collect()
    }

    /// Ends its context, and makes its browser forget everything.
    fn clear(&mut self) -> Result<()> {
        // Firefox keeps the files locked that streams of a terminated worker were writing, until its page is gone.
        let ends_with_worker = self.chair.context == Context::Worker && self.browser() != Browser::Firefox;
        self.cross(if ends_with_worker { Crossing::Terminate } else { Crossing::Reload })?;
        self.order(Order::Clear).map(drop)
    }

    /// Makes its browser forget everything if that is much: holes count in some, and the cases are not to run out of space together.
    pub(crate) fn tidy(&mut self) -> Result<()> {
        match self.order(Order::Usage)? {
            Some(bytes) if bytes > MUCH => self.clear(),
            _ => Ok(()),
        }
    }

    /// Makes its browser forget everything, and gives it room for so many bytes.
    pub(crate) fn make_small(&mut self, bytes: u64) -> Result<()> {
        self.clear()?;
        let origin = self.server.origin();
        self.session()?.limit(&origin, bytes)?;
        if self.browser() == Browser::Chromium {
            // It forgot the locks of the page along with everything else: those that a worker takes from now on are others.
            self.cross(Crossing::Reload)?;
        }
        Ok(())
    }
}

fn crashed() -> Failure {
    Failure::new("the browser crashed")
}
