//! The kill loop in a browser.

use std::time::{Duration, Instant};

use anystorage_api::StoragePath;
use anystorage_conformance::browser::wire::{Answer, Request};
use anystorage_conformance::case::Broken;
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::kill_loop::{Found, KillPlan, KillReport, Killer, Line, Lost, Play, Target};

use crate::failure::Failure;
use crate::seat::Seat;

/// How long a load may be silent until it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked whether the load has ended by itself.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs the loop: the player of the load is ended by what `crossing` says.
pub(crate) fn run(seat: &mut Seat, crossing: Crossing, plan: KillPlan) -> Result<KillReport, Broken> {
    plan.run(&mut SeatKiller { seat, crossing }, |number| format!("kill-loop-{}-{number}", crossing.as_str()))
}

struct SeatKiller<'a> {
    seat: &'a mut Seat,
    crossing: Crossing,
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

    fn kill(&mut self, play: &Play, target: Target, hear: &mut dyn FnMut(Line) -> Result<(), Broken>) -> Result<Option<String>, Broken> {
        let announcements = self.seat.server().announcements();
        let request = Request::Load { subject: self.seat.chair.subject, play: play.clone(), announce: announcements.path() };
        let context = self.seat.chair.context;
        let tab = self.seat.tab()?.clone();
        // Looking for them takes longer than most operations do.
        let processes = if self.crossing == Crossing::Kill { self.seat.session()?.processes() } else { Vec::new() };
        let asked = tab.put(context, &request)?;
        let mut silent_since = Instant::now();
        let ended = loop {
            let Some(heard) = announcements.next(GLANCE) else {
                match tab.answer(asked, Duration::ZERO) {
                    Ok(None) if silent_since.elapsed() < PATIENCE => continue,
                    Ok(None) => return Err(Failure::new(format!("the load hung: nothing came from it for {PATIENCE:?}")).into()),
                    Ok(Some(_)) => break Some("the load ended by itself".to_owned()),
                    Err(failure) => break Some(failure.to_string()),
                }
            };
            silent_since = Instant::now();
            let is_hit = target.is_hit_by(&heard.line);
            if is_hit {
                while heard.at.elapsed() < target.delay {
                    std::hint::spin_loop();
                }
                match self.crossing {
                    Crossing::Kill => self.seat.kill(&processes),
                    crossing => self.seat.cross(crossing)?,
                }
            }
            hear(heard.line)?;
            if is_hit {
                break None;
            }
        };
        for heard in announcements.end() {
            hear(heard.line)?;
        }
        Ok(ended)
    }
}
