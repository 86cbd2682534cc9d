//! The [`macro@engine`] attribute. Use it through `anystorage_api::engine`.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Makes a trait or an `impl` block with `async fn`s object-safe, the way `anystorage-api` declares its traits: through
/// `async-trait`, with `Send` futures everywhere except on `wasm32-unknown-unknown`, where browser objects cannot leave their thread.
///
/// Put it on every `impl StorageBackend for ...` and `impl StorageFile for ...`.
///
/// It looks for `anystorage-api` under the name `::anystorage_api`. Where the crate is reached in another way, as by those who depend on
/// `anystorage` alone, `crate` says how:
///
/// ```text
/// use anystorage::api::{StorageBackend, engine};
///
/// #[engine(crate = anystorage::api)]
/// impl StorageBackend for MyEngine { ... }
/// ```
#[proc_macro_attribute]
pub fn engine(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let api = match api_path(arguments) {
        Ok(api) => api,
        Err(at) => return refusal(at),
    };
    let attributes = r#"
        #[cfg_attr(
            not(all(target_family = "wasm", target_os = "unknown")),
            __anystorage_api::__private::async_trait
        )]
        #[cfg_attr(
            all(target_family = "wasm", target_os = "unknown"),
            __anystorage_api::__private::async_trait(?Send)
        )]
    "#;
    let mut tokens = with_path(attributes.parse().unwrap_or_default(), &api);
    tokens.extend(item);
    tokens
}

/// The path to `anystorage-api` that the arguments give, or where they stop to make sense.
fn api_path(arguments: TokenStream) -> Result<TokenStream, Span> {
    let mut rest = arguments.into_iter();
    let Some(first) = rest.next() else {
        return Ok("::anystorage_api".parse().unwrap_or_default());
    };
    if first.to_string() != "crate" {
        return Err(first.span());
    }
    match rest.next() {
        Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {}
        other => return Err(other.map_or_else(|| first.span(), |other| other.span())),
    }
    let path: Vec<TokenTree> = rest.collect();
    // An optional `::`, then names with `::` between them.
    let mut left = path.as_slice();
    if let [TokenTree::Punct(one), TokenTree::Punct(two), names @ ..] = left
        && is_separator(one, two)
    {
        left = names;
    }
    loop {
        match left {
            [TokenTree::Ident(_)] => return Ok(path.into_iter().collect()),
            [TokenTree::Ident(_), TokenTree::Punct(one), TokenTree::Punct(two), names @ ..] if is_separator(one, two) => left = names,
            [TokenTree::Ident(_), wrong, ..] | [wrong, ..] => return Err(wrong.span()),
            [] => return Err(path.last().map_or_else(|| first.span(), TokenTree::span)),
        }
    }
}

fn is_separator(one: &Punct, two: &Punct) -> bool {
    one.as_char() == ':' && one.spacing() == Spacing::Joint && two.as_char() == ':'
}

/// The tokens with `path` in the place of `__anystorage_api`.
fn with_path(tokens: TokenStream, path: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(name) if name.to_string() == "__anystorage_api" => path.clone(),
            TokenTree::Group(group) => TokenTree::from(Group::new(group.delimiter(), with_path(group.stream(), path))).into(),
            other => other.into(),
        })
        .collect()
}

/// A compile error at `at`.
fn refusal(at: Span) -> TokenStream {
    let text = "#[engine] takes no arguments, or where anystorage-api is found: #[engine(crate = anystorage::api)]";
    let text = TokenStream::from(TokenTree::from(Literal::string(text)));
    let tokens: [TokenTree; 3] =
        [Ident::new("compile_error", at).into(), Punct::new('!', Spacing::Alone).into(), Group::new(Delimiter::Brace, text).into()];
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(at);
            token
        })
        .collect()
}
