//! The pages of sites.

mod fields;
mod isolation;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;
