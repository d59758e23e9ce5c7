//! Certificates of domains: list, upload, retry, renew, revoke and delete. The reconciler issues
//! and renews them.

mod account;
mod desired;
mod find;
mod issue;
mod lease;
mod order_limit;
mod outcome;
mod plan;
mod reconciler;
mod solver;

use model::{
    CertificateId, DomainId, Error, FieldError, Kind, Timestamp,
    certificates::{
        CertificateDetail, CertificateEvent, CertificateName, CertificateRow, CertificateSource,
        IssuanceMethod, expiring_from,
    },
    domains::{DomainRow, DomainSpec},
    permissions::{CertificateManage, CertificateRead, Permit},
};
use store::{
    Conn,
    certificates::{IssuedCertificate, NewCertificate},
};

pub use find::find;
pub(crate) use reconciler::Certificates;

use crate::{
    Actor, Control,
    failure::{StoreResultExt as _, internal},
};

/// Lists the certificates of all domains, or of one domain.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(
    control: &Control,
    actor: &Actor,
    of: Option<DomainId>,
) -> Result<Vec<CertificateRow>, Error> {
    let _: Permit<CertificateRead> = actor.permit()?;
    let clock = control.clock();
    control
        .store()
        .read(move |c| {
            let now = clock.now(c)?;
            store::certificates::list(c, of, now)
        })
        .await
        .into_model("list certificates")
}

/// Returns a certificate with its history.
///
/// # Errors
/// [`Error::NotFound`] when the certificate does not exist.
pub async fn get(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
) -> Result<CertificateDetail, Error> {
    let _: Permit<CertificateRead> = actor.permit()?;
    read(control, id).await
}

async fn read(control: &Control, id: CertificateId) -> Result<CertificateDetail, Error> {
    let clock = control.clock();
    let detail = control
        .store()
        .read(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::get(c, id, now)? else {
                return Ok(None);
            };
            let history = store::certificates::list_history(c, id)?;
            Ok(Some(CertificateDetail { row, history }))
        })
        .await
        .into_model("get certificate")?;
    detail.ok_or(Error::not_found(Kind::Certificate))
}

/// Stores an uploaded certificate and serves it for the domain. Sets the domain's certificate
/// source to upload.
///
/// # Errors
/// [`Error::Invalid`] at the certificate or the key for each problem; [`Error::NotFound`] when the
/// domain does not exist.
pub async fn upload(
    control: &Control,
    actor: &Actor,
    domain: DomainId,
    (chain, key): (String, String),
) -> Result<CertificateId, Error> {
    let permit: Permit<CertificateManage> = actor.permit()?;
    let now = now(control).await?;
    let checked =
        tokio::task::spawn_blocking(move || pki::validate_upload(&chain, &key, now)).await;
    let pair = checked
        .map_err(|error| internal("verify uploaded certificate", &error))?
        .map_err(|fields| Error::Invalid { fields })?;
    let seal = control.store().secret_key().clone();
    let done = control
        .store()
        .write(move |c| {
            let Some(row) = store::domains::get(c, domain)? else {
                let kind = Kind::Domain;
                return Ok(Err(Error::not_found(kind)));
            };
            let names = &pair.leaf.issued.names;
            let Some(subject) = subject(names, &row.spec) else {
                return Ok(Err(Error::Invalid {
                    fields: vec![wrong_names(names, &row.spec)],
                }));
            };
            if row.spec.certificate_source != CertificateSource::Uploaded {
                let spec = DomainSpec {
                    certificate_source: CertificateSource::Uploaded,
                    ..row.spec
                };
                store::domains::update(c, permit.narrow(), domain, &spec)?;
            }
            let new = NewCertificate {
                method: IssuanceMethod::Uploaded,
                certificate_authority: None,
                issued: pair.leaf.issued.clone(),
                chain: pair.chain.clone(),
                renew_at: None,
                next_attempt: Some(expiring_from(
                    pair.leaf.issued.not_before,
                    pair.leaf.issued.not_after,
                )),
            };
            let of = (domain, &subject);
            let id = store::certificates::upload(c, permit, &seal, of, &new, &pair.key, now)?;
            let message = outcome::describe(&new.issued);
            store::certificates::add_history(c, id, CertificateEvent::Uploaded, &message, now)?;
            Ok(Ok(id))
        })
        .await
        .into_model("upload certificate")??;
    outcome::publish_change(control, domain, Some(done.0));
    control.issuance_wakeup().notify();
    Ok(done)
}

/// The first of a certificate's names that belongs to a domain.
fn subject(names: &[CertificateName], domain: &DomainSpec) -> Option<CertificateName> {
    let own = domain.name.as_str();
    let below = |name: &&CertificateName| {
        name.domain() == own || name.domain().ends_with(&format!(".{own}"))
    };
    // A wildcard name takes precedence, whatever the order of the names.
    let star = names
        .iter()
        .find(|name| name.as_str() != name.domain() && name.domain() == own);
    star.or_else(|| names.iter().find(below)).cloned()
}

fn wrong_names(names: &[CertificateName], domain: &DomainSpec) -> FieldError {
    let names: Vec<&str> = names.iter().take(5).map(CertificateName::as_str).collect();
    FieldError {
        field: "chain".to_owned(),
        message: format!(
            "The certificate is for {}. Upload a certificate for names under {}.",
            names.join(", "),
            domain.name
        ),
    }
}

/// Schedules the next attempt for a certificate immediately.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for an uploaded certificate.
pub async fn retry(control: &Control, actor: &Actor, id: CertificateId) -> Result<(), Error> {
    advance(control, actor.permit()?, id).await
}

