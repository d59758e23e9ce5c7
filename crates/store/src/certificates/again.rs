//! Certificates that are tried sooner than they would be, because somebody wants them to be or
//! because what they depend on has changed. One that rests, since nothing is published under its
//! name, is looked at when it ends and not before: see [`super::Planned::rests`].

use diesel::prelude::*;
use model::{AuthorityId, CertificateId, DomainId, ProviderId, Timestamp, certificates::Source};

use crate::{
    Conn, Error,
    schema::{certificates, domain_issuance},
};

/// Whose certificates are meant.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// Those of a domain.
    Domain(DomainId),
    /// Those of all domains that have theirs from an authority.
    Authority(AuthorityId),
    /// Those of all domains whose records a provider keeps.
    Provider(ProviderId),
}

impl Of {
    fn domains(self, c: &mut Conn) -> Result<Vec<i64>, Error> {
        let ways = domain_issuance::table.select(domain_issuance::domain_id);
        Ok(match self {
            Self::Domain(id) => vec![id.0],
            Self::Authority(id) => ways
                .filter(domain_issuance::authority_id.eq(id.0))
                .load(&mut c.0)?,
            Self::Provider(id) => ways
                .filter(domain_issuance::provider_id.eq(id.0))
                .load(&mut c.0)?,
        })
    }
}

/// Has a certificate tried at a moment, when that is sooner than it would be.
///
/// # Errors
/// When the database does not answer.
pub fn try_at(c: &mut Conn, id: CertificateId, at: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .filter(
            certificates::next_try
                .is_null()
                .or(certificates::next_try.gt(at.0)),
        )
        .set(certificates::next_try.eq(at.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has a certificate that rested, or that somebody brought, be had from an authority again.
///
/// # Errors
/// When the database does not answer.
pub fn want_again(c: &mut Conn, id: CertificateId, now: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::source.eq(Source::Acme.as_str()),
            certificates::next_try.eq(now.0),
            certificates::failures.eq(0),
            certificates::trouble.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Takes those that are worked on from whoever does: what they are had by is another from now on, and
/// what comes of the old is noted no more. They are due, and are taken up again at once.
///
/// # Errors
/// When the database does not answer.
pub fn interrupt(c: &mut Conn, of: Of) -> Result<(), Error> {
    let domains = of.domains(c)?;
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq_any(domains))
        .filter(certificates::lease_owner.is_not_null())
        .set((
            certificates::lease_owner.eq(None::<String>),
            certificates::lease_until.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has those that were tried in vain be tried now: what was in the way may be so no more.
///
/// # Errors
/// When the database does not answer.
pub fn retry(c: &mut Conn, of: Of, now: Timestamp) -> Result<(), Error> {
    let domains = of.domains(c)?;
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq_any(domains))
        .filter(certificates::source.eq(Source::Acme.as_str()))
        .filter(certificates::failures.gt(0))
        .set((
            certificates::next_try.eq(now.0),
            certificates::failures.eq(0),
            certificates::trouble.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has those of a domain that another than this authority gave be replaced now.
///
/// # Errors
/// When the database does not answer.
pub fn replace(
    c: &mut Conn,
    domain: DomainId,
    authority: AuthorityId,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq(domain.0))
        .filter(certificates::source.eq(Source::Acme.as_str()))
        .filter(certificates::issued.is_not_null())
        .filter(
            certificates::authority_id
                .is_null()
                .or(certificates::authority_id.ne(authority.0)),
        )
        .filter(certificates::next_try.ne(certificates::not_after))
        .set((
            certificates::renew_at.eq(now.0),
            certificates::next_try.eq(now.0),
            certificates::failures.eq(0),
            certificates::trouble.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that an authority is another one from now on: what it gave is somebody else's, and is
/// replaced now.
///
/// # Errors
/// When the database does not answer.
pub fn given_elsewhere(c: &mut Conn, authority: AuthorityId, now: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table)
        .filter(certificates::authority_id.eq(authority.0))
        .filter(certificates::next_try.ne(certificates::not_after))
        .set((
            certificates::renew_at.eq(now.0),
            certificates::next_try.eq(now.0),
        ))
        .execute(&mut c.0)?;
    diesel::update(certificates::table)
        .filter(certificates::authority_id.eq(authority.0))
        .set(certificates::authority_id.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(())
}
