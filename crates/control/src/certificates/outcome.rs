//! Stores the outcome of an attempt.

use std::time::Duration;

use model::{
    DomainId, Timestamp,
    certificates::{AttemptFailure, CertificateContents, CertificateEvent, expiring_from},
    events::{Event, Topic},
};
use store::{Conn, certificates::NewCertificate};

use super::{
    lease::{Claim, write_if_held},
    plan::{self, Failure, Jitter},
};
use crate::{Control, background::LeaseLost};

/// The waits before storing an issued certificate is retried. CA rate limits may prevent another
/// issuance soon.
const RETRY_WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
    Duration::from_secs(27),
];

/// Schedules renewal and the next check of a valid certificate.
pub(super) async fn schedule(
    control: &Control,
    claim: &Claim,
    renew_at: Option<Timestamp>,
    next_attempt: Option<Timestamp>,
) -> Result<(), model::Error> {
    let id = claim.certificate.id;
    write_if_held(control, claim, move |c, _| {
        store::certificates::schedule(c, id, renew_at, next_attempt)
    })
    .await
}

/// Postpones an attempt for a reason that needs no action by a user.
pub(super) async fn postpone(
    control: &Control,
    claim: &Claim,
    wait_ms: i64,
) -> Result<(), model::Error> {
    let id = claim.certificate.id;
    write_if_held(control, claim, move |c, now| {
        store::certificates::delay(c, id, Timestamp(now.0 + wait_ms))
    })
    .await
}

/// Records that an uploaded certificate is about to expire or has expired.
pub(super) async fn check_expiry(control: &Control, claim: &Claim) -> Result<(), model::Error> {
    let claimed = &claim.certificate;
    let Some((from, until)) = claimed.validity else {
        return schedule(control, claim, None, None).await;
    };
    let (id, subject) = (claimed.id, claimed.subject.clone());
    write_if_held(control, claim, move |c, now| {
        let (event, next) = if now >= until {
            (Some(CertificateEvent::Expired), None)
        } else if now >= expiring_from(from, until) {
            (Some(CertificateEvent::Expiring), Some(until))
        } else {
            (None, Some(expiring_from(from, until)))
        };
        if let Some(event) = event {
            let message = format!("Valid until {until}. Upload a replacement.");
            let has_expired = now >= until;
            tracing::warn!(certificate = %subject, valid_until = until.rfc3339(), has_expired, "uploaded certificate needs a replacement");
            store::certificates::add_history(c, id, event, &message, now)?;
        }
        store::certificates::schedule(c, id, None, next)
    })
    .await
}

/// Stores an issued certificate with its key.
pub(super) async fn store_issued(
    control: &Control,
    claim: &Claim,
    new: NewCertificate,
    secret: String,
) -> Result<(), model::Error> {
    let claimed = &claim.certificate;
    tracing::info!(certificate = %claimed.subject, issuer = new.issued.issuer, "certificate issued");
    let event = match claimed.chain {
        None => CertificateEvent::Issued,
        Some(_) => CertificateEvent::Renewed,
    };
    let mut waits = RETRY_WAITS.iter();
    loop {
        let (domain, subject) = (claimed.domain, claimed.subject.clone());
        let (key, new, secret) = (
            control.store().secret_key().clone(),
            new.clone(),
            secret.clone(),
        );
        let done = write_if_held(control, claim, move |c, now| {
            let of = (domain, &subject);
            let id = store::certificates::upsert_issued(c, &key, of, &new, &secret, now)?;
            store::certificates::add_history(c, id, event, &describe(&new.issued), now)
        });
        let (done, wait) = (done.await, waits.next());
        let (Err(error), Some(wait)) = (&done, wait) else {
            return done;
        };
        tracing::warn!(certificate = %claimed.subject, %error, retry_in = ?wait, "issued certificate write failed");
        tokio::time::sleep(*wait).await;
    }
}

/// Describes a certificate for its history.
pub(super) fn describe(issued: &CertificateContents) -> String {
    let (issuer, until) = (&issued.issuer, issued.not_after);
    format!("Issued by {issuer}, valid until {until}.")
}

/// Records that issuance failed and schedules the next attempt.
pub(super) async fn record_failure(
    control: &Control,
    claim: &Claim,
    failure: Failure,
    message: String,
    detail: Option<String>,
) -> Result<(), model::Error> {
    let claimed = &claim.certificate;
    tracing::warn!(certificate = %claimed.subject, error = message, detail, "certificate issuance failed");
    let (id, attempts) = (claimed.id, claimed.failures + 1);
    let until = claimed.validity.map(|(_, until)| until);
    write_if_held(control, claim, move |c, now| {
        let next = plan::retry_at(now, attempts, failure, until, Jitter::new());
        let last_error = AttemptFailure {
            at: now,
            message: message.clone(),
            detail: detail.clone(),
        };
        store::certificates::record_failure(c, id, &last_error, next)?;
        store::certificates::add_history(c, id, CertificateEvent::Failed, &message, now)
    })
    .await
}

/// Schedules the next attempt after an attempt lost its lease, as after a failure. Otherwise an
/// attempt that is interrupted again and again would order certificates without a pause.
pub(super) async fn record_interruption(control: &Control, claim: &Claim, reason: LeaseLost) {
    let claimed = &claim.certificate;
    let (clock, id, owner) = (control.clock(), claimed.id, claim.lease.owner());
    let attempts = claimed.failures + 1;
    let until = claimed.validity.map(|(_, until)| until);
    let write = move |c: &mut Conn| {
        let now = clock.now(c)?;
        let next = plan::retry_at(now, attempts, Failure::Local, until, Jitter::new());
        let failure = AttemptFailure {
            at: now,
            message: format!("The attempt was interrupted: {reason}."),
            detail: None,
        };
        store::certificates::record_interruption(c, id, &owner, &failure, next)
    };
    if let Err(error) = control.store().write(write).await {
        tracing::warn!(certificate = %claimed.subject, %error, "certificate interruption write failed");
    }
}

/// Publishes that a certificate and its domain have changed.
pub(super) fn publish_change(control: &Control, domain: DomainId, id: Option<i64>) {
    let event = match id {
        Some(id) => Event::of(Topic::Certificate, id),
        None => Event::all(Topic::Certificate),
    };
    control.notifier().publish(event);
    let event = Event::of(Topic::Domain, domain.0);
    control.notifier().publish(event);
}
