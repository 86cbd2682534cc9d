//! The memory that both ends share: words that say whose turn it is, and room for a piece of a frame.

use js_sys::{Atomics, Int32Array, SharedArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

/// In bytes, what stands before the room for pieces.
const HEADER: u32 = 64;

/// The word that says whose turn it is; the next two belong to the piece that is there.
const TURN: u32 = 0;
/// How many bytes the piece has.
const LEN: u32 = 1;
/// Whether more pieces of the same frame follow.
const MORE: u32 = 2;
/// How often the client has passed the turn, which it writes before it does.
const PASSED: u32 = 3;

/// How long a sleep is at most, in milliseconds.
const NAP: f64 = 1_000.0;

// Those of js-sys catch what is thrown, which takes several times as long as the call. These throw for what is no array of such words, or for a
// word outside of it, and both are known here.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Atomics)]
    fn load(words: &Int32Array, index: u32) -> i32;
    #[wasm_bindgen(js_namespace = Atomics)]
    fn store(words: &Int32Array, index: u32, value: i32) -> i32;
    #[wasm_bindgen(js_namespace = Atomics, js_name = compareExchange)]
    fn compare_exchange(words: &Int32Array, index: u32, expected: i32, value: i32) -> i32;
    #[wasm_bindgen(js_namespace = Atomics)]
    fn notify(words: &Int32Array, index: u32) -> u32;
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Turn {
    /// The client's: it has nothing to say.
    Idle = 0,
    /// The server's: a piece of a request is there, and if it is the last one, an answer is due.
    Asked = 1,
    /// The client's: that piece was taken, and the next one is due.
    Taken = 2,
    /// The client's: a piece of the answer is there.
    Answered = 3,
    /// The server's: that piece was taken, and the next one is due.
    Onward = 4,
    /// Nobody's: the server has gone. It never changes any more. As in `script.js`.
    Gone = 5,
}

/// The server is gone, or the words make no sense.
#[derive(Debug)]
pub(super) struct Ended;

/// A view of it. Each end has one.
#[derive(Debug)]
pub(super) struct Buffer {
    words: Int32Array,
    room: Uint8Array,
}

impl Buffer {
    /// Memory with room for pieces of so many bytes.
    pub(super) fn allocate(bytes: u32) -> SharedArrayBuffer {
        SharedArrayBuffer::new(HEADER.saturating_add(bytes))
    }

    pub(super) fn over(shared: &SharedArrayBuffer) -> Self {
        let words = Int32Array::new_with_byte_offset_and_length(shared, 0, HEADER / 4);
        let room = Uint8Array::new_with_byte_offset(shared, HEADER);
        Self { words, room }
    }

    pub(super) fn turn(&self) -> Turn {
        match load(&self.words, TURN) {
            0 => Turn::Idle,
            1 => Turn::Asked,
            2 => Turn::Taken,
            3 => Turn::Answered,
            4 => Turn::Onward,
            _ => Turn::Gone,
        }
    }

    /// Passes the turn on, unless it is not there any more.
    pub(super) fn pass(&self, from: Turn, to: Turn) -> Result<(), Ended> {
        match compare_exchange(&self.words, TURN, from as i32, to as i32) == from as i32 {
            true => Ok(()),
            false => Err(Ended),
        }
    }

    /// Passes the turn on to the client, which sleeps until then.
    pub(super) fn pass_and_wake(&self, from: Turn, to: Turn) -> Result<(), Ended> {
        self.pass(from, to)?;
        notify(&self.words, TURN);
        Ok(())
    }

    /// Sleeps for as long as it is this turn, but not for long: whose turn it is then.
    pub(super) fn nap_while(&self, turn: Turn) -> Turn {
        let found = self.turn();
        if found != turn {
            return found;
        }
        match Atomics::wait_with_timeout(&self.words, TURN, turn as i32, NAP) {
            Ok(_) => self.turn(),
            // It is not allowed here, which was tried when it was opened.
            Err(_) => Turn::Gone,
        }
    }

    /// Puts in as much of `rest` as there is room for, and gives what is left.
    pub(super) fn put<'a>(&self, rest: &'a [u8]) -> &'a [u8] {
        let (piece, left) = rest.split_at_checked(self.room.length() as usize).unwrap_or((rest, &[]));
        // It fits, by the line above; so does its length.
        let len = u32::try_from(piece.len()).unwrap_or_default();
        self.room.subarray(0, len).copy_from(piece);
        self.set(LEN, len as i32);
        self.set(MORE, i32::from(!left.is_empty()));
        left
    }

    /// Adds the piece that is there to `frame`; says whether more follow.
    pub(super) fn take(&self, frame: &mut Vec<u8>) -> Result<bool, Ended> {
        let len = u32::try_from(self.get(LEN)).map_err(|_| Ended)?;
        if len > self.room.length() {
            return Err(Ended);
        }
        let at = frame.len();
        frame.try_reserve(len as usize).map_err(|_| Ended)?;
        frame.resize(at + len as usize, 0);
        self.room.subarray(0, len).copy_to(frame.get_mut(at..).unwrap_or_default());
        Ok(self.get(MORE) != 0)
    }

    pub(super) fn passed(&self) -> i32 {
        self.get(PASSED)
    }

    pub(super) fn set_passed(&self, times: i32) {
        self.set(PASSED, times);
    }

    fn get(&self, word: u32) -> i32 {
        load(&self.words, word)
    }

    fn set(&self, word: u32, value: i32) {
        store(&self.words, word, value);
    }
}
