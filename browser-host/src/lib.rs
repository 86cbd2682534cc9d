//! What the browser engines of anystorage share, in pages and in workers alike.
//!
//! - [`lock`]: one holder of a location, by a Web Lock
//! - [`exception`]: what JavaScript throws, as [`Error`](anystorage_api::Error)s
//! - [`global`]: the navigator, the clock, random numbers, timers, storage estimates
//! - [`leveldb`]: the browser that keeps what sites store in one
//! - [`space`]: what is refused for want of space, by whatever name
//! - [`task`]: futures that go on by themselves
//! - [`worker`]: dedicated workers that a library starts by itself
//!
//! Nothing here asks for `web_sys_unstable_apis`: what web-sys keeps behind it is bound by hand. On other targets this crate is empty.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

pub mod exception;
pub mod global;
pub mod leveldb;
pub mod lock;
pub mod space;
pub mod task;
pub mod worker;
