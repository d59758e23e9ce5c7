//! The input for computing the desired certificates.

use std::collections::BTreeMap;

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, SiteId, Timestamp,
    certificates::{CertificateName, CertificateSource, IssuanceMethod},
    names::Domain,
};

use super::list_published_labels;
use crate::{
    Conn, Error,
    rows::RowRef,
    schema::{certificates, domain_certificate_sources, domains},
};

/// A domain with its certificate source, its published hostnames and its certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCertificates {
    /// The domain.
    pub domain: DomainId,
    /// The site.
    pub site: SiteId,
    /// The name of the domain.
    pub name: Domain,
    /// The certificate source.
    pub certificate_source: CertificateSource,
    /// The hostnames with TLS under the domain.
    pub hosts: Vec<String>,
    /// The certificates in the database.
    pub certificates: Vec<CertificateSchedule>,
}

/// The values of a certificate that the computation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSchedule {
    /// The certificate.
    pub id: CertificateId,
    /// The subject.
    pub subject: CertificateName,
    /// How the certificate was obtained; the domain may have another certificate source by now.
    pub method: IssuanceMethod,
    /// When the certificate is checked next.
    pub next_attempt: Option<Timestamp>,
    /// The end of the validity of the current certificate.
    pub not_after: Option<Timestamp>,
}

impl CertificateSchedule {
    /// Whether the certificate is not renewed: it is checked when it expires, or never.
    pub fn is_dormant(&self) -> bool {
        self.next_attempt.is_none() || self.next_attempt == self.not_after
    }
}

type StoredColumns = (i64, i64, String, String, Option<i64>, Option<i64>);

/// Returns every domain that has certificates or a certificate source. Four statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_domain_certificates(c: &mut Conn) -> Result<Vec<DomainCertificates>, Error> {
    let sources: Vec<(i64, String, Option<i64>)> = domain_certificate_sources::table
        .select((
            domain_certificate_sources::domain_id,
            domain_certificate_sources::source,
            domain_certificate_sources::authority_id,
        ))
        .load(&mut c.0)?;
    let stored: Vec<StoredColumns> = certificates::table
        .order(certificates::id)
        .select((
            certificates::domain_id,
            certificates::id,
            certificates::subject,
            certificates::method,
            certificates::next_attempt_at,
            certificates::not_after,
        ))
        .load(&mut c.0)?;
    let ids: Vec<i64> = sources
        .iter()
        .map(|(id, ..)| *id)
        .chain(stored.iter().map(|(id, ..)| *id))
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<(i64, i64, String)> = domains::table
        .filter(domains::id.eq_any(&ids))
        .order(domains::id)
        .select((domains::id, domains::site_id, domains::name))
        .load(&mut c.0)?;
    let mut labels = list_published_labels(c, &ids)?;
    let mut planned = group_by_domain(stored)?;
    let plans = named.into_iter().map(|(id, site, name)| {
        let row_ref = RowRef::new("domains", &id);
        let name: Domain = row_ref.parse("name", &name)?;
        let source = sources.iter().find(|(domain_id, ..)| *domain_id == id);
        let certificate_source = match source {
            None => CertificateSource::SelfSigned,
            Some((_, word, authority)) => {
                CertificateSource::from_name(word, authority.map(AuthorityId))
                    .ok_or_else(|| row_ref.invalid("source", &"is not a known value"))?
            }
        };
        let labels = labels.remove(&id).unwrap_or_default();
        Ok(DomainCertificates {
            domain: DomainId(id),
            site: SiteId(site),
            hosts: labels
                .iter()
                .map(|label| format!("{label}.{name}"))
                .collect(),
            certificates: planned.remove(&id).unwrap_or_default(),
            name,
            certificate_source,
        })
    });
    plans.collect()
}

fn group_by_domain(
    stored: Vec<StoredColumns>,
) -> Result<BTreeMap<i64, Vec<CertificateSchedule>>, Error> {
    let mut all: BTreeMap<i64, Vec<CertificateSchedule>> = BTreeMap::new();
    for (domain, id, subject, method, next_attempt, not_after) in stored {
        let row_ref = RowRef::new("certificates", &id);
        let planned = CertificateSchedule {
            id: CertificateId(id),
            subject: row_ref.parse("subject", &subject)?,
            method: row_ref.parse("method", &method)?,
            next_attempt: next_attempt.map(Timestamp),
            not_after: not_after.map(Timestamp),
        };
        all.entry(domain).or_default().push(planned);
    }
    Ok(all)
}
