//! What the two ends say to each other: one page of `ARCHITECTURE.md`, in Rust.
//!
//! A frame is a number, a head, and bytes: the number and the head as postcard writes them, the bytes as they are, to the end of the frame.
//! A request has a number that its answer repeats. Heads that take no bytes are followed by none.

mod frame;
mod words;

pub(crate) use frame::{Answer, Call, GOODBYE, decode, encode, number_of, too_large};
pub(crate) use words::{WireAttributes, WireCapabilities, WireEntry, WireError, WireMetadata, WireOptions, WireUsage};

/// The version of all of it. Ends of different versions refuse each other.
pub const VERSION: u32 = 1;

/// In bytes, the most that a call carries either way. What is longer goes in several calls, or is refused.
pub(crate) const MOST_AT_ONCE: u64 = 1 << 30;
