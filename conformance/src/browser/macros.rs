//! The line that makes a module out of subjects.

/// Makes a crate of type `cdylib` a suite for `anystorage-browser-runner`: takes the [`Exported`](crate::browser::Exported) subjects, and
/// exports to JavaScript the one function that the runner calls. On other targets than `wasm32-unknown-unknown` it makes nothing.
#[macro_export]
macro_rules! browser_suite {
    ($($exported:expr),+ $(,)?) => {
        #[doc = "Answers the browser runner of the conformance suite: a request and the answer, both as JSON."]
        #[cfg(all(target_family = "wasm", target_os = "unknown"))]
        #[$crate::browser::__private::wasm_bindgen(wasm_bindgen = $crate::browser::__private::bindgen)]
        pub fn anystorage_suite(request: ::std::string::String) -> $crate::browser::__private::Promise {
            $crate::browser::__private::serve(request, || ::std::vec![$($exported),+])
        }
    };
}

/// What the macro expands to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub use js_sys::Promise;
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub use wasm_bindgen as bindgen;
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub use wasm_bindgen::prelude::wasm_bindgen;

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub use crate::browser::serve::serve;
}
