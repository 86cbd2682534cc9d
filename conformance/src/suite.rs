//! Runs the cases: all of them against a subject, or one, or one half of one.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;

use anystorage_api::{Capabilities, MaybeSend, MaybeSync, StorageBackend, engine};
use futures_lite::FutureExt;

use crate::case::{Broken, Carry, Case, Need, Run, Verdict};
use crate::crossing::{Crossing, Elsewhere};
use crate::list;
use crate::recorder::Recorder;
use crate::report::{CaseReport, EngineReport, Status};
use crate::subject::{Place, Subject};
use crate::table;

/// How large a place is that the cases of contract line 8 fill up, in bytes.
pub const SMALL_BYTES: u64 = 4 << 20;

/// The case that [`run`] adds for engines of which the project's table says something: it declares what the table says, and offers it.
pub const CAPABILITIES_CASE: &str = "honesty::capabilities_are_as_the_table_says";

/// Which cases to run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Only cases whose name contains this text; all if it is empty.
    pub filter: String,
    /// How many of the crossings that are offered each persistence case goes through; all of them if there is none.
    pub crossings: Option<usize>,
    /// Which of them comes first. Runs that differ in it have each case go through others.
    pub turn: usize,
}

impl Options {
    /// Every case.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only cases whose name contains `text`.
    #[must_use]
    pub fn filter(mut self, text: impl Into<String>) -> Self {
        self.filter = text.into();
        self
    }

    /// Each persistence case across `count` of the crossings that are offered, by turns: each crossing has its share of the cases, and another
    /// one with another `turn`.
    #[must_use]
    pub const fn crossings(mut self, count: usize, turn: usize) -> Self {
        self.crossings = Some(count);
        self.turn = turn;
        self
    }

    /// What of the crossings that are offered a persistence case is to go through.
    #[must_use]
    pub fn chosen(&self, case: &Case, offered: &[Crossing]) -> Vec<Crossing> {
        let Some(count) = self.crossings else { return offered.to_vec() };
        let persistent = list::cases().iter().filter(|case| matches!(case.run, Run::Persistence { .. }));
        let before = persistent.take_while(|other| other.name != case.name).count();
        offered.iter().cycle().skip(self.turn.wrapping_add(before) % offered.len().max(1)).take(count.min(offered.len())).copied().collect()
    }
}

/// Where the cases of a run take place: in this process, or somewhere that this one tells what to do.
#[engine]
pub trait Stage: Debug + MaybeSend + MaybeSync {
    /// The URL of the engine, for the report.
    fn url(&self) -> String;

    /// What the project's table says of the engine: see [`Subject::expected`].
    fn expected(&self) -> Option<Capabilities>;

    /// What the engine declares.
    async fn declared(&self) -> Result<Capabilities, Broken>;

    /// What each persistence case is to cross.
    fn crossings(&self) -> Vec<Crossing>;

    /// Runs one case at a fresh place; a persistence case across one of the [crossings](Self::crossings).
    async fn play(&self, case: &Case, crossing: Option<Crossing>) -> Verdict;

    /// Whether a case has to do without `need` here, as the [table] says, whatever the engine does.
    fn lacks(&self, case: &Case, need: Need) -> bool {
        let _ = (case, need);
        false
    }

    /// How long a case took that was [played](Self::play), if that is not how long the call took.
    fn seconds(&self, case: &Case, crossing: Option<Crossing>) -> Option<f64> {
        let _ = (case, crossing);
        None
    }
}

/// Runs the suite against `subject` and reports every case to `observer` as it ends.
///
/// Persistence cases cross a close and a drop in this process, and whatever `elsewhere` offers besides. Where the subject has an entry in
/// the [table], its capabilities are held to it, and so is every case that it leaves out.
pub async fn run(
    subject: &dyn Subject,
    options: &Options,
    elsewhere: Option<&dyn Elsewhere>,
    observer: &mut dyn FnMut(&CaseReport),
) -> EngineReport {
    run_on(&Here { subject, elsewhere }, options, observer).await
}

/// [`run`], wherever the cases take place.
pub async fn run_on(stage: &dyn Stage, options: &Options, observer: &mut dyn FnMut(&CaseReport)) -> EngineReport {
    let mut report = EngineReport::new(stage.url());
    let mut add = |report: &mut EngineReport, case: CaseReport| {
        observer(&case);
        report.cases.push(case);
    };
    let declared = match stage.declared().await {
        Ok(declared) => declared,
        Err(broken) => {
            add(&mut report, CaseReport::new(CAPABILITIES_CASE, 10, Status::Failed, format!("the engine cannot be opened: {broken}")));
            return report;
        }
    };
    report.capabilities = Some(declared);
    let expected = stage.expected();
    if let Some(expected) = &expected
        && CAPABILITIES_CASE.contains(&options.filter)
    {
        let differences = table::differences(&declared, expected);
        let status = if differences.is_empty() { Status::Passed } else { Status::Failed };
        add(&mut report, CaseReport::new(CAPABILITIES_CASE, 10, status, differences.join("; ")));
    }
    for case in list::cases().iter().filter(|case| case.name.contains(&options.filter)) {
        let unmet = unmet(case, &declared);
        for crossing in crossings(case, unmet, options.chosen(case, &stage.crossings())) {
            let clock = Clock::start();
            let mut ended = match case.needs.iter().find(|need| stage.lacks(case, **need)) {
                Some(need) => CaseReport::new(case.name.to_owned(), case.line, Status::Skipped, format!("not offered: {}", need.as_str())),
                None => {
                    let verdict = match unmet {
                        Some(need) => Err(Broken::NotOffered(need.as_str().to_owned())),
                        None => stage.play(case, crossing).await,
                    };
                    judged(case, crossing, verdict, expected.as_ref())
                }
            };
            ended.seconds = stage.seconds(case, crossing).or_else(|| clock.seconds());
            add(&mut report, ended);
        }
    }
    report
}

