//! What an edge host does with the files that it is given: has the real programs check them, puts
//! them live in one step, makes the programs read them, and goes back when that fails.
//!
//! What applies a site ([`apply`]) knows no network and no manager: a snapshot comes in, what became
//! of it goes out. Only [`link`] speaks with the manager. Nothing depends on the time of day.

pub mod apply;
pub mod aside;
pub mod certificate;
pub mod check;
mod disk;
pub mod found;
pub mod generations;
pub mod leases;
pub mod link;
mod live;
mod memory;
pub mod probe;
mod process;
pub mod programs;
pub mod serve;
pub mod settings;
mod staged;
pub mod steps;
mod teller;
pub mod units;

pub use apply::{Applier, Error, Outcome, Published};
pub use aside::Aside;
pub use check::{CheckError, Checker, Refusal};
pub use disk::{DiskError, Files};
pub use generations::Generations;
pub use link::{Link, LinkError};
pub use programs::{Control, Name, Program, ProgramError};
pub use settings::{Settings, SettingsError};
pub use steps::Steps;
