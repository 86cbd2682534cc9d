//! The suite in a browser: where each case takes place, and what lies between the halves.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anystorage_api::{Capabilities, engine};
use anystorage_conformance::browser::wire::{Answer, Request};
use anystorage_conformance::case::{Broken, Carry, Case, Need, Run, Verdict};
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::suite::{self, FIRST, Options, SECOND, Stage, label};
use anystorage_conformance::{list, table};

use crate::driver::{Launch, Storage};
use crate::failure::Failure;
use crate::seat::Seat;

/// How a browser is started on a profile.
pub(crate) type Starter<'a> = dyn Fn(&Path, Storage) -> Launch + Send + Sync + 'a;

/// How the cases across one crossing ended, by their names, and how many seconds each took.
type Played = BTreeMap<&'static str, (Verdict, f64)>;

/// A seat as a stage.
pub(crate) struct Theatre<'a> {
    seat: Mutex<Seat>,
    small: Mutex<Option<Seat>>,
    starter: &'a Starter<'a>,
    options: Options,
    played: Mutex<HashMap<Crossing, Played>>,
}

impl std::fmt::Debug for Theatre<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Theatre").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl<'a> Theatre<'a> {
    /// For the cases, and the crossings of each, that `options` choose.
    pub(crate) fn new(seat: Seat, starter: &'a Starter<'a>, options: Options) -> Self {
        Self { seat: Mutex::new(seat), small: Mutex::default(), starter, options, played: Mutex::default() }
    }

    /// Which cases, and which crossings of each.
    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the seat back.
    pub(crate) fn into_seat(self) -> Seat {
        self.seat.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// All halves before, the crossing, all halves after: a browser's start takes longer than any of them.
    fn play_all(&self, crossing: Crossing, declared: &Capabilities) -> Played {
        let seat = &mut *self.seat();
        let offered = seat.crossings();
        let cases = list::cases().iter().filter(|case| case.name.contains(&self.options.filter) && suite::unmet(case, declared).is_none());
        let cases = cases.filter(|case| matches!(case.run, Run::Persistence { .. }));
        let cases = cases.filter(|case| self.options.chosen(case, &offered).contains(&crossing));
        let mut begun: Vec<(&Case, Result<Carry, Broken>, f64)> = Vec::new();
        for case in cases {
            let start = Instant::now();
            let carry = before(seat, case, crossing).map_err(|broken| broken.in_context(FIRST));
            begun.push((case, carry, start.elapsed().as_secs_f64()));
        }
        let crossed = seat.cross(crossing);
        let mut played = BTreeMap::new();
        for (case, carry, seconds) in begun {
            let start = Instant::now();
            let verdict = carry.and_then(|carry| {
                crossed.clone().map_err(Broken::from)?;
                after(seat, case, crossing, carry).map_err(|broken| broken.in_context(SECOND))
            });
            played.insert(case.name, (verdict, seconds + start.elapsed().as_secs_f64()));
        }
        // What cannot be cleared shows in the next case.
        let _ = seat.tidy();
        played
    }

    fn in_small_place(&self, case: &Case) -> Verdict {
        let mut small = self.small.lock().unwrap_or_else(PoisonError::into_inner);
        let (chair, server) = {
            let seat = self.seat();
            (seat.chair.clone(), seat.server().clone())
        };
        let bytes = suite::SMALL_BYTES.saturating_mul(chair.described.small_times.max(1));
        let seat = match &mut *small {
            Some(seat) => seat,
            none => none.insert(Seat::new(chair, &server, |profile| (self.starter)(profile, Storage::Small(bytes)))?),
        };
        let subject = seat.chair.subject;
        seat.make_small(bytes).map_err(|failure| Failure::new(format!("no small place could be made: {failure}")))?;
        verdict(seat.ask(&Request::InSmallPlace { subject, case: case.name.to_owned(), label: label(case, None) })?)
    }
}

fn before(seat: &mut Seat, case: &Case, crossing: Crossing) -> Result<Carry, Broken> {
    let subject = seat.chair.subject;
    match seat.ask(&Request::Before { subject, case: case.name.to_owned(), label: label(case, Some(crossing)) })? {
        Answer::Carry(outcome) => Ok(outcome?),
        other => Err(unexpected(&other)),
    }
}

fn after(seat: &mut Seat, case: &Case, crossing: Crossing, carry: Carry) -> Verdict {
    let subject = seat.chair.subject;
    verdict(seat.ask(&Request::After { subject, case: case.name.to_owned(), label: label(case, Some(crossing)), carry })?)
}

fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::Verdict(verdict) => verdict.map_err(Broken::from),
        other => Err(unexpected(&other)),
    }
}

pub(crate) fn unexpected(answer: &Answer) -> Broken {
    Broken::promise(format!("the suite answered out of turn: {answer:?}"))
}

#[engine]
impl Stage for Theatre<'_> {
    fn url(&self) -> String {
        self.seat().chair.described.url.clone()
    }

    fn expected(&self) -> Option<Capabilities> {
        self.seat().chair.described.expected.clone().map(Into::into)
    }

    async fn declared(&self) -> Result<Capabilities, Broken> {
        let mut seat = self.seat();
        let subject = seat.chair.subject;
        match seat.ask(&Request::Declared { subject })? {
            Answer::Declared(offer) => Ok(offer?.into()),
            other => Err(unexpected(&other)),
        }
    }

    fn crossings(&self) -> Vec<Crossing> {
        self.seat().crossings()
    }

    fn lacks(&self, case: &Case, need: Need) -> bool {
        let seat = self.seat();
        need == Need::FreedSpace && table::keeps_space(&seat.chair.described.name, seat.browser().as_str(), case.name)
    }

    async fn play(&self, case: &Case, crossing: Option<Crossing>) -> Verdict {
        if let Some(crossing) = crossing.filter(|crossing| !matches!(crossing, Crossing::Reopen | Crossing::Drop)) {
            let is_played = |played: &HashMap<Crossing, Played>| played.contains_key(&crossing);
            if !is_played(&self.played.lock().unwrap_or_else(PoisonError::into_inner)) {
                let declared = self.declared().await?;
                let played = self.play_all(crossing, &declared);
                self.played.lock().unwrap_or_else(PoisonError::into_inner).insert(crossing, played);
            }
            let played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
            let verdict = played.get(&crossing).and_then(|verdicts| verdicts.get(case.name)).map(|(verdict, _)| verdict.clone());
            return verdict.unwrap_or_else(|| Err(Broken::promise("the case was not played")));
        }
        let here = {
            let mut seat = self.seat();
            let subject = seat.chair.subject;
            let verdict =
                seat.ask(&Request::Case { subject, case: case.name.to_owned(), crossing }).map_err(Broken::from).and_then(verdict);
            let _ = seat.tidy();
            verdict
        };
        match here {
            // Where the subject has none, the browser's own quota makes one.
            Err(Broken::NotOffered(text)) if case.needs.contains(&Need::SmallPlace) && text == Need::SmallPlace.as_str() => {
                // What lasts nowhere takes none of the quota.
                if self.declared().await?.is_durable() { self.in_small_place(case) } else { Err(Broken::NotOffered(text)) }
            }
            verdict => verdict,
        }
    }

    fn seconds(&self, case: &Case, crossing: Option<Crossing>) -> Option<f64> {
        let played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        Some(played.get(&crossing?)?.get(case.name)?.1)
    }
}
