//! The leases of certificates. The outcome of an attempt is stored only while the attempt holds the
//! certificate's lease: a user may have uploaded a certificate in the meantime.

use std::{sync::Arc, time::Duration};

use model::Timestamp;
use pki::acme::RequestGuard;
use store::{Conn, certificates::ClaimedCertificate};

use crate::{
    Control,
    background::{Lease, LeaseObject, Renewal, StoreRenewal},
    failure::StoreResultExt as _,
};

/// How long the lease of a certificate lasts without a renewal.
const TERM: Duration = Duration::from_secs(60);

/// A claimed certificate and its lease.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) certificate: ClaimedCertificate,
    pub(super) lease: Lease,
}

/// Claims a certificate that is due.
pub(super) async fn claim(control: &Control) -> Result<Option<Claim>, model::Error> {
    let (clock, lease) = (control.clock(), Lease::new(TERM));
    let (owner, term) = (lease.owner(), lease.term_ms());
    let claimed = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            store::certificates::claim(c, &owner, now, term)
        })
        .await
        .into_model("claim certificate")?;
    Ok(claimed.map(|certificate| Claim { certificate, lease }))
}

/// Renews the lease of a certificate.
pub(super) fn renewal<'a>(control: &'a Control, claimed: &ClaimedCertificate) -> impl Renewal + 'a {
    let id = claimed.id;
    StoreRenewal {
        store: control.store(),
        object: LeaseObject::Certificate(claimed.subject.clone()),
        renew: move |c: &mut Conn, owner: &str, term| {
            store::certificates::renew_lease(c, id, owner, term)
        },
    }
}

/// Releases the lease of a certificate.
pub(super) async fn release(control: &Control, claim: &Claim) {
    let (id, owner) = (claim.certificate.id, claim.lease.owner());
    let release = move |c: &mut Conn| store::certificates::release(c, id, &owner);
    if let Err(error) = control.store().write(release).await {
        tracing::warn!(
            certificate = %claim.certificate.subject,
            %error,
            "certificate lease release failed"
        );
    }
}

/// Runs `write` with the current time in one transaction with a renewal of the lease. Ends the
/// attempt here when the lease is lost.
pub(super) async fn write_if_held<T, W>(
    control: &Control,
    claim: &Claim,
    write: W,
) -> Result<T, model::Error>
where
    T: Send + 'static,
    W: Fn(&mut Conn, Timestamp) -> Result<T, store::Error> + Send + 'static,
{
    let (clock, id) = (control.clock(), claim.certificate.id);
    let (owner, term) = (claim.lease.owner(), claim.lease.term_ms());
    let done = control
        .store()
        .write(move |c| {
            // Renewed, not read, so that no other process claims the certificate before the commit.
            if !store::certificates::renew_lease(c, id, &owner, term)? {
                return Ok(None);
            }
            let now = clock.now(c)?;
            write(c, now).map(Some)
        })
        .await;
    match done {
        Ok(Some(value)) => Ok(value),
        // With `NotFound`, the certificate was deleted together with its domain.
        Ok(None) | Err(store::Error::NotFound) => claim.lease.end().await,
        Err(error) => Err(error).into_model("write certificate under lease"),
    }
}

/// Lets a request to the CA pass only while the lease is held, and renews the lease before it: most
/// requests change something there.
pub(super) fn request_guard(control: &Control, claim: &Claim) -> RequestGuard {
    let (control, claim) = (control.clone(), claim.clone());
    Arc::new(move || {
        let (control, claim) = (control.clone(), claim.clone());
        Box::pin(async move {
            let renewal = renewal(&control, &claim.certificate);
            claim.lease.confirm(&renewal).await;
        })
    })
}
