//! The durability contract of anystorage as runnable cases, for our engines and for anyone's.

pub mod case;
pub mod cases;
pub mod crossing;
pub mod durability_model;
#[cfg(unix)]
pub mod kill_loop;
pub mod list;
mod macros;
pub mod model;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub mod process;
pub mod recorder;
pub mod report;
pub mod simdisk;
pub mod subject;
pub mod suite;
pub mod table;
pub mod workload;

#[doc(hidden)]
pub use macros::__private;
