//! The pages of people's accounts.

mod fields;
pub mod list;
pub mod new;
pub mod show;
