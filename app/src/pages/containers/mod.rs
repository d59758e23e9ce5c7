//! Containers.
pub mod list;
pub mod new;
pub mod show;
