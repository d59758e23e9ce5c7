//! Certificates of domains: showing them, bringing one's own, trying again, taking one back. The
//! keeper sees to the rest.

mod account;
mod gates;
mod keeper;
mod noted;
mod plan;
mod solver;
mod wanted;
mod work;

use model::{
    CertificateId, DomainId, Error, FieldError, Kind, Timestamp,
    certificates::{
        CertificateDetail, CertificateName, CertificateRow, Happening, Issuance, Source, notice_at,
    },
    domains::{DomainRow, DomainSpec},
};
use store::{
    Conn,
    certificates::{NewCertificate, Served},
};

pub(crate) use gates::AllGates;
pub use keeper::Clock;
pub(crate) use keeper::{AFTER_FAULT, Bell, Calls, keep, until};

use crate::{
    Actor, Control,
    failure::{Told as _, internal},
};

/// All certificates by domain, or those of one.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(
    control: &Control,
    actor: &Actor,
    of: Option<DomainId>,
) -> Result<Vec<CertificateRow>, Error> {
    actor.require_operator()?;
    let clock = control.clock();
    control
        .store()
        .read(move |c| {
            let now = clock.now(c)?;
            store::certificates::list(c, of, now)
        })
        .await
        .told("certificates")
}

/// One certificate with its history.
///
/// # Errors
/// [`Error::NotFound`] when there is none of this key.
pub async fn get(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
) -> Result<CertificateDetail, Error> {
    actor.require_operator()?;
    let clock = control.clock();
    let found = control
        .store()
        .read(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::by_id(c, id, now)? else {
                return Ok(None);
            };
            let history = store::certificates::history(c, id)?;
            Ok(Some(CertificateDetail { row, history }))
        })
        .await
        .told("certificate")?;
    found.ok_or_else(missing)
}

/// Keeps a certificate that somebody brings, and has its domain be served with it: from now on the
/// domain's certificates are those that people bring.
///
/// # Errors
/// [`Error::Invalid`] at the certificate or the key for whatever is wrong with them;
/// [`Error::NotFound`] when the domain is gone.
pub async fn upload(
    control: &Control,
    actor: &Actor,
    domain: DomainId,
    (chain, key): (String, String),
) -> Result<CertificateId, Error> {
    actor.require_operator()?;
    let now = now(control).await?;
    let checked = tokio::task::spawn_blocking(move || pki::check(&chain, &key, now)).await;
    let pair = checked
        .map_err(|error| internal("upload", &error))?
        .map_err(|fields| Error::Invalid { fields })?;
    let seal = control.store().key().clone();
    let done = control
        .store()
        .write(move |c| {
            let Some(row) = store::domains::get(c, domain)? else {
                let kind = Kind::Domain;
                return Ok(Err(Error::NotFound { kind }));
            };
            let names = &pair.leaf.issued.names;
            let Some(subject) = subject(names, &row.spec) else {
                return Ok(Err(Error::Invalid {
                    fields: vec![elsewhere(names, &row.spec)],
                }));
            };
            if row.spec.issuance != Issuance::Uploaded {
                let spec = DomainSpec {
                    issuance: Issuance::Uploaded,
                    ..row.spec
                };
                store::domains::update(c, domain, &spec)?;
            }
            let new = NewCertificate {
                source: Source::Uploaded,
                authority: None,
                issued: pair.leaf.issued.clone(),
                chain: pair.chain.clone(),
                renew_at: None,
                next_try: Some(notice_at(
                    pair.leaf.issued.not_before,
                    pair.leaf.issued.not_after,
                )),
            };
            let of = (domain, &subject);
            let id = store::certificates::put(c, &seal, of, &new, &pair.key, now)?;
            // What an authority gives meanwhile must not take its place.
            store::certificates::take_from(c, id)?;
            let words = noted::words(&new.issued);
            store::certificates::note(c, id, Happening::Uploaded, &words, now)?;
            Ok(Ok(id))
        })
        .await
        .told("certificate")??;
    noted::tell(control, domain, Some(done.0));
    control.certificates().ring();
    Ok(done)
}

/// The first of a certificate's names that is of a domain.
fn subject(names: &[CertificateName], domain: &DomainSpec) -> Option<CertificateName> {
    let own = domain.name.as_str();
    let below =
        |name: &&CertificateName| name.base() == own || name.base().ends_with(&format!(".{own}"));
    // One for all names below is called so, whichever is named first.
    let star = names
        .iter()
        .find(|name| name.as_str() != name.base() && name.base() == own);
    star.or_else(|| names.iter().find(below)).cloned()
}

fn elsewhere(names: &[CertificateName], domain: &DomainSpec) -> FieldError {
    let names: Vec<&str> = names.iter().take(5).map(CertificateName::as_str).collect();
    FieldError {
        field: "chain".to_owned(),
        message: format!(
            "It is for {}. Bring one for names under {}.",
            names.join(", "),
            domain.name
        ),
    }
}

/// Has a certificate be tried now, and not when it would be by itself.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that people bring.
pub async fn try_again(control: &Control, actor: &Actor, id: CertificateId) -> Result<(), Error> {
    actor.require_operator()?;
    let clock = control.clock();
    let domain = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::by_id(c, id, now)? else {
                return Ok(Err(missing()));
            };
            if row.source == Source::Uploaded {
                let message = "Nobody gives it by itself. Bring the next one.";
                return Ok(Err(Error::conflict(message)));
            }
            store::certificates::try_at(c, id, now)?;
            Ok(Ok(row.domain))
        })
        .await
        .told("certificate")??;
    noted::tell(control, domain, Some(id.0));
    control.certificates().ring();
    Ok(())
}

