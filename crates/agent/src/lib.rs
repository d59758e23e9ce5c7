//! What an edge host does with the files that it is given: has the real programs check them, puts
//! them live in one step, makes the programs read them, and goes back when that fails.
//!
//! No network and no manager in here: a rendered tree or a snapshot comes in, what became of it
//! goes out. Nothing depends on the time of day.

pub mod apply;
pub mod aside;
pub mod check;
mod disk;
pub mod generations;
mod process;
pub mod programs;
pub mod steps;

pub use apply::{Applier, Error, Outcome, Published};
pub use aside::Aside;
pub use check::{CheckError, Checker, Refusal};
pub use disk::{DiskError, Files};
pub use generations::Generations;
pub use programs::{Control, Name, Program, ProgramError};
pub use steps::Steps;
