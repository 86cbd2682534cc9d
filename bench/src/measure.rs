//! Pairs of work, measured in turn.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What a piece of work comes to.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// The medians of a pair, in nanoseconds per operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Medians {
    pub(crate) engine: f64,
    pub(crate) floor: f64,
}

/// Runs both, round after round, first the one and then the other, and in the next round the other way; `tidy` runs after each, unmeasured.
/// One round before the first is not counted.
pub(crate) fn pair(
    rounds: usize,
    operations: usize,
    mut engine: impl FnMut() -> Outcome,
    mut floor: impl FnMut() -> Outcome,
    mut tidy: impl FnMut() -> Outcome,
) -> Result<Medians, Box<dyn Error>> {
    let mut times = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let mut one = (0.0, 0.0);
        for turn in 0..2 {
            let start = Instant::now();
            if (round + turn) % 2 == 0 {
                engine()?;
                one.0 = start.elapsed().as_nanos() as f64 / operations as f64;
            } else {
                floor()?;
                one.1 = start.elapsed().as_nanos() as f64 / operations as f64;
            }
            tidy()?;
        }
        if round > 0 {
            times.0.push(one.0);
            times.1.push(one.1);
        }
    }
    Ok(Medians { engine: median(times.0), floor: median(times.1) })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// An immediate call, polled once: what `Blocking` does.
pub(crate) fn at_once<T>(call: impl Future<Output = anystorage_api::Result<T>>) -> Result<T, Box<dyn Error>> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Ok(outcome?),
        Poll::Pending => Err("the engine is not immediate".into()),
    }
}

/// A part of a buffer, which must be there.
pub(crate) fn part(buffer: &[u8], from: usize, len: usize) -> Result<&[u8], Box<dyn Error>> {
    buffer.get(from..from + len).ok_or_else(|| "beyond the buffer".into())
}

/// As [`part`], to write to.
pub(crate) fn part_mut(buffer: &mut [u8], from: usize, len: usize) -> Result<&mut [u8], Box<dyn Error>> {
    buffer.get_mut(from..from + len).ok_or_else(|| "beyond the buffer".into())
}

/// Nothing to tidy up.
pub(crate) fn nothing() -> Outcome {
    Ok(())
}
