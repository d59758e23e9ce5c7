//! External servers and files for tests: temporary database servers, certificate authorities, name
//! servers, network namespaces, and reference files that are not part of the project. Only tests
//! may use this crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that has no server or host fails by panicking"
)]

#[cfg(feature = "authorities")]
pub mod authority;
#[cfg(feature = "databases")]
mod databases;
#[cfg(feature = "databases")]
pub use databases::{Server, mariadb, postgres};
#[cfg(feature = "hosts")]
pub mod host;
#[cfg(feature = "names")]
pub mod names;
pub mod reference;
mod report;
pub use report::{not_checked, report};
