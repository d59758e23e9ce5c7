//! The domains under which sites publish.

mod addresses;
mod certificates;
mod fields;
mod issuance;
pub mod list;
pub mod new;
pub mod show;
