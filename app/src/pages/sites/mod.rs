//! The pages of sites.

mod fields;
pub mod list;
pub mod new;
pub mod show;
