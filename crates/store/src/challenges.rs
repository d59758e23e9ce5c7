//! What a site's edge hosts answer an authority that asks whose a name is (HTTP-01, RFC 8555,
//! section 8.3), while it asks.

use diesel::prelude::*;
use model::{CertificateId, SiteId, Timestamp};

use crate::{Conn, Error, schema::challenges, sites};

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// The last part of the address at which it is asked for.
    pub token: String,
    /// What is said there.
    pub answer: String,
}

/// Has a site's edge hosts give these answers; the site's generation from then on.
///
/// # Errors
/// [`Error::NotFound`] when the site or the certificate is gone.
pub fn put(
    c: &mut Conn,
    site: SiteId,
    certificate: CertificateId,
    answers: &[Answer],
    now: Timestamp,
) -> Result<i64, Error> {
    for Answer { token, answer } in answers {
        let same = challenges::table
            .filter(challenges::site_id.eq(site.0))
            .filter(challenges::token.eq(token));
        diesel::delete(same).execute(&mut c.0)?;
        diesel::insert_into(challenges::table)
            .values((
                challenges::site_id.eq(site.0),
                challenges::certificate_id.eq(certificate.0),
                challenges::token.eq(token),
                challenges::answer.eq(answer),
                challenges::created_at.eq(now.0),
            ))
            .execute(&mut c.0)
            .map_err(Error::of_insert)?;
    }
    sites::bump(c, site)
}

/// Takes away all answers for a certificate; whether there were any.
///
/// # Errors
/// When the database does not answer.
pub fn take_away(c: &mut Conn, certificate: CertificateId) -> Result<bool, Error> {
    let of = challenges::table.filter(challenges::certificate_id.eq(certificate.0));
    let site: Option<i64> = of.select(challenges::site_id).first(&mut c.0).optional()?;
    let Some(site) = site else { return Ok(false) };
    diesel::delete(of).execute(&mut c.0)?;
    sites::bump(c, SiteId(site))?;
    Ok(true)
}

/// The answers of a site's edge hosts, in the order of their tokens. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_site(c: &mut Conn, site: SiteId) -> Result<Vec<Answer>, Error> {
    let found: Vec<(String, String)> = challenges::table
        .filter(challenges::site_id.eq(site.0))
        .order(challenges::token)
        .select((challenges::token, challenges::answer))
        .load(&mut c.0)?;
    let answers = found.into_iter();
    Ok(answers
        .map(|(token, answer)| Answer { token, answer })
        .collect())
}
