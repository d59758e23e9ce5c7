//! Paths and limits of the protocol. Every endpoint except [`JOIN`] requires the agent's key as
//! `Authorization: Bearer KEY` and returns 401 if the key is invalid.

/// Join endpoint: [`JoinRequest`](crate::JoinRequest) in, [`JoinResponse`](crate::JoinResponse)
/// out; 401 when the join token is invalid.
pub const JOIN: &str = "/agent/v1/join";
/// Poll endpoint: [`PollRequest`](crate::PollRequest) in, [`PollResponse`](crate::PollResponse)
/// out, or 204 after a timeout without changes.
pub const POLL: &str = "/agent/v1/poll";
/// Report endpoint: [`Report`](crate::Report) in, 204 out.
pub const REPORT: &str = "/agent/v1/report";
/// Live files endpoint: [`LiveFilesUpdate`](crate::LiveFilesUpdate) in, 204 out. For display only.
pub const FILES: &str = "/agent/v1/files";
/// Leases endpoint for the agent of the DHCP server: [`LeasesReport`](crate::LeasesReport) in, 204
/// out.
pub const LEASES: &str = "/agent/v1/leases";
/// Certificates endpoint: [`CertificatesRequest`](crate::CertificatesRequest) in,
/// [`CertificatesResponse`](crate::CertificatesResponse) out. Only certificates of the agent's site
/// are returned.
pub const CERTIFICATES: &str = "/agent/v1/certificates";

/// The maximum size of a reported file, in bytes. Larger files are omitted.
pub const MAX_FILE_SIZE: usize = 2 * 1024 * 1024;
/// The maximum size of all files stored for one agent, in bytes.
pub const MAX_TOTAL_FILE_SIZE: usize = 64 * 1024 * 1024;
/// The maximum number of files stored for one agent.
pub const MAX_FILES: usize = 50_000;
/// The maximum length of a path, in bytes.
pub const MAX_PATH_LEN: usize = 400;
/// The maximum number of certificates per request.
pub const MAX_CERTIFICATES: usize = 50;
