//! Applies a site configuration to an edge host: checks the rendered files with the real programs,
//! makes them live in one step, reloads nginx and dnsmasq, and rolls back when that fails.
//!
//! [`apply`] must not use the network or know the manager: it takes a site configuration and
//! returns the outcome. Only [`link`] communicates with the manager. Nothing depends on the wall
//! clock.

pub mod apply;
pub mod certificate;
mod certificate_store;
pub mod check;
mod disk;
pub mod generations;
pub mod host_facts;
pub mod leases;
pub mod link;
mod live;
mod manager_client;
pub mod probe;
mod process;
pub mod programs;
pub mod quarantine;
mod saved_state;
pub mod serve;
pub mod settings;
pub mod steps;
pub mod units;

pub use apply::{Applier, Error, Outcome, Published};
pub use check::{CheckError, Checker, Refusal};
pub use disk::{DiskError, Files};
pub use generations::Generations;
pub use link::{Link, LinkError};
pub use programs::{Control, Name, Program, ProgramError};
pub use quarantine::QuarantinedService;
pub use settings::{Settings, SettingsError};
pub use steps::Steps;
