//! Certificate parsing and validation, and an ACME client (RFC 8555).
//!
//! The crate parses certificates, checks what browsers require of them, and speaks the ACME
//! protocol. It makes no policy decisions: which names get a certificate, when to renew, when to
//! retry, and what to store belong to the caller. It must not know the database or sites; challenge
//! responses are published by the caller's [`acme::Solver`].

pub mod acme;
mod chain;
mod check;
mod key;
mod leaf;
mod text;

pub use check::{CertificatePair, validate_upload};
pub use leaf::{ParseError, ParsedCertificate, RenewalId, read};
