//! Responses to HTTP-01 challenges (RFC 8555, section 8.3), which a site's edge hosts serve while a
//! CA validates a name.

use diesel::prelude::*;
use model::{CertificateId, SiteId, Timestamp};

use crate::{Conn, Error, schema::acme_challenges, sites};

/// The response to one challenge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChallengeResponse {
    /// The challenge token, the last segment of the URL path.
    pub token: String,
    /// The key authorization, which is the response body.
    pub key_authorization: String,
}

/// Inserts or replaces challenge responses of a site. Returns the new generation of the site.
///
/// # Errors
/// [`Error::NotFound`] when the site or the certificate does not exist.
pub fn upsert(
    c: &mut Conn,
    site: SiteId,
    certificate: CertificateId,
    responses: &[ChallengeResponse],
    now: Timestamp,
) -> Result<i64, Error> {
    for ChallengeResponse {
        token,
        key_authorization,
    } in responses
    {
        let existing = acme_challenges::table
            .filter(acme_challenges::site_id.eq(site.0))
            .filter(acme_challenges::token.eq(token));
        diesel::delete(existing).execute(&mut c.0)?;
        diesel::insert_into(acme_challenges::table)
            .values((
                acme_challenges::site_id.eq(site.0),
                acme_challenges::certificate_id.eq(certificate.0),
                acme_challenges::token.eq(token),
                acme_challenges::key_authorization.eq(key_authorization),
                acme_challenges::created_at.eq(now.0),
            ))
            .execute(&mut c.0)
            .map_err(Error::from_insert)?;
    }
    sites::increment_generation(c, site)
}

/// Deletes all challenge responses for a certificate. Returns whether there were any.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_by_certificate(c: &mut Conn, certificate: CertificateId) -> Result<bool, Error> {
    let for_certificate =
        acme_challenges::table.filter(acme_challenges::certificate_id.eq(certificate.0));
    let site: Option<i64> = for_certificate
        .select(acme_challenges::site_id)
        .first(&mut c.0)
        .optional()?;
    let Some(site) = site else { return Ok(false) };
    diesel::delete(for_certificate).execute(&mut c.0)?;
    sites::increment_generation(c, SiteId(site))?;
    Ok(true)
}

/// Returns the challenge responses of a site, ordered by token. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_by_site(c: &mut Conn, site: SiteId) -> Result<Vec<ChallengeResponse>, Error> {
    let rows: Vec<(String, String)> = acme_challenges::table
        .filter(acme_challenges::site_id.eq(site.0))
        .order(acme_challenges::token)
        .select((acme_challenges::token, acme_challenges::key_authorization))
        .load(&mut c.0)?;
    let responses = rows.into_iter();
    Ok(responses
        .map(|(token, key_authorization)| ChallengeResponse {
            token,
            key_authorization,
        })
        .collect())
}
