//! Certificates for the edge hosts of a site.

use diesel::prelude::*;
use model::{
    AuthorityId, DomainId, SiteId, Timestamp,
    certificates::{CertificateContents, CertificateName, IssuanceMethod},
    fingerprint::Fingerprint,
};

use super::secret_context;
use crate::{
    Conn, Error, SecretKey,
    rows::RowRef,
    schema::{certificates, domains},
};

/// An issued or uploaded certificate, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The domain.
    pub domain: DomainId,
    /// How the certificate was obtained.
    pub method: IssuanceMethod,
    /// The CA that issued the certificate; `None` for an upload or a deleted CA.
    pub authority: Option<AuthorityId>,
    /// The names in the certificate.
    pub names: Vec<CertificateName>,
    /// The end of the validity.
    pub not_after: Timestamp,
    /// The SHA-256 fingerprint, by which edge hosts request the certificate.
    pub fingerprint: Fingerprint,
}

/// A certificate chain with its key.
#[derive(Clone)]
pub struct CertificateWithKey {
    /// The certificate and its intermediate certificates, in PEM.
    pub chain: String,
    /// The private key, in PEM.
    pub key: String,
}

/// Returns the issued and uploaded certificates of a site's domains. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_issued_by_site(c: &mut Conn, site: SiteId) -> Result<Vec<IssuedCertificate>, Error> {
    type IssuedColumns = (i64, i64, String, Option<i64>, String);
    let rows: Vec<IssuedColumns> = certificates::table
        .inner_join(domains::table)
        .filter(domains::site_id.eq(site.0))
        .filter(certificates::details.is_not_null())
        .order(certificates::id)
        .select((
            certificates::id,
            certificates::domain_id,
            certificates::method,
            certificates::authority_id,
            certificates::details.assume_not_null(),
        ))
        .load(&mut c.0)?;
    let served = rows
        .into_iter()
        .map(|(id, domain, method, authority, issued)| {
            let row_ref = RowRef::new("certificates", &id);
            let issued: CertificateContents = row_ref.parse_json("details", &issued)?;
            Ok(IssuedCertificate {
                domain: DomainId(domain),
                method: row_ref.parse("method", &method)?,
                authority: authority.map(AuthorityId),
                names: issued.names,
                not_after: issued.not_after,
                fingerprint: issued.fingerprint,
            })
        });
    served.collect()
}

/// Returns the certificate with this fingerprint and its key, if it belongs to a domain of the
/// site. One statement.
///
/// # Errors
/// When the database is unavailable, or the key does not decrypt.
pub fn get_with_key(
    c: &mut Conn,
    key: &SecretKey,
    site: SiteId,
    fingerprint: &Fingerprint,
) -> Result<Option<CertificateWithKey>, Error> {
    let row: Option<(Option<String>, Option<String>)> = certificates::table
        .inner_join(domains::table)
        .filter(domains::site_id.eq(site.0))
        .filter(certificates::fingerprint.eq(fingerprint.as_str()))
        .select((certificates::chain, certificates::private_key))
        .first(&mut c.0)
        .optional()?;
    let Some((Some(chain), Some(secret))) = row else {
        return Ok(None);
    };
    let key = key.open(&secret_context(fingerprint.as_str()), &secret)?;
    Ok(Some(CertificateWithKey { chain, key }))
}