/// What a case needs that is not declared; none if everything is, or cannot be told before the case runs.
#[must_use]
pub fn unmet(case: &Case, declared: &Capabilities) -> Option<Need> {
    case.needs.iter().find(|need| need.met_by(declared) == Some(false)).copied()
}

/// Runs one case in this process against a fresh place of `subject`, persistence cases across both crossings that need no other process.
///
/// # Errors
/// [`Broken`], with the crossing and the last operations; [`Broken::NotOffered`] if the engine lacks what the case needs.
pub async fn run_case(subject: &dyn Subject, case: &Case) -> Verdict {
    // Tests run side by side, each in places of its own.
    let declared = capabilities(subject, &format!("{}-capabilities", label(case, None))).await?;
    let unmet = unmet(case, &declared);
    for crossing in crossings(case, unmet, IN_PLACE.to_vec()) {
        let verdict = match unmet {
            Some(need) => Err(Broken::NotOffered(need.as_str().to_owned())),
            None => here(subject, case, crossing).await,
        };
        verdict.map_err(|broken| match crossing {
            Some(crossing) => broken.in_context(&format!("@{}", crossing.as_str())),
            None => broken,
        })?;
    }
    Ok(())
}

/// Runs one case in this process against a fresh place of `subject`; a persistence case across `crossing`, which must be one that needs
/// nothing but this process.
///
/// # Errors
/// [`Broken`], with the last operations; [`Broken::NotOffered`] if the subject lacks what the case needs.
pub async fn here(subject: &dyn Subject, case: &Case, crossing: Option<Crossing>) -> Verdict {
    Here { subject, elsewhere: None }.play(case, crossing).await
}

/// What the engine of `subject` declares.
///
/// # Errors
/// [`Broken`] if it cannot be opened.
pub async fn declared(subject: &dyn Subject) -> Result<Capabilities, Broken> {
    capabilities(subject, "capabilities").await
}

/// Runs the first half of a persistence case on an open location.
///
/// # Errors
/// [`Broken`], with the last operations; a panic is one too where panics can be caught.
pub async fn before(case: &Case, backend: Box<dyn StorageBackend>) -> Result<(Box<dyn StorageBackend>, Carry), Broken> {
    let Run::Persistence { before, .. } = case.run else {
        return Err(Broken::promise(format!("{} has no halves", case.name)));
    };
    let recorder = Recorder::new();
    let backend = recorder.backend(backend);
    let carry = recorded(&recorder, before(&*backend)).await?;
    Ok((backend, carry))
}

/// Runs the second half of a persistence case on the location opened anew.
///
/// # Errors
/// [`Broken`], with the last operations.
pub async fn after(case: &Case, backend: Box<dyn StorageBackend>, carry: &str) -> Verdict {
    let Run::Persistence { after, .. } = case.run else {
        return Err(Broken::promise(format!("{} has no halves", case.name)));
    };
    let recorder = Recorder::new();
    let backend = recorder.backend(backend);
    recorded(&recorder, after(&*backend, carry)).await
}

/// Runs a whole case at a fresh place, persistence cases across a reopen. A case that needs a small place is given `place` as one.
///
/// # Errors
/// [`Broken`], with the last operations.
pub async fn whole(case: &Case, place: &dyn Place) -> Verdict {
    match case.run {
        Run::Persistence { .. } => across(case, place, Crossing::Reopen).await,
        Run::Plain(run) => {
            let recorder = Recorder::new();
            let backend = recorder.backend(place.open().await?);
            recorded(&recorder, run(&*backend)).await
        }
        Run::Place(run) => {
            let recorder = Recorder::new();
            let place = recorder.place(place);
            recorded(&recorder, run(&*place)).await
        }
    }
}

/// What the engine declares at a fresh place.
async fn capabilities(subject: &dyn Subject, label: &str) -> Result<Capabilities, Broken> {
    let backend = subject.place(label).await?.open().await?;
    let declared = backend.capabilities();
    backend.close().await?;
    Ok(declared)
}

/// The crossings that need nothing but this process.
const IN_PLACE: [Crossing; 2] = [Crossing::Reopen, Crossing::Drop];

