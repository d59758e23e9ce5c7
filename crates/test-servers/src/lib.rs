//! What tests need of the machine beside themselves: throwaway database servers, authorities that
//! give certificates, name servers, hosts of their own, and files that are not part of the project.
//! Nothing but tests may use this.

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
