//! The durability contract of anystorage as runnable cases, for our engines and for anyone's.

pub mod case;
pub mod crossing;
pub mod report;
pub mod subject;
