//! The single-page application: pages, components and the server functions' signatures.
//!
//! Compiled twice: with `ssr` into the server, which renders every page with its data, and with
//! `hydrate` into WebAssembly, which hydrates the page and keeps it up to date. It contains no
//! domain rules; those are in `model` (validation) and `control` (use cases).

#![recursion_limit = "256"]

// These modules come first because the generated names of split functions contain the byte
// positions of these files among all files of the crate (`wasm_split_macros`). Behind the pages,
// each change of a page would rename them and recompile most of the crate.
mod extras;
mod routes;

mod browser;
mod clock;
mod components;
mod erase;
mod layout;
mod live;
mod page_context;
mod pages;
mod server_fns;
mod session;
#[cfg(feature = "ssr")]
mod shell;
mod status;

#[cfg(feature = "ssr")]
pub use page_context::SessionCookies;
pub use page_context::{Assets, EventPosition};
pub use pages::sign_in::SignInFailure;
pub use routes::{App, preload};
#[cfg(feature = "ssr")]
pub use shell::shell;
