//! Tests of the server: the router in this process with a temporary database, and the real program
//! started in an empty directory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod access;
mod account;
mod agents;
mod assets;
mod body_limits;
mod concurrent_start;
mod config;
mod crash_recovery;
mod csrf;
mod demo_app;
mod demo_edge;
mod events;
mod headers;
mod health;
mod latency;
mod memory;
mod process;
mod routes;
mod server_fns;
mod sign_in;
mod sign_in_link;
mod simulator;
mod support;
mod tabs;
mod tls;
