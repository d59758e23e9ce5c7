//! The domains under which sites publish.

mod fields;
pub mod list;
pub mod new;
pub mod show;
