//! Certificates of domains, issued or still to be issued, with their encrypted keys and their
//! history. The caller passes the current time, so that one decision uses one time. Must not decide
//! when a certificate is renewed or how it is issued.

mod desired;
mod issued;
mod leases;
mod list;
mod orders;
mod reschedule;

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, Timestamp,
    certificates::{CertificateContents, CertificateEvent, CertificateName, IssuanceMethod},
    permissions::{CertificateManage, Permit},
};

use crate::{
    Conn, Error, SecretKey, dialect,
    rows::{self, to_json},
    schema::{certificate_events, certificates},
    sites,
};

pub use desired::{CertificateSchedule, DomainCertificates, list_domain_certificates};
pub use issued::{CertificateWithKey, IssuedCertificate, get_with_key, list_issued_by_site};
pub use leases::{
    ClaimedCertificate, claim, delay, lock_unless_claimed, next_due_in_ms, record_failure,
    record_interruption, release, renew_lease, revoke_lease, schedule,
};
pub(crate) use list::list_published_labels;
pub use list::{get, list, list_history, list_state_inputs};
pub use orders::{CertificateWait, delay_for_limit, get_name_owner, list_waits, mark_ordered};
pub use reschedule::{
    CertificateScope, advance_attempt, detach_from_ca, renew_now, retry_failed, revoke_leases,
    schedule_replacement, switch_to_acme,
};

/// The maximum length of a history entry, in characters.
const MAX_ENTRY_CHARS: usize = 4000;
/// The number of history entries that are kept per certificate.
const MAX_HISTORY: i64 = 200;

/// The values of an issued or uploaded certificate.
#[derive(Clone, Debug)]
pub struct NewCertificate {
    /// How it is obtained: through ACME, or by upload.
    pub method: IssuanceMethod,
    /// The CA that issued the certificate; `None` for an upload.
    pub certificate_authority: Option<AuthorityId>,
    /// The names, validity and fingerprint of the certificate.
    pub issued: CertificateContents,
    /// The certificate and its intermediate certificates, in PEM.
    pub chain: String,
    /// When the certificate is renewed; `None` for an upload.
    pub renew_at: Option<Timestamp>,
    /// When the certificate is checked next.
    pub next_attempt: Option<Timestamp>,
}

/// Inserts a certificate that is still to be issued, due immediately.
///
/// # Errors
/// [`Error::NotFound`] when the domain does not exist, [`Error::Duplicate`] when it has a
/// certificate for this subject.
pub fn insert_pending(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
    now: Timestamp,
) -> Result<(), Error> {
    diesel::insert_into(certificates::table)
        .values((
            certificates::domain_id.eq(domain.0),
            certificates::subject.eq(subject.as_str()),
            certificates::method.eq(IssuanceMethod::Acme.as_str()),
            certificates::next_attempt_at.eq(now.0),
            certificates::failures.eq(0),
            certificates::created_at.eq(now.0),
        ))
        .execute(&mut c.0)
        .map(drop)
        .map_err(Error::from_insert)
}

