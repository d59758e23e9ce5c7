//! The query and the result of the list of certificates.

use serde::{Deserialize, Serialize};

use super::CertificateRow;
use crate::page::Page;

/// The value of [`CertificateQuery::state`] for certificates that need attention.
pub const ALARMING: &str = "alarming";

/// Search and filter of the list of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateQuery {
    /// A substring of the hostname, domain, site or issuer; empty matches all.
    pub q: String,
    /// A state, or [`ALARMING`]; empty matches all.
    pub state: String,
    /// The page's number, from 1.
    pub page: u32,
}

/// A page of certificates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateList {
    /// The certificates that match the query.
    pub page: Page<CertificateRow>,
    /// The first certificates that need attention, regardless of the query.
    pub alarming: Vec<CertificateRow>,
    /// The number of certificates that need attention.
    pub attention_count: usize,
    /// The number of certificates, regardless of the query.
    pub total: usize,
}
