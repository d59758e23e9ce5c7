//! The roles that a host can have.

pub mod edge;

use crate::core::Role;

/// All roles. A host without the programs of a role cannot join yet.
pub const ALL: [&dyn Role; 1] = [&edge::Edge];
