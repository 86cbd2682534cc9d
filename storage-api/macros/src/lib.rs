//! The [`macro@engine`] attribute. Use it through `anystorage_api::engine`.

use proc_macro::TokenStream;

/// Makes a trait or an `impl` block with `async fn`s object-safe, the way `anystorage-api` declares its traits: through
/// `async-trait`, with `Send` futures everywhere except on `wasm32-unknown-unknown`, where browser objects cannot leave their thread.
///
/// Put it on every `impl StorageBackend for ...` and `impl StorageFile for ...`. It takes no arguments.
#[proc_macro_attribute]
pub fn engine(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        return "::core::compile_error!(\"#[engine] takes no arguments\");".parse().unwrap_or_default();
    }
    let attributes = r#"
        #[cfg_attr(
            not(all(target_family = "wasm", target_os = "unknown")),
            ::anystorage_api::__private::async_trait
        )]
        #[cfg_attr(
            all(target_family = "wasm", target_os = "unknown"),
            ::anystorage_api::__private::async_trait(?Send)
        )]
    "#;
    let mut tokens: TokenStream = attributes.parse().unwrap_or_default();
    tokens.extend(item);
    tokens
}
