//! What comes back from a worker.

use std::pin::Pin;
use std::rc::{Rc, Weak};

use anystorage_api::Result;
use anystorage_browser_host::exception::Exception;
use js_sys::{Array, Float64Array, Uint8Array};
use tokio::sync::oneshot;
use wasm_bindgen::JsCast;

use super::link::Link;

/// What came out of a call: its number and its bytes, or what it threw.
pub(crate) type Answer = Result<(f64, Piece), Exception>;

/// Waits for it. In a box of its own: there are many who wait, and what each would have to let go of makes the module larger.
pub(crate) type Answered = Pin<Box<dyn Future<Output = anystorage_api::Result<Answer>>>>;

/// Who waits for an answer, and whether it has bytes.
pub(super) struct Waiting {
    pub(super) sender: oneshot::Sender<Answer>,
    pub(super) has_bytes: bool,
}

/// Bytes that came with others. The buffer goes back to the worker when nobody needs any of it.
pub(crate) struct Piece {
    reply: Option<Rc<Reply>>,
    from: u32,
    to: u32,
}

struct Reply {
    bytes: Uint8Array,
    link: Weak<Link>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.keep(self.bytes.buffer());
        }
    }
}

impl Piece {
    const NONE: Self = Self { reply: None, from: 0, to: 0 };

    pub(crate) const fn len(&self) -> usize {
        (self.to - self.from) as usize
    }

    /// Copies as much of it as there is room for; how much that is.
    pub(crate) fn copy_to(&self, buf: &mut [u8]) -> usize {
        let len = self.len().min(buf.len());
        if let (Some(reply), Some(place)) = (&self.reply, buf.get_mut(..len))
            && len > 0
        {
            reply.bytes.subarray(self.from, self.from + place.len() as u32).copy_to(place);
        }
        len
    }

    #[cfg(feature = "packed-page")]
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.reply.as_ref().map_or_else(Vec::new, |reply| reply.bytes.subarray(self.from, self.to).to_vec())
    }
}

/// Tells those who wait what came out of their calls, in the order in which they were made.
pub(super) fn deliver(message: &Array, link: &Rc<Link>, mut next: impl FnMut() -> Option<Waiting>) {
    let results = message.get(0).dyn_into::<Float64Array>().map(|results| results.to_vec()).unwrap_or_default();
    let failures = Array::from(&message.get(1));
    let word = || failures.shift().as_string().unwrap_or_default();
    let mut pieces = Pieces { message, next: 2, link, reply: None, from: 0, len: 0 };
    for result in results {
        let Some(Waiting { sender, has_bytes }) = next() else { return };
        // Whoever waited may have given up.
        let _ = sender.send(match has_bytes {
            _ if result.is_nan() => Err(Exception::named(word(), word())),
            true => Ok((result, pieces.next(result))),
            false => Ok((result, Piece::NONE)),
        });
    }
}

/// The bytes that came, piece by piece.
struct Pieces<'a> {
    message: &'a Array,
    /// Where in the message the next reply is.
    next: u32,
    link: &'a Rc<Link>,
    reply: Option<Rc<Reply>>,
    from: u32,
    len: u32,
}

impl Pieces<'_> {
    /// The next one, of so many bytes; none where so many are not there.
    fn next(&mut self, wanted: f64) -> Piece {
        while wanted > 0.0
            && self.from == self.len
            && let Ok(bytes) = self.message.get(self.next).dyn_into::<Uint8Array>()
        {
            self.next += 1;
            (self.from, self.len) = (0, bytes.length());
            self.reply = Some(Rc::new(Reply { bytes, link: Rc::downgrade(self.link) }));
        }
        if !(wanted > 0.0 && wanted <= f64::from(self.len - self.from)) {
            return Piece::NONE;
        }
        let from = self.from;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        let to = from + wanted as u32;
        self.from = to;
        Piece { reply: self.reply.clone(), from, to }
    }
}
