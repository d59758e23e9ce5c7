//! The pages of sites.

mod fields;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;
