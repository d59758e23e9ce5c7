//! The agent protocol: JSON over HTTPS. The agent always opens the connection; the manager never
//! connects to a host.
//!
//! Messages only: this crate must not send, receive or decide anything.

mod certificates;
pub mod endpoints;
mod join;
mod observations;
mod poll;
mod report;

pub use certificates::{CertificateWithKey, CertificatesRequest, CertificatesResponse};
pub use join::{HostDescription, JoinRequest, JoinResponse};
pub use observations::{LeasesReport, LiveFilesUpdate};
pub use poll::{PollRequest, PollResponse};
pub use report::{
    ApplyOutcome, ConfigPart, FailedProbe, ProbedComponent, QuarantinedPart, Report,
    UnservableCertificate,
};
