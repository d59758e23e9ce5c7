//! Stores the outcome of an attempt.

use std::time::Duration;

use model::{
    DomainId, Timestamp,
    certificates::{AttemptFailure, CertificateContents, CertificateEvent, expiring_from},
    events::{Event, Topic},
    names::Domain,
};
use store::{
    Conn,
    certificates::{ClaimedCertificate, NewCertificate},
};
use tracing::field::{debug, display};

use super::{
    lease::{Claim, write_if_held},
    plan::{self, FailureClass, Jitter},
};
use crate::{Control, background::LeaseLost, failure::StoreResultExt as _};

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

/// Records that issuance or renewal failed and schedules the next attempt.
pub(super) async fn record_failure(
    control: &Control,
    claim: &Claim,
    class: FailureClass,
    message: String,
    detail: Option<String>,
) -> Result<(), model::Error> {
    let claimed = &claim.certificate;
    let id = claimed.id;
    let retry = plan_retry(control, claimed, class).await;
    log_failure(claimed, retry.as_ref().ok(), &message, detail.as_deref());
    let next = retry?.at;
    write_if_held(control, claim, move |c, now| {
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

/// Logs a failure. A certificate that has a chain is to be renewed.
fn log_failure(
    claimed: &ClaimedCertificate,
    retry: Option<&Retry>,
    error: &str,
    detail: Option<&str>,
) {
    let certificate = display(&claimed.subject);
    let domain = retry.and_then(|retry| retry.domain.as_ref().map(display));
    let retry_in = retry.map(|retry| debug(retry.wait));
    match claimed.chain {
        Some(_) => {
            tracing::warn!(
                certificate,
                domain,
                error,
                detail,
                retry_in,
                "certificate renewal failed"
            );
        }
        None => {
            tracing::warn!(
                certificate,
                domain,
                error,
                detail,
                retry_in,
                "certificate issuance failed"
            );
        }
    }
}

/// The next attempt after a failure.
struct Retry {
    at: Timestamp,
    wait: Duration,
    /// The name of the certificate's domain.
    domain: Option<Domain>,
}

async fn plan_retry(
    control: &Control,
    claimed: &ClaimedCertificate,
    class: FailureClass,
) -> Result<Retry, model::Error> {
    let (clock, id, attempts) = (control.clock(), claimed.domain, claimed.failures + 1);
    let until = claimed.validity.map(|(_, until)| until);
    let read = move |c: &mut Conn| {
        let now = clock.now(c)?;
        let at = plan::retry_at(now, attempts, class, until, Jitter::new());
        Ok(Retry {
            at,
            wait: Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or_default()),
            domain: store::domains::get(c, id)?.map(|domain| domain.spec.name),
        })
    };
    let retry = control.store().read(read).await;
    retry.into_model("plan certificate retry")
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
        let next = plan::retry_at(now, attempts, FailureClass::Local, until, Jitter::new());
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

#[cfg(test)]
mod tests {
    use std::{
        fmt::Debug,
        sync::{Arc, Mutex},
    };

    use model::{CertificateId, certificates::IssuanceMethod};
    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    use super::*;

    /// Collects the fields of events.
    #[derive(Clone, Default)]
    struct EventLog(Arc<Mutex<Vec<String>>>);

    impl Subscriber for EventLog {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    impl Visit for EventLog {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }

    fn logged(chain: Option<&str>) -> Vec<String> {
        let claimed = ClaimedCertificate {
            id: CertificateId(1),
            domain: DomainId(1),
            subject: "wiki.example.org".parse().unwrap(),
            method: IssuanceMethod::Acme,
            authority: None,
            validity: None,
            chain: chain.map(str::to_owned),
            renew_at: None,
            failures: 0,
            is_ordered: true,
        };
        let retry = Retry {
            at: Timestamp(60_000),
            wait: Duration::from_secs(60),
            domain: Some("example.org".parse().unwrap()),
        };
        let log = EventLog::default();
        tracing::subscriber::with_default(log.clone(), || {
            log_failure(&claimed, Some(&retry), "No.", None);
        });
        log.0.lock().unwrap().clone()
    }

    #[test]
    fn failed_renewal_and_issuance_are_logged_with_domain_and_retry() {
        let fields = |message: &str| {
            let message = format!("message={message}");
            [
                message.as_str(),
                "certificate=wiki.example.org",
                "domain=example.org",
                "error=\"No.\"",
                "retry_in=60s",
            ]
            .map(str::to_owned)
        };
        assert_eq!(logged(Some("chain")), fields("certificate renewal failed"));
        assert_eq!(logged(None), fields("certificate issuance failed"));
    }
}
