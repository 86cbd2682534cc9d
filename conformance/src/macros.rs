//! One line that makes a test of every case, for anyone's engine.

/// Makes a test of every case of the suite: `#[test]`s natively, `#[wasm_bindgen_test]`s on `wasm32-unknown-unknown`, in one module per
/// contract line, in the module where it stands.
///
/// It takes a function from the label of a place to an opened engine; the same label is the same location, and no label comes twice for
/// different ones:
///
/// ```
/// # use anystorage_memory::MemoryBackend;
/// anystorage_conformance::suite!(|_place: String| async move { Ok(MemoryBackend::new()) });
/// # fn main() {}
/// ```
///
/// Or `subject = ` and anything that implements [`Subject`](crate::subject::Subject), which can also offer small places, failing flushes
/// and damage:
///
/// ```
/// # use anystorage_memory::MemoryBackend;
/// # use anystorage_conformance::subject;
/// anystorage_conformance::suite!(subject = subject::from_fn("memory", |_| async { Ok(MemoryBackend::new()) }));
/// # fn main() {}
/// ```
///
/// A case that needs what the engine does not declare, or the subject does not offer, says so on its output and passes. Persistence cases
/// run across a close and across a drop within the process; [`suite::run`](crate::suite::run) takes them across processes.
#[macro_export]
macro_rules! suite {
    (subject = $subject:expr $(,)?) => {
        fn __anystorage_subject() -> impl $crate::subject::Subject {
            $subject
        }
        $crate::__case_table!([$crate::__suite_tests] []);
    };
    ($open:expr $(,)?) => {
        $crate::suite!(subject = $crate::subject::from_fn(module_path!(), $open));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __suite_tests {
    ([] $($module:ident ($line:literal) { $($kind:ident $name:ident [$($need:ident)*];)* })*) => {
        $(mod $module {
            $(
                #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
                #[test]
                fn $name() -> ::core::result::Result<(), $crate::__private::Failure> {
                    let name = concat!(stringify!($module), "::", stringify!($name));
                    $crate::__private::block_on($crate::__private::test(&super::__anystorage_subject(), name))
                }

                #[cfg(all(target_family = "wasm", target_os = "unknown"))]
                #[$crate::__private::wasm_bindgen_test::wasm_bindgen_test(crate = $crate::__private::wasm_bindgen_test)]
                async fn $name() -> ::core::result::Result<(), $crate::__private::Failure> {
                    let name = concat!(stringify!($module), "::", stringify!($name));
                    $crate::__private::test(&super::__anystorage_subject(), name).await
                }
            )*
        })*
    };
}

/// What the macros expand to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    use std::fmt;

    pub use futures_lite::future::block_on;
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub use wasm_bindgen_test;

    use crate::case::Broken;
    use crate::subject::Subject;
    use crate::{list, suite};

    /// A failed case. Test harnesses show errors through `Debug`, and this one shows its text there.
    pub struct Failure(String);

    impl fmt::Debug for Failure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    pub async fn test(subject: &dyn Subject, name: &str) -> Result<(), Failure> {
        let Some(case) = list::find(name) else {
            return Err(Failure(format!("no case is called {name}")));
        };
        match suite::run_case(subject, case).await {
            Ok(()) => Ok(()),
            Err(Broken::NotOffered(text)) => {
                say(&format!("{name}: skipped, not offered: {text}"));
                Ok(())
            }
            Err(broken) => Err(Failure(format!("contract line {}, {name}: {broken}", case.line))),
        }
    }

    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    fn say(text: &str) {
        println!("{text}");
    }

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    fn say(text: &str) {
        wasm_bindgen_test::console_log!("{text}");
    }
}