async fn advance(
    control: &Control,
    permit: Permit<CertificateManage>,
    id: CertificateId,
) -> Result<(), Error> {
    let clock = control.clock();
    let domain = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::get(c, id, now)? else {
                return Ok(Err(Error::not_found(Kind::Certificate)));
            };
            if row.method == IssuanceMethod::Uploaded {
                let message =
                    "Uploaded certificates are not renewed automatically. Upload a replacement.";
                return Ok(Err(Error::conflict(message)));
            }
            store::certificates::advance_attempt(c, permit, id, now)?;
            Ok(Ok(row.domain))
        })
        .await
        .into_model("retry certificate")??;
    outcome::publish_change(control, domain, Some(id.0));
    control.issuance_wakeup().notify();
    Ok(())
}

/// Renews a certificate immediately, although it is still valid.
///
/// # Errors
/// As for [`retry`].
pub async fn renew(control: &Control, actor: &Actor, id: CertificateId) -> Result<(), Error> {
    let permit: Permit<CertificateManage> = actor.permit()?;
    let clock = control.clock();
    let due = control.store().write(move |c| {
        let now = clock.now(c)?;
        let row = store::certificates::get(c, id, now)?;
        let row = row.filter(|row| row.method == IssuanceMethod::Acme);
        // Leaves a certificate that is being renewed to the process that holds its lease.
        if row.is_some_and(|row| row.renew_at.is_none_or(|at| at > now)) {
            store::certificates::renew_now(c, permit, id, now)?;
        }
        Ok(())
    });
    due.await.into_model("renew certificate")?;
    advance(control, permit, id).await
}

/// Revokes a certificate at the CA that issued it, for example after its key leaked, and requests a
/// replacement with a new key. Deletes a certificate that is no longer desired.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the certificate's subject, [`Error::Conflict`] when no
/// known CA issued the certificate, [`Error::Unavailable`] when the CA does not revoke it.
pub async fn revoke(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<CertificateManage> = actor.permit()?;
    let row = read(control, id).await?.row;
    if row.subject.as_str() != confirm.trim() {
        let message = format!("Type {} to revoke the certificate.", row.subject);
        return Err(Error::invalid_field("confirm", message));
    }
    let key = control.store().secret_key().clone();
    let issuer = control
        .store()
        .read(move |c| {
            let Some((authority, chain)) = store::certificates::get_issued_chain(c, id)? else {
                return Ok(None);
            };
            let authority = store::authorities::get(c, &key, authority)?;
            Ok(authority.map(|authority| (authority, chain)))
        })
        .await
        .into_model("get certificate to revoke")?;
    let Some((authority, chain)) = issuer else {
        let message = "No CA in Holdfast issued this certificate. Revoke it at its issuer.";
        return Err(Error::conflict(message));
    };
    let unavailable = |error: pki::acme::AcmeError| Error::Unavailable {
        message: error.to_string(),
    };
    let account = account::open(control, None, &authority)
        .await
        .map_err(unavailable)?;
    account.revoke(&chain).await.map_err(unavailable)?;
    let (clock, subject) = (control.clock(), row.subject);
    control
        .store()
        .write(move |c| {
            if !desired::is_desired(c, row.domain, &subject)? {
                // The certificate would be served again if its name were published again.
                return store::certificates::delete(c, permit, id);
            }
            let now = clock.now(c)?;
            let message = "Revoked. A new certificate with a new key is requested.";
            store::certificates::add_history(c, id, CertificateEvent::Revoked, message, now)?;
            store::certificates::renew_now(c, permit, id, now)
        })
        .await
        .into_model("delete revoked certificate")?;
    outcome::publish_change(control, row.domain, Some(id.0));
    control.issuance_wakeup().notify();
    Ok(())
}

/// Deletes an uploaded certificate. Its names are served with another certificate or with the edge
/// hosts' self-signed certificate.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the certificate's subject, [`Error::NotFound`],
/// [`Error::Conflict`] for a certificate from a CA, which is desired while its name is published.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<CertificateManage> = actor.permit()?;
    let (clock, confirm) = (control.clock(), confirm.trim().to_owned());
    let domain = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::get(c, id, now)? else {
                return Ok(Err(Error::not_found(Kind::Certificate)));
            };
            if row.subject.as_str() != confirm {
                let message = format!("Type {} to delete the certificate.", row.subject);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            if row.method == IssuanceMethod::Acme {
                let message = "This certificate is renewed while its name is published. To stop \
                    that, change the domain's certificate source.";
                return Ok(Err(Error::conflict(message)));
            }
            store::certificates::delete(c, permit, id)?;
            Ok(Ok(row.domain))
        })
        .await
        .into_model("delete certificate")??;
    outcome::publish_change(control, domain, None);
    Ok(())
}

/// The certificate for a host under a domain. Prefers certificates from the domain's current
/// source, then the latest expiry.
pub(crate) fn select_certificate<'a>(
    all: &'a [IssuedCertificate],
    domain: &DomainRow,
    host: &str,
) -> Option<&'a IssuedCertificate> {
    let source = domain.spec.certificate_source;
    let is_current_source = |it: &IssuedCertificate| match source {
        CertificateSource::SelfSigned => false,
        CertificateSource::Uploaded => it.method == IssuanceMethod::Uploaded,
        CertificateSource::Http(_) | CertificateSource::Dns(_) | CertificateSource::Wildcard(_) => {
            it.method == IssuanceMethod::Acme && it.authority == source.certificate_authority()
        }
    };
    all.iter()
        .filter(|it| it.domain == domain.id && it.names.iter().any(|name| name.covers(host)))
        .max_by_key(|it| (is_current_source(it), it.not_after))
}

async fn now(control: &Control) -> Result<Timestamp, Error> {
    let clock = control.clock();
    let read = move |c: &mut Conn| clock.now(c);
    control
        .store()
        .read(read)
        .await
        .into_model("read database time")
}