/// Has the next certificate be had now, although the present one is good.
///
/// # Errors
/// As for [`try_again`].
pub async fn renew(control: &Control, actor: &Actor, id: CertificateId) -> Result<(), Error> {
    actor.require_operator()?;
    let clock = control.clock();
    let due = control.store().write(move |c| {
        let now = clock.now(c)?;
        let row = store::certificates::by_id(c, id, now)?;
        let row = row.filter(|row| row.source == Source::Acme);
        // One that is being had already is left to whoever sees to it.
        if row.is_some_and(|row| row.renew_at.is_none_or(|at| at > now)) {
            anew(c, id, now)?;
        }
        Ok(())
    });
    due.await.told("certificate")?;
    try_again(control, actor, id).await
}

/// Takes a certificate back at the authority that gave it, as when its key was seen by others, and
/// has another one with another key; one that is not wanted any more is deleted.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not what it is for, [`Error::Conflict`] for one that no
/// authority gave that is known, [`Error::Unavailable`] when the authority does not do it.
pub async fn revoke(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
    confirm: &str,
) -> Result<(), Error> {
    actor.require_operator()?;
    let row = get(control, actor, id).await?.row;
    if row.subject.as_str() != confirm.trim() {
        let message = format!("Type {} to revoke the certificate.", row.subject);
        return Err(Error::field("confirm", message));
    }
    let key = control.store().key().clone();
    let given = control
        .store()
        .read(move |c| {
            let Some((authority, chain)) = store::certificates::given(c, id)? else {
                return Ok(None);
            };
            let authority = store::authorities::record(c, &key, authority)?;
            Ok(authority.map(|authority| (authority, chain)))
        })
        .await
        .told("certificate")?;
    let Some((authority, chain)) = given else {
        let message = "No authority that Holdfast knows gave it. Revoke it where it comes from.";
        return Err(Error::conflict(message));
    };
    let away = |error: pki::acme::AcmeError| Error::Unavailable {
        message: error.to_string(),
    };
    let account = account::open(control, &authority).await.map_err(away)?;
    account.revoke(&chain).await.map_err(away)?;
    let (clock, subject) = (control.clock(), row.subject);
    control
        .store()
        .write(move |c| {
            if !wanted::is_wanted(c, row.domain, &subject)? {
                // It would be served again, should its name come back.
                return store::certificates::delete(c, id);
            }
            let now = clock.now(c)?;
            let words = "Taken back; another one with another key is asked for.";
            store::certificates::note(c, id, Happening::Revoked, words, now)?;
            anew(c, id, now)
        })
        .await
        .told("certificate")?;
    noted::tell(control, row.domain, Some(id.0));
    control.certificates().ring();
    Ok(())
}

/// Has the next one be had now, whoever looks after this one.
fn anew(c: &mut Conn, id: CertificateId, now: Timestamp) -> Result<(), store::Error> {
    store::certificates::take_from(c, id)?;
    store::certificates::looked_after(c, id, Some(now), Some(now))
}

/// Deletes a certificate that somebody brought. Names that it was for are served with another, or
/// with the edge hosts' own.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not what it is for, [`Error::NotFound`],
/// [`Error::Conflict`] for one that an authority gives: that is wanted as long as its name is.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: CertificateId,
    confirm: &str,
) -> Result<(), Error> {
    actor.require_operator()?;
    let (clock, confirm) = (control.clock(), confirm.trim().to_owned());
    let domain = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let Some(row) = store::certificates::by_id(c, id, now)? else {
                return Ok(Err(missing()));
            };
            if row.subject.as_str() != confirm {
                let message = format!("Type {} to delete the certificate.", row.subject);
                return Ok(Err(Error::field("confirm", message)));
            }
            if row.source == Source::Acme {
                let message = "Holdfast sees to it as long as the name is published. Change how the domain has its certificates.";
                return Ok(Err(Error::conflict(message)));
            }
            store::certificates::delete(c, id)?;
            Ok(Ok(row.domain))
        })
        .await
        .told("certificate")??;
    noted::tell(control, domain, None);
    Ok(())
}

/// The certificate of a host under a domain: of those that are for it one that comes from where the
/// domain has its certificates now, and of these the one that is good longest.
pub(crate) fn best<'a>(all: &'a [Served], domain: &DomainRow, host: &str) -> Option<&'a Served> {
    let issuance = domain.spec.issuance;
    let is_meant = |it: &Served| match issuance {
        Issuance::SelfSigned => false,
        Issuance::Uploaded => it.source == Source::Uploaded,
        Issuance::Http(_) | Issuance::Dns(_) | Issuance::Wildcard(_) => {
            it.source == Source::Acme && it.authority == issuance.authority()
        }
    };
    all.iter()
        .filter(|it| it.domain == domain.id && it.names.iter().any(|name| name.covers(host)))
        .max_by_key(|it| (is_meant(it), it.not_after))
}

async fn now(control: &Control) -> Result<Timestamp, Error> {
    let clock = control.clock();
    let read = move |c: &mut Conn| clock.now(c);
    control.store().read(read).await.told("clock")
}

fn missing() -> Error {
    Error::NotFound {
        kind: Kind::Certificate,
    }
}
