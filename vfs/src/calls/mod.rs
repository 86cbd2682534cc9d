//! The calls, by what they are about.

mod attributes;
mod descriptors;
mod directories;
mod io;
mod links;
mod names;
mod open;
mod stat;
mod sync;

pub use attributes::Time;
