//! Domains that services are published under.

mod addresses;
mod certificates;
mod fields;
mod issuance;
pub mod list;
pub mod new;
pub mod show;
