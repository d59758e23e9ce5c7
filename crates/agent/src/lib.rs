//! The agent on a host: receives a configuration from the manager, applies it and reports.
//!
//! [`core`] polls and reports, and applies files: it checks them, makes them live in one step,
//! reloads programs and rolls back on failure. It must not know any role. [`roles`] contains what a
//! host can be; each role renders and checks its own files. Nothing depends on the wall clock.

pub mod core;
pub mod roles;
