//! The pages of users.

mod fields;
pub mod list;
pub mod new;
pub mod show;
pub mod usage;
