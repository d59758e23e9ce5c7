//! What every agent does, whatever the roles of its host.
//!
//! [`apply`] must not use the network or know the manager: it takes a configuration and returns the
//! outcome. Only [`manager_http`] communicates with the manager.

pub mod apply;
pub mod capabilities;
pub mod disk;
pub mod error;
pub mod generations;
pub mod host_facts;
pub(crate) mod live_files;
pub mod manager_client;
pub mod manager_http;
pub mod pace;
pub(crate) mod process;
pub mod program;
pub mod quarantine;
pub mod refusal;
pub mod role;
mod saved_state;
pub mod serve;
pub mod settings;
pub mod steps;
pub mod subsystem;
pub mod units;

pub use apply::{Applier, Outcome, PublishOutcome};
pub use disk::{DiskError, Files};
pub use error::{CheckError, Error, ProgramError};
pub use generations::Generations;
pub use manager_http::{ManagerHttp, ManagerHttpError};
pub use program::{Program, ServiceManager};
pub use quarantine::QuarantinedPart;
pub use refusal::Refusal;
pub use role::{Role, RoleError, RunningRole};
pub use settings::{Settings, SettingsError};
pub use steps::Steps;
pub use subsystem::{Parts, RenderedTree, Subsystem};
