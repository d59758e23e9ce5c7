//! The server from outside: its router called in this process on a database of its own, and the
//! real program started in an empty folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod access;
mod agents;
mod assets;
mod config;
mod csrf;
mod demo_edge;
mod events;
mod headers;
mod health;
mod latency;
mod memory;
mod process;
mod server_fns;
mod sign_in;
mod sign_in_link;
mod simulator;
mod support;
mod survival;
mod tls;
