//! Calls that run to their end although their future was dropped (contract line 6).

/// Awaits `$call`, in which what is shared and the arguments go by their names, as references.
///
/// If somebody [carries on](crate::options::KvOptions::carries_on) with dropped calls, the call owns what is shared and copies of the
/// arguments, and runs to its end once it was polled. Otherwise it borrows them.
macro_rules! to_end {
    (($shared:expr => $name:ident $(, $argument:ident)*), $call:expr) => {
        match $shared.carries_on() {
            None => {
                let $name = &$shared;
                $call.await
            }
            Some(spawn) => {
                let $name = ::std::sync::Arc::clone(&$shared);
                $(let $argument = $argument.to_owned();)*
                let call = async move {
                    let $name = &$name;
                    $(let $argument = &$argument;)*
                    $call.await
                };
                ::anystorage_api::RunToEnd::new(spawn, call).await
            }
        }
    };
}

pub(crate) use to_end;
