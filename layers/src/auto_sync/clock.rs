//! Who looks at the clock: a thread of its own, or the browser's timers.

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        mod browser;
        pub(super) use browser::{Clock, arm};
    } else {
        mod thread;
        pub(super) use thread::{Clock, arm};
    }
}
