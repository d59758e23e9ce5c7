//! The single-page application: pages, components and the server functions' signatures.
//!
//! Compiled twice: with `ssr` into the server, which sends every page with its data; with `hydrate`
//! into WebAssembly, which takes the page over and keeps it live. It holds no rule of the domain:
//! those are in `model` (what is valid) and `control` (what happens).

#![recursion_limit = "256"]

// First: the names of what is split off contain the byte positions of these files among all files of
// the crate (`wasm_split_macros`). Behind the pages, each change of a page would rename them, and most
// of the crate would be compiled again.
mod extras;
mod routes;

mod api;
mod browser;
mod clock;
mod components;
mod layout;
mod live;
mod pages;
mod session;
mod shell;
mod solid;
mod status;

#[cfg(feature = "ssr")]
pub use api::status as http_status;
pub use pages::sign_in::SignInFailure;
pub use routes::{App, preload};
#[cfg(feature = "ssr")]
pub use shell::shell;
pub use shell::{Assets, Place};
