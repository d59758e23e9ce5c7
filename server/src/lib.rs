//! The program `holdfastd`: command line, configuration and web server. It wires the other crates
//! together and serves HTTP; it contains no domain logic.

mod agents;
pub mod assets;
pub mod cli;
mod client_addr;
pub mod config;
mod csrf;
pub mod demo;
pub mod events;
mod exit_error;
mod headers;
mod health;
mod host_header;
mod listener;
mod log;
mod loopback;
mod output;
mod render;
pub mod router;
pub mod serve;
mod session;
mod sign_in;
pub mod state;
pub mod streams;
mod tls;
mod user;
mod welcome;

pub use exit_error::ExitError;
