//! Threads for broken engines: their panics are expected, and not shown.

use std::sync::Once;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// The threads' names begin with this.
const NAME: &str = "broken-engine";

/// Runs `work` where panics are quiet.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    number: usize,
    work: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !std::thread::current().name().is_some_and(|name| name.starts_with(NAME)) {
                before(panic);
            }
        }));
    });
    Builder::new().name(format!("{NAME}-{number}")).spawn_scoped(scope, work).unwrap()
}
