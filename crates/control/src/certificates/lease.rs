//! The leases of certificates. The outcome of an attempt is stored only while the attempt holds the
//! certificate's lease: a user may have uploaded a certificate in the meantime.

use std::time::Duration;

use model::Timestamp;
use store::{Conn, certificates::ClaimedCertificate};

use crate::{
    Control,
    background::{InStore, Lease, LeaseObject, Renewal},
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
    InStore {
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
            "certificate lease release failed, it will expire"
        );
    }
}

/// Runs `write` with the current time if the lease of the certificate is still held.
pub(super) async fn write_if_held<W>(
    control: &Control,
    claim: &Claim,
    write: W,
) -> Result<(), model::Error>
where
    W: Fn(&mut Conn, Timestamp) -> Result<(), store::Error> + Send + 'static,
{
    let (clock, id) = (control.clock(), claim.certificate.id);
    let (owner, term) = (claim.lease.owner(), claim.lease.term_ms());
    let done = control
        .store()
        .write(move |c| {
            // Renewed, not read, so that no other process claims the certificate before the commit.
            if store::certificates::renew_lease(c, id, &owner, term)? {
                let now = clock.now(c)?;
                write(c, now)?;
            }
            Ok(())
        })
        .await;
    match done {
        // The certificate was deleted together with its domain.
        Err(store::Error::NotFound) => Ok(()),
        done => done.into_model("write certificate under lease"),
    }
}
