//! Errors of applying files.

use std::io;

use super::{disk::DiskError, refusal::Refusal};

/// Why a tree could not be applied. The live files are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A program could not be run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The files could not be rendered.
    #[error("The files could not be rendered: {0}")]
    Render(Box<dyn std::error::Error + Send + Sync>),
    /// A file operation was canceled.
    #[error("A file operation was canceled.")]
    Canceled,
}

/// Why an operation on a program failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The program or systemctl could not be run, or timed out.
    #[error("{name} could not be run: {source}")]
    Run {
        /// The program.
        name: &'static str,
        /// The I/O error.
        source: io::Error,
    },
    /// The program refused.
    #[error("{name}: {message}")]
    Failed {
        /// The program.
        name: &'static str,
        /// The program's message.
        message: String,
    },
}

/// Why a check did not pass.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The program refused the candidate.
    #[error("{} refuses the configuration: {}", .0.program, .0.message)]
    Refused(Refusal),
    /// The program could not be run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The candidate could not be written.
    #[error(transparent)]
    Candidate(Box<Error>),
}

impl CheckError {
    /// An error that occurred before a candidate could be checked.
    pub(crate) fn candidate(error: impl Into<Error>) -> Self {
        Self::Candidate(Box::new(error.into()))
    }

    /// The refusal, or the error if the check could not be run.
    pub(crate) fn into_refusal(self) -> Result<Refusal, Error> {
        match self {
            Self::Refused(refusal) => Ok(refusal),
            Self::Program(error) => Err(error.into()),
            Self::Candidate(error) => Err(*error),
        }
    }
}
