//! A whole run: every subject, in every browser and context that it is meant for.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anystorage_conformance::browser::wire::{Answer, Browser, Context, Described, Request};
use anystorage_conformance::case::Broken;
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::kill_loop::KillPlan;
use anystorage_conformance::report::{EngineReport, Report, Status};
use anystorage_conformance::suite::{self, Options};
use futures_lite::future::block_on;

use crate::driver::{Launch, Storage};
use crate::ending::Directory;
use crate::failure::{Failure, Result};
use crate::package::Package;
use crate::seat::{Chair, Seat};
use crate::server::Server;
use crate::stage::Theatre;
use crate::{ending, kills};

/// What to run.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "made from a command line")]
pub struct Plan {
    /// The suite.
    pub package: Package,
    /// In which browsers.
    pub browsers: Vec<Browser>,
    /// Only in these contexts; in all if it is empty.
    pub contexts: Vec<Context>,
    /// Only engines whose URL begins so; all if it is empty.
    pub engines: Vec<String>,
    /// Also those that are run on request alone.
    pub all_engines: bool,
    /// Only cases whose name contains this.
    pub filter: String,
    /// How many of the crossings each persistence case goes through, beginning with another one in each place where a subject runs; all of them if
    /// there is none.
    pub crossings: Option<usize>,
    /// The driver of each browser, if it is not to be found as usual.
    pub drivers: Vec<(Browser, PathBuf)>,
    /// SIGKILLs of the browser for each engine.
    pub kills: u32,
    /// Terminations of the worker for each engine.
    pub terminations: u32,
    /// Reloads of the page for each engine.
    pub reloads: u32,
    /// The seed of the loads.
    pub seed: u64,
}

/// From so many kills on, a third and more must have hit a sync.
const KILLS_THAT_TELL: u32 = 20;
const SYNC_PERCENT: f64 = 30.0;

/// What was found, and whether it is as it must be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// All engines.
    pub report: Report,
    /// What else is wrong, in words.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Whether every case passed that may not be skipped, and no kill loop found anything.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.report.failed == 0 && self.complaints.is_empty()
    }
}

/// Builds the suite and runs it. `tell` is told of the progress.
///
/// # Errors
/// If something keeps the suite from running. What it finds is in the outcome.
pub fn run(plan: &Plan, tell: &mut dyn FnMut(&str)) -> Result<Outcome> {
    ending::prepare();
    tell("building the suite");
    let server = Server::start(plan.package.build()?)?;
    let mut outcome = Outcome { report: Report::new(), complaints: Vec::new() };
    let Some(first) = plan.browsers.first() else { return Err(Failure::new("no browser is named")) };
    let subjects = describe(plan, &server, *first)?;
    for browser in &plan.browsers {
        for (subject, described) in subjects.iter().enumerate() {
            let is_meant = |engine: &String| described.url.starts_with(engine.as_str()) || described.name == *engine;
            let is_usual = plan.engines.is_empty() && (plan.all_engines || !described.on_request.contains(browser));
            let is_wanted = is_usual || plan.engines.iter().any(is_meant);
            if !is_wanted || !described.browsers.contains(browser) {
                continue;
            }
            for context in described.contexts.iter().filter(|context| plan.contexts.is_empty() || plan.contexts.contains(context)) {
                let chair = Chair { subject, described: described.clone(), context: *context };
                let starter = |profile: &Path, storage: Storage| launch(plan, *browser, profile).storage(storage);
                let seat = Seat::new(chair, &server, |profile| starter(profile, Storage::Usual))?;
                let name = format!("{} {} {}", described.url, browser.as_str(), context.as_str());
                tell(&name);
                let mut options = Options::new().filter(plan.filter.clone());
                if let Some(count) = plan.crossings {
                    options = options.crossings(count, turn(count, *browser, subject, *context));
                }
                let found = one(plan, Theatre::new(seat, &starter, options), tell)?;
                outcome.complaints.extend(complaints(&name, &found));
                outcome.report.push(found);
            }
        }
    }
    if outcome.report.engines.iter().all(|engine| engine.cases.is_empty() && engine.kill_loops.is_empty()) {
        return Err(Failure::new("nothing ran: no engine is of that name, or no case"));
    }
    Ok(outcome)
}

