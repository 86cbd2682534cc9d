//! The kill loop in a browser.

use std::time::{Duration, Instant};

use anystorage_api::{ErrorKind, StoragePath};
use anystorage_conformance::browser::wire::{Answer, Context, Request};
use anystorage_conformance::case::Broken;
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::kill_loop::{Ended, Found, KillPlan, KillReport, Killer, Line, Lost, Play, Target};

use crate::failure::Failure;
use crate::seat::Seat;
use crate::server::Order;

/// How long a load may be silent until it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked whether the load has ended by itself, and after how much silence whether the browser is still there.
const GLANCE: Duration = Duration::from_millis(200);
const SILENCE: Duration = Duration::from_secs(5);

/// How often a look is begun again because the browser crashed over it.
const MOST_LOOKS: u32 = 2;

/// Runs the loop: the player of the load is ended by what `crossing` says.
pub(crate) fn run(seat: &mut Seat, crossing: Crossing, plan: KillPlan) -> Result<KillReport, Broken> {
    let mut killer = SeatKiller { seat, crossing, overhead: None };
    plan.run(&mut killer, |number| format!("kill-loop-{}-{number}", crossing.as_str()))
}

struct SeatKiller<'a> {
    seat: &'a mut Seat,
    crossing: Crossing,
    /// The shortest time between the two announcements of an operation: what they take themselves.
    overhead: Option<Duration>,
}

fn wait(since: Instant, delay: Duration) {
    while since.elapsed() < delay {
        std::hint::spin_loop();
    }
}

impl Killer for SeatKiller<'_> {
    fn look(&mut self, address: &str, leftover: Option<&StoragePath>) -> Result<Found, Lost> {
        let lost = |text: String| Lost { line: None, text };
        for _ in 0..MOST_LOOKS {
            let post_box = self.seat.tab().map_err(|failure| lost(failure.to_string()))?.post_box();
            let request = Request::Look {
                subject: self.seat.chair.subject,
                label: address.to_owned(),
                leftover: leftover.map(|path| path.as_str().to_owned()),
                post: post_box.path(),
            };
            match self.seat.ask_unless_it_crashes(&request).map_err(|failure| lost(failure.to_string()))? {
                Some(Answer::Looked(looked)) => {
                    let capabilities = looked?.into();
                    let tree = post_box.tree().ok_or_else(|| lost("what was found did not arrive".to_owned()))?;
                    return Ok(Found { capabilities, tree });
                }
                Some(other) => return Err(lost(format!("the suite answered out of turn: {other:?}"))),
                None => {}
            }
        }
        Err(lost(format!("the browser crashed {MOST_LOOKS} times")))
    }

    fn kill(&mut self, play: &Play, target: Target, hear: &mut dyn FnMut(Line) -> Result<(), Broken>) -> Result<Ended, Broken> {
        let overhead = self.overhead.unwrap_or_default();
        let order = match self.crossing {
            Crossing::Kill => None,
            Crossing::Reload => Some(Order::Reload),
            _ if self.seat.chair.context == Context::Page => Some(Order::TerminateEngines),
            _ => Some(Order::Terminate),
        };
        let announcements = self.seat.server().announcements();
        let request = Request::Load { subject: self.seat.chair.subject, play: play.clone(), announce: announcements.path() };
        let context = self.seat.chair.context;
        let tab = self.seat.tab()?.clone();
        // Looking for them takes longer than most operations do.
        let processes = if order.is_none() { self.seat.session()?.processes() } else { Vec::new() };
        // Told beforehand, so that the page does it when it is time: orders take longer than most operations do, too.
        let ordered = order.map(|order| (order, tab.put_order_during(order, target.number, target.delay.saturating_sub(overhead))));
        let asked = tab.put(context, &request)?;
        let mut silent_since = Instant::now();
        let ended = loop {
            let Some(heard) = announcements.next(GLANCE) else {
                match tab.answer(asked, Duration::ZERO) {
                    Ok(None) if silent_since.elapsed() < SILENCE => continue,
                    Ok(None) | Err(_) if self.seat.let_go_if_crashed() => break Ended::Killed,
                    Ok(None) if silent_since.elapsed() < PATIENCE => continue,
                    Ok(None) => return Err(Failure::new(format!("the load hung: nothing came from it for {PATIENCE:?}")).into()),
                    Ok(Some(_)) => break Ended::ByItself("the load ended by itself".to_owned()),
                    Err(failure) => break Ended::ByItself(failure.to_string()),
                }
            };
            if target.is_hit_by(&heard.line) {
                let ended = match ordered {
                    Some((order, ordered)) => match self.seat.done_unless_it_crashes(order, ordered)? {
                        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is the number of an operation")]
                        Some(number) => Ended::KilledDuring(number.map(|number| number as u64)),
                        None => Ended::Killed,
                    },
                    None => {
                        // Not before the load has heard that it was heard.
                        wait(heard.at, target.delay.max(overhead / 2));
                        self.seat.kill(&processes);
                        Ended::Killed
                    }
                };
                hear(heard.line)?;
                break ended;
            }
            if let Line::End { .. } = heard.line {
                let took = heard.at - silent_since;
                self.overhead = Some(self.overhead.map_or(took, |least| least.min(took)));
            }
            silent_since = heard.at;
            hear(heard.line)?;
        };
        let lives_on = order == Some(Order::TerminateEngines) && matches!(ended, Ended::KilledDuring(_));
        let its_end = if lives_on { self.seat.answer_unless_it_crashes(asked) } else { Ok(None) };
        let mut told = 0;
        announcements.end().into_iter().try_for_each(|heard| match heard.line {
            Line::Failed { kind: ErrorKind::Disconnected, .. } if lives_on => {
                told += 1;
                Ok(())
            }
            line => hear(line),
        })?;
        if !lives_on {
            return Ok(ended);
        }
        Ok(match its_end {
            Ok(Some(Answer::Ended)) if told == 1 => ended,
            Ok(Some(answer)) => Ended::ByItself(format!("its engine's worker was gone, and no call failed as disconnected: {answer:?}")),
            // The browser crashed.
            Ok(None) => Ended::Killed,
            Err(failure) => Ended::ByItself(failure.to_string()),
        })
    }
}
