//! Certificates that domains have or should have, with their keys (encrypted) and their history.
//! Moments are told by the caller, so that all of one decision is of one moment. Must not know when
//! a certificate should be renewed, or how one is had.

mod again;
mod claims;
mod list;
mod plans;
mod served;

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, Timestamp,
    certificates::{CertificateName, Happening, Issued, Source},
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, to_json},
    schema::{certificate_history, certificates, domains},
    sites,
};

pub use again::{Of, given_elsewhere, interrupt, replace, retry, try_at, want_again};
pub use claims::{
    Claimed, claim, failed, keep, looked_after, next_due, owner, put_off, release, take_from,
};
pub(crate) use list::published;
pub use list::{by_id, history, list, standings};
pub use plans::{Plan, Planned, plans};
pub use served::{Pair, Served, of_site, pair};

/// The longest line of a history, in characters.
const LONGEST: usize = 4000;
/// How many lines of a history are kept.
const KEPT: i64 = 200;

/// A certificate that was given or brought.
#[derive(Clone, Debug)]
pub struct NewCertificate {
    /// Where it comes from.
    pub source: Source,
    /// Who gave it; none where somebody brought it.
    pub authority: Option<AuthorityId>,
    /// What is known of it.
    pub issued: Issued,
    /// It and those that vouch for it, in PEM.
    pub chain: String,
    /// When the next is had; none where people bring it.
    pub renew_at: Option<Timestamp>,
    /// When it is looked after next.
    pub next_try: Option<Timestamp>,
}

/// Notes that a domain should have a certificate for a name, unless it does already. It is had as
/// soon as may be.
///
/// # Errors
/// [`Error::NotFound`] when the domain is gone.
pub fn want(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::insert_into(certificates::table)
        .values((
            certificates::domain_id.eq(domain.0),
            certificates::subject.eq(subject.as_str()),
            certificates::source.eq(Source::Acme.as_str()),
            certificates::next_try.eq(now.0),
            certificates::failures.eq(0),
            certificates::created_at.eq(now.0),
        ))
        .execute(&mut c.0)
        .map(drop)
        .map_err(Error::of_insert)
}

/// Keeps a certificate and its key under its subject: from now on the edge hosts of its domain's
/// site serve it.
///
/// # Errors
/// [`Error::NotFound`] when the domain is gone.
pub fn put(
    c: &mut Conn,
    key: &SecretKey,
    (domain, subject): (DomainId, &CertificateName),
    new: &NewCertificate,
    secret: &str,
    now: Timestamp,
) -> Result<CertificateId, Error> {
    let id = match id_of(c, domain, subject)? {
        Some(id) => id,
        None => {
            want(c, domain, subject, now)?;
            CertificateId(dialect::inserted_id(&mut c.0)?)
        }
    };
    let print = &new.issued.fingerprint;
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::source.eq(new.source.as_str()),
            certificates::authority_id.eq(new.authority.map(|id| id.0)),
            certificates::fingerprint.eq(print.as_str()),
            certificates::not_after.eq(new.issued.not_after.0),
            certificates::issued.eq(to_json(&new.issued)?),
            certificates::chain.eq(&new.chain),
            certificates::secret.eq(key.seal(&sealed(print.as_str()), secret)?),
            certificates::renew_at.eq(new.renew_at.map(|at| at.0)),
            certificates::next_try.eq(new.next_try.map(|at| at.0)),
            certificates::failures.eq(0),
            certificates::trouble.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    changed(c, domain)?;
    Ok(id)
}

/// Deletes a certificate with its key and history.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete(c: &mut Conn, id: CertificateId) -> Result<(), Error> {
    let domain: Option<i64> = certificates::table
        .find(id.0)
        .select(certificates::domain_id)
        .first(&mut c.0)
        .optional()?;
    rows::one(diesel::delete(certificates::table.find(id.0)).execute(&mut c.0)?)?;
    match domain {
        Some(domain) => changed(c, DomainId(domain)),
        None => Ok(()),
    }
}

/// Writes a line of a certificate's history.
///
/// # Errors
/// [`Error::NotFound`] when the certificate is gone.
pub fn note(
    c: &mut Conn,
    id: CertificateId,
    what: Happening,
    words: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let words: String = words.chars().take(LONGEST).collect();
    diesel::insert_into(certificate_history::table)
        .values((
            certificate_history::certificate_id.eq(id.0),
            certificate_history::at.eq(now.0),
            certificate_history::what.eq(what.as_str()),
            certificate_history::words.eq(words),
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    let oldest: Option<i64> = certificate_history::table
        .filter(certificate_history::certificate_id.eq(id.0))
        .order(certificate_history::id.desc())
        .offset(KEPT)
        .select(certificate_history::id)
        .first(&mut c.0)
        .optional()?;
    if let Some(oldest) = oldest {
        let old = certificate_history::table
            .filter(certificate_history::certificate_id.eq(id.0))
            .filter(certificate_history::id.le(oldest));
        diesel::delete(old).execute(&mut c.0)?;
    }
    Ok(())
}

/// The chain of a certificate that an authority gave which is still known, and that authority.
///
/// # Errors
/// When the database does not answer.
pub fn given(c: &mut Conn, id: CertificateId) -> Result<Option<(AuthorityId, String)>, Error> {
    let found: Option<(Option<i64>, Option<String>)> = certificates::table
        .find(id.0)
        .select((certificates::authority_id, certificates::chain))
        .first(&mut c.0)
        .optional()?;
    let given = found.and_then(|(authority, chain)| authority.zip(chain));
    Ok(given.map(|(authority, chain)| (AuthorityId(authority), chain)))
}

fn id_of(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
) -> Result<Option<CertificateId>, Error> {
    let found: Option<i64> = certificates::table
        .filter(certificates::domain_id.eq(domain.0))
        .filter(certificates::subject.eq(subject.as_str()))
        .select(certificates::id)
        .first(&mut c.0)
        .optional()?;
    Ok(found.map(CertificateId))
}

/// Notes that the edge hosts of a domain's site have something new to know of it.
fn changed(c: &mut Conn, domain: DomainId) -> Result<(), Error> {
    let site: Option<i64> = domains::table
        .find(domain.0)
        .select(domains::site_id)
        .first(&mut c.0)
        .optional()?;
    let Some(site) = site else {
        return Ok(());
    };
    let generation = sites::bump(c, model::SiteId(site))?;
    diesel::update(domains::table.find(domain.0))
        .set(domains::generation.eq(generation))
        .execute(&mut c.0)?;
    Ok(())
}

/// Where a key is kept: it is bound to its certificate.
fn sealed(fingerprint: &str) -> String {
    format!("certificates.secret:{fingerprint}")
}