/// What each run of the case crosses: nothing for cases of one piece, and for those that cannot run.
fn crossings(case: &Case, unmet: Option<Need>, offered: Vec<Crossing>) -> Vec<Option<Crossing>> {
    if !matches!(case.run, Run::Persistence { .. }) || unmet.is_some() {
        return vec![None];
    }
    offered.into_iter().map(Some).collect()
}

/// This process, and what it can do elsewhere.
#[derive(Debug)]
struct Here<'a> {
    subject: &'a dyn Subject,
    elsewhere: Option<&'a dyn Elsewhere>,
}

#[engine]
impl Stage for Here<'_> {
    fn url(&self) -> String {
        self.subject.url()
    }

    fn expected(&self) -> Option<Capabilities> {
        self.subject.expected()
    }

    async fn declared(&self) -> Result<Capabilities, Broken> {
        declared(self.subject).await
    }

    fn crossings(&self) -> Vec<Crossing> {
        let there = self.elsewhere.map(|elsewhere| elsewhere.crossings()).unwrap_or_default();
        IN_PLACE.iter().chain(there).copied().collect()
    }

    async fn play(&self, case: &Case, crossing: Option<Crossing>) -> Verdict {
        let place = self.subject.place(&label(case, crossing)).await?;
        if case.needs.contains(&Need::SmallPlace) {
            return match (place.small(SMALL_BYTES).await?, self.elsewhere) {
                (Some(small), _) => whole(case, &*small).await,
                (None, Some(elsewhere)) => elsewhere.in_small_place(case, SMALL_BYTES).await,
                (None, None) => Err(Broken::NotOffered(Need::SmallPlace.as_str().to_owned())),
            };
        }
        match crossing {
            None => whole(case, &*place).await,
            Some(crossing @ (Crossing::Reopen | Crossing::Drop)) => across(case, &*place, crossing).await,
            Some(crossing) => {
                let (Some(elsewhere), Some(address)) = (self.elsewhere, place.address()) else {
                    return Err(Broken::NotOffered("a place that another process can open".to_owned()));
                };
                let carry = elsewhere.before(crossing, case, &address).await.map_err(|broken| broken.in_context(FIRST))?;
                elsewhere.after(crossing, case, &address, &carry).await.map_err(|broken| broken.in_context(SECOND))
            }
        }
    }
}

/// What stands before what broke in the first half of a case.
pub const FIRST: &str = "in the first half";
/// What stands before what broke in the second half.
pub const SECOND: &str = "in the second half";

/// Both halves in this process.
async fn across(case: &Case, place: &dyn Place, crossing: Crossing) -> Verdict {
    let (backend, carry) = before(case, place.open().await?).await.map_err(|broken| broken.in_context(FIRST))?;
    if crossing == Crossing::Reopen {
        backend.close().await?;
    }
    drop(backend);
    after(case, place.open().await?, &carry).await.map_err(|broken| broken.in_context(SECOND))
}

/// The label of the place of a case.
#[must_use]
pub fn label(case: &Case, crossing: Option<Crossing>) -> String {
    let name = case.name.replace("::", "-");
    match crossing {
        Some(crossing) => format!("{name}-{}", crossing.as_str()),
        None => name,
    }
}

/// Awaits a case, catches its panic, and adds the last operations to what broke.
async fn recorded<T>(recorder: &Recorder, case: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    let ended = AssertUnwindSafe(case).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(Broken::promise(format!("it panicked: {}", text.unwrap_or("without a text"))))
    });
    ended.map_err(|broken| match broken {
        Broken::NotOffered(text) => Broken::NotOffered(text),
        broken => Broken::promise(format!("{broken}\nthe last operations:\n{recorder}").trim_end()),
    })
}

fn judged(case: &Case, crossing: Option<Crossing>, verdict: Verdict, expected: Option<&Capabilities>) -> CaseReport {
    let name = match crossing {
        Some(crossing) => format!("{}@{}", case.name, crossing.as_str()),
        None => case.name.to_owned(),
    };
    let (status, detail) = match verdict {
        Ok(()) => (Status::Passed, String::new()),
        Err(Broken::NotOffered(text)) => {
            let lacking = case.needs.iter().find(|need| text.starts_with(need.as_str()));
            if expected.is_none_or(|expected| lacking.is_some_and(|need| table::may_lack(*need, expected))) {
                (Status::Skipped, format!("not offered: {text}"))
            } else {
                (Status::Failed, format!("not offered, although the table says that it is: {text}"))
            }
        }
        Err(broken) => (Status::Failed, broken.to_string()),
    };
    CaseReport::new(name, case.line, status, detail)
}

/// A stopwatch.
struct Clock {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    start: std::time::Instant,
    /// In milliseconds, where there is a clock.
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    start: Option<f64>,
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl Clock {
    fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    fn seconds(&self) -> Option<f64> {
        Some(self.start.elapsed().as_secs_f64())
    }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl Clock {
    fn start() -> Self {
        Self { start: crate::browser::milliseconds() }
    }

    fn seconds(&self) -> Option<f64> {
        Some((crate::browser::milliseconds()? - self.start?) / 1000.0)
    }
}
