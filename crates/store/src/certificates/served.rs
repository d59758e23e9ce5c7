//! Certificates as a site's edge hosts need them.

use diesel::prelude::*;
use model::{
    AuthorityId, DomainId, SiteId, Timestamp,
    certificates::{CertificateName, Issued, Source},
    clusters::Fingerprint,
};

use super::sealed;
use crate::{
    Conn, Error, SecretKey,
    rows::Place,
    schema::{certificates, domains},
};

/// A certificate that edge hosts can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its domain.
    pub domain: DomainId,
    /// Where it comes from.
    pub source: Source,
    /// Who gave it; none for nobody whom Holdfast knows.
    pub authority: Option<AuthorityId>,
    /// What it is for.
    pub names: Vec<CertificateName>,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// Its SHA-256, by which edge hosts ask for it.
    pub fingerprint: Fingerprint,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Pair {
    /// It and those that vouch for it, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: String,
}

/// The certificates that there are of a site's domains. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_site(c: &mut Conn, site: SiteId) -> Result<Vec<Served>, Error> {
    type Found = (i64, i64, String, Option<i64>, String);
    let found: Vec<Found> = certificates::table
        .inner_join(domains::table)
        .filter(domains::site_id.eq(site.0))
        .filter(certificates::issued.is_not_null())
        .order(certificates::id)
        .select((
            certificates::id,
            certificates::domain_id,
            certificates::source,
            certificates::authority_id,
            certificates::issued.assume_not_null(),
        ))
        .load(&mut c.0)?;
    let served = found
        .into_iter()
        .map(|(id, domain, source, authority, issued)| {
            let place = Place::new("certificates", &id);
            let issued: Issued = place.json("issued", &issued)?;
            Ok(Served {
                domain: DomainId(domain),
                source: place.text("source", &source)?,
                authority: authority.map(AuthorityId),
                names: issued.names,
                not_after: issued.not_after,
                fingerprint: issued.fingerprint,
            })
        });
    served.collect()
}

/// A certificate of one of a site's domains with its key; none when the site has no such. One
/// statement.
///
/// # Errors
/// When the database does not answer, or the key does not open.
pub fn pair(
    c: &mut Conn,
    key: &SecretKey,
    site: SiteId,
    fingerprint: &Fingerprint,
) -> Result<Option<Pair>, Error> {
    let found: Option<(Option<String>, Option<String>)> = certificates::table
        .inner_join(domains::table)
        .filter(domains::site_id.eq(site.0))
        .filter(certificates::fingerprint.eq(fingerprint.as_str()))
        .select((certificates::chain, certificates::secret))
        .first(&mut c.0)
        .optional()?;
    let Some((Some(chain), Some(secret))) = found else {
        return Ok(None);
    };
    let key = key.open(&sealed(fingerprint.as_str()), &secret)?;
    Ok(Some(Pair { chain, key }))
}