/// Stores an issued or uploaded certificate and its key, replacing the one for the same subject.
/// Increments the generation of the domain's site, so that its edge hosts serve the certificate.
///
/// # Errors
/// [`Error::NotFound`] when the domain does not exist.
pub fn upsert_issued(
    c: &mut Conn,
    key: &SecretKey,
    (domain, subject): (DomainId, &CertificateName),
    new: &NewCertificate,
    secret: &str,
    now: Timestamp,
) -> Result<CertificateId, Error> {
    let id = match find_id(c, domain, subject)? {
        Some(id) => id,
        None => {
            insert_pending(c, domain, subject, now)?;
            CertificateId(dialect::inserted_id(&mut c.0)?)
        }
    };
    let fingerprint = &new.issued.fingerprint;
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::method.eq(new.method.as_str()),
            certificates::authority_id.eq(new.certificate_authority.map(|id| id.0)),
            certificates::fingerprint.eq(fingerprint.as_str()),
            certificates::not_after.eq(new.issued.not_after.0),
            certificates::details.eq(to_json(&new.issued)?),
            certificates::chain.eq(&new.chain),
            certificates::private_key.eq(key.seal(&secret_context(fingerprint.as_str()), secret)?),
            certificates::renew_at.eq(new.renew_at.map(|at| at.0)),
            certificates::next_attempt_at.eq(new.next_attempt.map(|at| at.0)),
            certificates::failures.eq(0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    sites::increment_generation_for_domain(c, domain)?;
    Ok(id)
}

/// Stores an uploaded certificate and its key as [`upsert_issued`] does. Ends the lease of the
/// process that issues a certificate for the same subject, so that it does not replace the upload.
///
/// # Errors
/// [`Error::NotFound`] when the domain does not exist.
pub fn upload(
    c: &mut Conn,
    permit: Permit<CertificateManage>,
    key: &SecretKey,
    of: (DomainId, &CertificateName),
    new: &NewCertificate,
    secret: &str,
    now: Timestamp,
) -> Result<CertificateId, Error> {
    let id = upsert_issued(c, key, of, new, secret, now)?;
    revoke_lease(c, permit, id)?;
    Ok(id)
}

/// Deletes a certificate with its key and history, on behalf of a user.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete(c: &mut Conn, _: Permit<CertificateManage>, id: CertificateId) -> Result<(), Error> {
    delete_undesired(c, id)
}

/// Deletes a certificate that is no longer desired, with its key and history.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete_undesired(c: &mut Conn, id: CertificateId) -> Result<(), Error> {
    let domain: Option<i64> = certificates::table
        .find(id.0)
        .select(certificates::domain_id)
        .first(&mut c.0)
        .optional()?;
    rows::ensure_found(diesel::delete(certificates::table.find(id.0)).execute(&mut c.0)?)?;
    match domain {
        Some(domain) => sites::increment_generation_for_domain(c, DomainId(domain)),
        None => Ok(()),
    }
}

/// Adds an entry to a certificate's history and deletes the oldest entries above the limit.
///
/// # Errors
/// [`Error::NotFound`] when the certificate does not exist.
pub fn add_history(
    c: &mut Conn,
    id: CertificateId,
    event: CertificateEvent,
    message: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let message: String = message.chars().take(MAX_ENTRY_CHARS).collect();
    diesel::insert_into(certificate_events::table)
        .values((
            certificate_events::certificate_id.eq(id.0),
            certificate_events::at.eq(now.0),
            certificate_events::kind.eq(event.as_str()),
            certificate_events::message.eq(message),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let oldest: Option<i64> = certificate_events::table
        .filter(certificate_events::certificate_id.eq(id.0))
        .order(certificate_events::id.desc())
        .offset(MAX_HISTORY)
        .select(certificate_events::id)
        .first(&mut c.0)
        .optional()?;
    if let Some(oldest) = oldest {
        let old = certificate_events::table
            .filter(certificate_events::certificate_id.eq(id.0))
            .filter(certificate_events::id.le(oldest));
        diesel::delete(old).execute(&mut c.0)?;
    }
    Ok(())
}

/// Returns the CA that issued a certificate and the certificate chain in PEM. `None` for uploads,
/// for certificates that are not issued, and when the CA was deleted.
///
/// # Errors
/// When the database is unavailable.
pub fn get_issued_chain(
    c: &mut Conn,
    id: CertificateId,
) -> Result<Option<(AuthorityId, String)>, Error> {
    let row: Option<(Option<i64>, Option<String>)> = certificates::table
        .find(id.0)
        .select((certificates::authority_id, certificates::chain))
        .first(&mut c.0)
        .optional()?;
    let issued = row.and_then(|(authority, chain)| authority.zip(chain));
    Ok(issued.map(|(authority, chain)| (AuthorityId(authority), chain)))
}

fn find_id(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
) -> Result<Option<CertificateId>, Error> {
    let id: Option<i64> = certificates::table
        .filter(certificates::domain_id.eq(domain.0))
        .filter(certificates::subject.eq(subject.as_str()))
        .select(certificates::id)
        .first(&mut c.0)
        .optional()?;
    Ok(id.map(CertificateId))
}

/// The encryption context of a key, which binds it to its certificate.
fn secret_context(fingerprint: &str) -> String {
    format!("certificates.secret:{fingerprint}")
}
