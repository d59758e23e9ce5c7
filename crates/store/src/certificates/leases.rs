//! Leases of certificates and the time of their next attempt.

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, Timestamp,
    certificates::{AttemptFailure, CertificateContents, CertificateName, IssuanceMethod},
    permissions::{CertificateManage, Permit},
};

use crate::{
    Conn, Error,
    lease::{claim_first, held_for, is_free, is_held, next_due_in_ms, released},
    rows::{RowRef, to_json, to_u32},
    schema::certificates,
};

/// A claimed certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedCertificate {
    /// The certificate.
    pub id: CertificateId,
    /// The domain.
    pub domain: DomainId,
    /// The subject: a hostname, a domain or a wildcard.
    pub subject: CertificateName,
    /// Decides whether the claim is for an attempt or for a check of the expiry.
    pub method: IssuanceMethod,
    /// The CA that issued the current certificate; `None` for an upload or a deleted CA.
    pub authority: Option<AuthorityId>,
    /// The validity of the current certificate: not before, not after.
    pub validity: Option<(Timestamp, Timestamp)>,
    /// The current certificate and its intermediate certificates, in PEM.
    pub chain: Option<String>,
    /// When the certificate is renewed.
    pub renew_at: Option<Timestamp>,
    /// The number of consecutive failed attempts.
    pub failures: u32,
    /// Whether the first order of the certificate was counted.
    pub is_ordered: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificates)]
struct Row {
    id: i64,
    domain_id: i64,
    subject: String,
    method: String,
    authority_id: Option<i64>,
    details: Option<String>,
    chain: Option<String>,
    renew_at: Option<i64>,
    failures: i64,
    ordered_at: Option<i64>,
}

/// Claims the certificate that has been due longest and whose lease is free, for `lease_ms`. The
/// owner identifies one attempt, not one process: the outcome of an attempt is stored only while it
/// holds the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn claim(
    c: &mut Conn,
    owner: &str,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<ClaimedCertificate>, Error> {
    let id = claim_first!(
        c,
        certificates,
        certificates::next_attempt_at
            .le(now.0)
            .and(is_free!(c, certificates)),
        (certificates::next_attempt_at, certificates::id),
        held_for!(c, certificates, owner, lease_ms)
    );
    id.map(|id| read_claimed(c, id)).transpose()
}

fn read_claimed(c: &mut Conn, id: i64) -> Result<ClaimedCertificate, Error> {
    let row: Row = certificates::table
        .find(id)
        .select(Row::as_select())
        .first(&mut c.0)?;
    let row_ref = RowRef::new("certificates", &row.id);
    let issued: Option<CertificateContents> = row
        .details
        .as_deref()
        .map(|text| row_ref.parse_json("details", text))
        .transpose()?;
    Ok(ClaimedCertificate {
        authority: row.authority_id.map(AuthorityId),
        subject: row_ref.parse("subject", &row.subject)?,
        method: row_ref.parse("method", &row.method)?,
        validity: issued.map(|issued| (issued.not_before, issued.not_after)),
        id: CertificateId(row.id),
        domain: DomainId(row.domain_id),
        chain: row.chain,
        renew_at: row.renew_at.map(Timestamp),
        failures: to_u32(row.failures),
        is_ordered: row.ordered_at.is_some(),
    })
}

/// Renews the lease of a certificate for `lease_ms` from now. Returns false when the lease was
/// lost.
///
/// # Errors
/// When the database is unavailable.
pub fn renew_lease(
    c: &mut Conn,
    id: CertificateId,
    owner: &str,
    lease_ms: i64,
) -> Result<bool, Error> {
    let renewed = diesel::update(certificates::table.find(id.0))
        .filter(is_held!(c, certificates, owner))
        .set(held_for!(c, certificates, owner, lease_ms))
        .execute(&mut c.0)?;
    Ok(renewed > 0)
}

/// Revokes the lease of a certificate, so that the outcome of a running attempt is discarded.
///
/// # Errors
/// When the database is unavailable.
pub fn revoke_lease(
    c: &mut Conn,
    _: Permit<CertificateManage>,
    id: CertificateId,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set(released!(certificates))
        .execute(&mut c.0)?;
    Ok(())
}

/// Locks the row of a certificate until the transaction ends, so that no process claims the
/// certificate. Returns false when another owner than `owner` has claimed it; true when the
/// certificate was deleted.
///
/// # Errors
/// When the database is unavailable.
pub fn lock_unless_claimed(c: &mut Conn, id: CertificateId, owner: &str) -> Result<bool, Error> {
    let row = certificates::table.find(id.0);
    let claimable = certificates::lease_owner
        .is_null()
        .or(certificates::lease_owner.eq(owner));
    let locked = diesel::update(row.filter(claimable))
        .set(certificates::lease_owner.eq(certificates::lease_owner))
        .execute(&mut c.0)?;
    Ok(locked > 0 || row.count().get_result::<i64>(&mut c.0)? == 0)
}

/// Releases the lease of a certificate, if `owner` holds it.
///
/// # Errors
/// When the database is unavailable.
pub fn release(c: &mut Conn, id: CertificateId, owner: &str) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .filter(certificates::lease_owner.eq(owner))
        .set(released!(certificates))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores a failed attempt and the time of the next one.
///
/// # Errors
/// When the database is unavailable.
pub fn record_failure(
    c: &mut Conn,
    id: CertificateId,
    last_error: &AttemptFailure,
    next_attempt: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::failures.eq(certificates::failures + 1),
            certificates::last_error.eq(to_json(last_error)?),
            certificates::next_attempt_at.eq(next_attempt.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Counts an attempt that lost its lease as failed and schedules the next one, unless another owner
/// has claimed the certificate since or the lease was revoked.
///
/// # Errors
/// When the database is unavailable.
pub fn record_interruption(
    c: &mut Conn,
    id: CertificateId,
    owner: &str,
    error: &AttemptFailure,
    next_attempt: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .filter(certificates::lease_owner.eq(owner))
        .set((
            certificates::failures.eq(certificates::failures + 1),
            certificates::last_error.eq(to_json(error)?),
            certificates::next_attempt_at.eq(next_attempt.0),
            released!(certificates),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Stores that no action is needed now: when the certificate is renewed and when it is checked
/// next. `None` stops the checks because the certificate is not needed.
///
/// # Errors
/// When the database is unavailable.
pub fn schedule(
    c: &mut Conn,
    id: CertificateId,
    renew_at: Option<Timestamp>,
    next_attempt: Option<Timestamp>,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::renew_at.eq(renew_at.map(|at| at.0)),
            certificates::next_attempt_at.eq(next_attempt.map(|at| at.0)),
            certificates::failures.eq(0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Delays the next attempt without counting a failure.
///
/// # Errors
/// When the database is unavailable.
pub fn delay(c: &mut Conn, id: CertificateId, next_attempt: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set(certificates::next_attempt_at.eq(next_attempt.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns in how many milliseconds after `now` the next certificate can be claimed if its lease is
/// not renewed; `None` when no attempt is scheduled.
///
/// # Errors
/// When the database is unavailable.
pub fn next_due_in_ms(c: &mut Conn, now: Timestamp) -> Result<Option<i64>, Error> {
    next_due_in_ms!(c, certificates, now)
}
