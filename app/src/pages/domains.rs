//! Domains that services are published under.

mod addresses;
mod certificate_source;
mod certificates;
mod fields;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;
