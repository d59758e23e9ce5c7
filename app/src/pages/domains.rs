//! Domains that services are published under.

mod addresses;
mod certificates;
mod fields;
mod issuance;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;
