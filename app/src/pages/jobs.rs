//! The pages of jobs.

pub mod list;
pub mod show;
