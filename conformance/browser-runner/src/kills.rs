//! The kill loop in a browser.

use std::time::{Duration, Instant};

use anystorage_api::StoragePath;
use anystorage_conformance::browser::wire::{Answer, Request};
use anystorage_conformance::case::Broken;
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::kill_loop::{Ended, Found, KillPlan, KillReport, Killer, Line, Lost, Play, Target};

use crate::failure::Failure;
use crate::seat::Seat;
use crate::server::{Heard, Order, Tab};

/// How long a load may be silent until it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked whether the load has ended by itself.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs the loop: the player of the load is ended by what `crossing` says.
pub(crate) fn run(seat: &mut Seat, crossing: Crossing, plan: KillPlan) -> Result<KillReport, Broken> {
    let mut killer = SeatKiller { seat, crossing, lag: Duration::ZERO, overhead: None };
    plan.run(&mut killer, |number| format!("kill-loop-{}-{number}", crossing.as_str()))
}

struct SeatKiller<'a> {
    seat: &'a mut Seat,
    crossing: Crossing,
    /// How long a page takes to do what it is ordered.
    lag: Duration,
    /// The shortest time between the two announcements of an operation: what they take themselves.
    overhead: Option<Duration>,
}

impl SeatKiller<'_> {
    /// Ends the player, which is held at the beginning of an operation, after that has been under way for so long.
    fn strike(&mut self, tab: &Tab, processes: &[i32], heard: &mut Heard, delay: Duration) -> Result<Struck, Failure> {
        let order = match self.crossing {
            Crossing::Kill => {
                heard.held = None;
                // Not before the load has heard that it was heard.
                wait(heard.at, delay.max(self.overhead.unwrap_or_default() / 2));
                self.seat.kill(processes);
                return Ok(Struck { at: Instant::now(), begun: u64::MAX });
            }
            Crossing::Reload => Order::Reload,
            _ => Order::Terminate,
        };
        // What the page is ordered now it does a while later: the operation is made to begin when it should be under way by then.
        let asked = if delay >= self.lag {
            heard.held = None;
            wait(heard.at, delay - self.lag);
            tab.put_order(order)
        } else {
            let asked = tab.put_order(order);
            wait(heard.at, self.lag - delay);
            heard.held = None;
            asked
        };
        let at = Instant::now();
        let begun = tab.done(order, asked)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts operations")]
        let begun = begun.unwrap_or_default().max(0.0) as u64;
        Ok(Struck { at, begun })
    }

    /// Learns from where it hit.
    fn learn(&mut self, struck: &Struck, aimed: u64, last_ended: Option<Instant>) {
        self.lag = match last_ended {
            // Too late.
            Some(last) => self.lag + last.saturating_duration_since(struck.at) / 4,
            None if struck.begun >= aimed => self.lag * 15 / 16,
            // Too early.
            None => self.lag * 3 / 4,
        };
    }
}

struct Struck {
    /// When the order was given.
    at: Instant,
    /// The last operation that had begun, as far as the page knew.
    begun: u64,
}

fn number_begun(line: &Line) -> Option<u64> {
    match line {
        Line::Begin { number, .. } => Some(*number),
        _ => None,
    }
}

fn wait(since: Instant, delay: Duration) {
    while since.elapsed() < delay {
        std::hint::spin_loop();
    }
}

impl Killer for SeatKiller<'_> {
    fn look(&mut self, address: &str, leftover: Option<&StoragePath>) -> Result<Found, Lost> {
        let lost = |text: String| Lost { line: None, text };
        let post_box = self.seat.tab().map_err(|failure| lost(failure.to_string()))?.post_box();
        let request = Request::Look {
            subject: self.seat.chair.subject,
            label: address.to_owned(),
            leftover: leftover.map(|path| path.as_str().to_owned()),
            post: post_box.path(),
        };
        match self.seat.ask(&request).map_err(|failure| lost(failure.to_string()))? {
            Answer::Looked(looked) => {
                let capabilities = looked?.into();
                let tree = post_box.tree().ok_or_else(|| lost("what was found did not arrive".to_owned()))?;
                Ok(Found { capabilities, tree })
            }
            other => Err(lost(format!("the suite answered out of turn: {other:?}"))),
        }
    }

    fn kill(&mut self, play: &Play, target: Target, hear: &mut dyn FnMut(Line) -> Result<(), Broken>) -> Result<Ended, Broken> {
        let announcements = self.seat.server().announcements(Some(target.number));
        let request = Request::Load { subject: self.seat.chair.subject, play: play.clone(), announce: announcements.path() };
        let context = self.seat.chair.context;
        let tab = self.seat.tab()?.clone();
        // Looking for them takes longer than most operations do.
        let processes = if self.crossing == Crossing::Kill { self.seat.session()?.processes() } else { Vec::new() };
        let asked = tab.put(context, &request)?;
        let mut silent_since = Instant::now();
        let ended = loop {
            let Some(mut heard) = announcements.next(GLANCE) else {
                match tab.answer(asked, Duration::ZERO) {
                    Ok(None) if silent_since.elapsed() < PATIENCE => continue,
                    Ok(None) => return Err(Failure::new(format!("the load hung: nothing came from it for {PATIENCE:?}")).into()),
                    Ok(Some(_)) => break "the load ended by itself".to_owned(),
                    Err(failure) => break failure.to_string(),
                }
            };
            match heard.line {
                Line::Begin { number, .. } if target.is_hit_by(&heard.line) => {
                    let struck = self.strike(&tab, &processes, &mut heard, target.delay)?;
                    let rest = announcements.end();
                    self.learn(
                        &struck,
                        number,
                        rest.iter().filter(|heard| matches!(heard.line, Line::End { .. })).map(|heard| heard.at).next_back(),
                    );
                    let last_begun = rest.iter().filter_map(|heard| number_begun(&heard.line)).next_back().unwrap_or(number);
                    hear(heard.line)?;
                    rest.into_iter().try_for_each(|heard| hear(heard.line))?;
                    return Ok(if struck.begun >= last_begun { Ended::Killed } else { Ended::KilledEarly });
                }
                Line::End { .. } => {
                    let took = heard.at - silent_since;
                    self.overhead = Some(self.overhead.map_or(took, |least| least.min(took)));
                }
                _ => {}
            }
            silent_since = heard.at;
            hear(heard.line)?;
        };
        announcements.end().into_iter().try_for_each(|heard| hear(heard.line))?;
        Ok(Ended::ByItself(ended))
    }
}