/// With which crossing a subject begins in one place: the same whatever else runs, and another one in the next place and in the next browser.
fn turn(count: usize, browser: Browser, subject: usize, context: Context) -> usize {
    let browser = Browser::ALL.iter().take_while(|other| **other != browser).count();
    let context = Context::ALL.iter().take_while(|other| **other != context).count();
    (subject * Context::ALL.len() + context) * count + browser
}

fn launch(plan: &Plan, browser: Browser, profile: &Path) -> Launch {
    let driver = plan.drivers.iter().find(|(of, _)| *of == browser).map(|(_, driver)| driver.clone());
    Launch::new(browser, profile).driver(driver)
}

/// The subjects that the suite has.
fn describe(plan: &Plan, server: &Server, browser: Browser) -> Result<Vec<Described>> {
    let profile = Directory::new()?;
    let session = launch(plan, browser, &profile.path().join("profile")).start()?;
    let tab = server.tab();
    session.go(&format!("{}{}", server.origin(), tab.path()))?;
    tab.wait_for_life_after(0)?;
    match tab.ask(Context::Page, &Request::Describe)? {
        Answer::Described(subjects) => Ok(subjects),
        other => Err(Failure::new(format!("the suite answered out of turn: {other:?}"))),
    }
}

/// One subject in one place: the cases, then the loops.
fn one(plan: &Plan, theatre: Theatre<'_>, tell: &mut dyn FnMut(&str)) -> Result<EngineReport> {
    let start = Instant::now();
    let mut found = block_on(suite::run_on(&theatre, theatre.options(), &mut |case| {
        if case.status == Status::Failed {
            tell(&format!("    failed: {}", case.name));
        }
    }));
    let [passed, failed, skipped] = [Status::Passed, Status::Failed, Status::Skipped].map(|status| found.count(status));
    tell(&format!("    {passed} passed, {failed} failed, {skipped} skipped in {:.1} s", start.elapsed().as_secs_f64()));
    let mut seat = theatre.into_seat();
    if found.capabilities.is_some_and(|declared| declared.is_durable()) {
        let loops = [(Crossing::Terminate, plan.terminations), (Crossing::Reload, plan.reloads), (Crossing::Kill, plan.kills)];
        let mut offered = seat.crossings();
        if seat.chair.described.page_worker && seat.chair.context == Context::Page {
            // No crossing: whoever held the location does so still.
            offered.push(Crossing::Terminate);
        }
        if seat.browser() == Browser::WebKit && seat.chair.context == Context::Worker {
            // A reload ends the worker as well. In 20 of them this was seen once, in terminations more often.
            tell("    no loops of terminations and reloads: in WebKitGTK a page and its next worker may then wait for each other for ever");
            offered.retain(|crossing| !matches!(crossing, Crossing::Terminate | Crossing::Reload));
        }
        for (crossing, kills) in loops.into_iter().filter(|(crossing, kills)| *kills > 0 && offered.contains(crossing)) {
            let report = kills::run(&mut seat, crossing, KillPlan::new().seed(plan.seed).kills(kills));
            let report = report.map_err(|broken: Broken| Failure::new(format!("the kill loop by {}: {broken}", crossing.as_str())))?;
            tell(&format!("    {}: {report}", crossing.as_str()));
            found.kill_loops.insert(crossing.as_str().to_owned(), report);
        }
    }
    found.browser = Some(seat.title().to_owned());
    found.context = Some(seat.chair.context.as_str().to_owned());
    Ok(found)
}

/// What is wrong with the loops of an engine.
fn complaints(name: &str, found: &EngineReport) -> Vec<String> {
    let mut complaints = Vec::new();
    for (how, report) in &found.kill_loops {
        complaints.extend(report.violations.iter().map(|violation| format!("{name}, kill loop by {how}: {violation}")));
        let in_sync = report.percent(anystorage_conformance::kill_loop::Phase::Sync);
        if report.kills >= KILLS_THAT_TELL && in_sync < SYNC_PERCENT {
            complaints.push(format!("{name}, kill loop by {how}: only {in_sync:.1} % hit a sync, {SYNC_PERCENT} % are asked for"));
        }
    }
    complaints
}
