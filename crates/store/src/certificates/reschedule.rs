//! Rescheduling of certificates, because a user requested it or because a setting that they depend
//! on has changed. A dormant certificate, for which nothing is published, is checked only when it
//! expires: see [`super::CertificateSchedule::is_dormant`].

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, ProviderId, Timestamp,
    certificates::IssuanceMethod,
    permissions::{AuthorityManage, CertificateManage, Permit},
};

use super::{revoke_lease, schedule};
use crate::{
    Conn, Error,
    lease::released,
    schema::{certificates, domain_certificate_sources},
};

/// The certificates that a change applies to.
#[derive(Clone, Copy, Debug)]
pub enum CertificateScope {
    /// The certificates of a domain.
    Domain(DomainId),
    /// The certificates of all domains that use a CA.
    CertificateAuthority(AuthorityId),
    /// The certificates of all domains that use a DNS provider.
    DnsProvider(ProviderId),
}

impl CertificateScope {
    fn domain_ids(self, c: &mut Conn) -> Result<Vec<i64>, Error> {
        let sources =
            domain_certificate_sources::table.select(domain_certificate_sources::domain_id);
        Ok(match self {
            Self::Domain(id) => vec![id.0],
            Self::CertificateAuthority(id) => sources
                .filter(domain_certificate_sources::authority_id.eq(id.0))
                .load(&mut c.0)?,
            Self::DnsProvider(id) => sources
                .filter(domain_certificate_sources::provider_id.eq(id.0))
                .load(&mut c.0)?,
        })
    }
}

/// Sets the next attempt of a certificate to `at`, if that is earlier than planned.
///
/// # Errors
/// When the database is unavailable.
pub fn advance_attempt(
    c: &mut Conn,
    _: Permit<CertificateManage>,
    id: CertificateId,
    at: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .filter(
            certificates::next_attempt_at
                .is_null()
                .or(certificates::next_attempt_at.gt(at.0)),
        )
        .set(certificates::next_attempt_at.eq(at.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Schedules the renewal of a certificate immediately, and ends the lease of the process that works
/// on it.
///
/// # Errors
/// When the database is unavailable.
pub fn renew_now(
    c: &mut Conn,
    permit: Permit<CertificateManage>,
    id: CertificateId,
    now: Timestamp,
) -> Result<(), Error> {
    revoke_lease(c, permit, id)?;
    schedule(c, id, Some(now), Some(now))
}

/// Switches a dormant or uploaded certificate back to ACME, due immediately.
///
/// # Errors
/// When the database is unavailable.
pub fn switch_to_acme(c: &mut Conn, id: CertificateId, now: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::method.eq(IssuanceMethod::Acme.as_str()),
            certificates::next_attempt_at.eq(now.0),
            certificates::failures.eq(0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Revokes the leases of certificates after a change of their certificate source, so that the
/// outcome of a running issuance is discarded. The certificates are due and are claimed again.
///
/// # Errors
/// When the database is unavailable.
pub fn revoke_leases(
    c: &mut Conn,
    _: Permit<CertificateManage>,
    scope: CertificateScope,
) -> Result<(), Error> {
    let domains = scope.domain_ids(c)?;
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq_any(domains))
        .filter(certificates::lease_owner.is_not_null())
        .set(released!(certificates))
        .execute(&mut c.0)?;
    Ok(())
}

/// Makes certificates whose last attempt failed due now, because the cause may be fixed.
///
/// # Errors
/// When the database is unavailable.
pub fn retry_failed(
    c: &mut Conn,
    _: Permit<CertificateManage>,
    scope: CertificateScope,
    now: Timestamp,
) -> Result<(), Error> {
    let domains = scope.domain_ids(c)?;
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq_any(domains))
        .filter(certificates::method.eq(IssuanceMethod::Acme.as_str()))
        .filter(certificates::failures.gt(0))
        .set((
            certificates::next_attempt_at.eq(now.0),
            certificates::failures.eq(0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Makes the certificates of a domain that were issued by another CA due for renewal now.
///
/// # Errors
/// When the database is unavailable.
pub fn schedule_replacement(
    c: &mut Conn,
    _: Permit<CertificateManage>,
    domain: DomainId,
    authority: AuthorityId,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table)
        .filter(certificates::domain_id.eq(domain.0))
        .filter(certificates::method.eq(IssuanceMethod::Acme.as_str()))
        .filter(certificates::details.is_not_null())
        .filter(
            certificates::authority_id
                .is_null()
                .or(certificates::authority_id.ne(authority.0)),
        )
        .filter(certificates::next_attempt_at.ne(certificates::not_after))
        .set((
            certificates::renew_at.eq(now.0),
            certificates::next_attempt_at.eq(now.0),
            certificates::failures.eq(0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Detaches all certificates from a CA whose directory has changed, and makes them due for renewal
/// now.
///
/// # Errors
/// When the database is unavailable.
pub fn detach_from_ca(
    c: &mut Conn,
    _: Permit<AuthorityManage>,
    authority: AuthorityId,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table)
        .filter(certificates::authority_id.eq(authority.0))
        .filter(certificates::next_attempt_at.ne(certificates::not_after))
        .set((
            certificates::renew_at.eq(now.0),
            certificates::next_attempt_at.eq(now.0),
        ))
        .execute(&mut c.0)?;
    diesel::update(certificates::table)
        .filter(certificates::authority_id.eq(authority.0))
        .set(certificates::authority_id.eq(None::<i64>))
        .execute(&mut c.0)?;
    Ok(())
}
