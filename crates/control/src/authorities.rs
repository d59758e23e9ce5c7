//! Certificate authorities (CAs): list, show, add, update and delete. The account with a CA is
//! created with its first order.

use model::{
    AuthorityId, Error, Kind,
    authorities::{AuthorityRow, AuthoritySpec},
    events::{Event, Topic},
    names::Label,
    permissions::{AuthorityManage, AuthorityRead, Permit},
};
use store::certificates::CertificateScope;

use crate::{Actor, Control, failure::StoreResultExt as _};

/// Lists all CAs by name.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<AuthorityRow>, Error> {
    let _: Permit<AuthorityRead> = actor.permit()?;
    let all = control.store().read(store::authorities::list).await;
    all.into_model("list CAs")
}

/// Returns a CA.
///
/// # Errors
/// [`Error::NotFound`] when no CA has this name.
pub async fn get(control: &Control, actor: &Actor, name: &Label) -> Result<AuthorityRow, Error> {
    let all = list(control, actor).await?;
    all.into_iter()
        .find(|authority| authority.name == *name)
        .ok_or(Error::not_found(Kind::Authority))
}

/// Adds a CA without sending a request to it.
///
/// # Errors
/// [`Error::Invalid`] for a name that exists, or roots that are not certificates.
pub async fn create(
    control: &Control,
    actor: &Actor,
    spec: AuthoritySpec,
) -> Result<AuthorityId, Error> {
    let permit: Permit<AuthorityManage> = actor.permit()?;
    validate_roots(&spec)?;
    let key = control.store().secret_key().clone();
    let id = control
        .store()
        .write(move |c| store::authorities::insert(c, permit, &key, &spec))
        .await
        .into_model("create CA")?;
    publish_change(control, id);
    Ok(id)
}

/// Changes a CA. A new directory or a new external account binding requires a new account.
///
/// # Errors
/// As for [`create`]; [`Error::NotFound`] when the CA does not exist.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: AuthorityId,
    spec: AuthoritySpec,
) -> Result<(), Error> {
    let permit: Permit<AuthorityManage> = actor.permit()?;
    validate_roots(&spec)?;
    let (key, clock) = (control.store().secret_key().clone(), control.clock());
    control
        .store()
        .write(move |c| {
            let Some(before) = store::authorities::get(c, &key, id)? else {
                return Ok(Err(Error::not_found(Kind::Authority)));
            };
            let is_same_account =
                before.row.directory == spec.directory && before.row.eab_key_id == spec.eab_key_id;
            if spec.eab_key_id.is_some() && spec.eab_mac_key.is_none() && !is_same_account {
                // The stored key is sent only with the same key ID to the same directory.
                let message = "Enter the key again. It belongs to this key ID at this directory.";
                return Ok(Err(Error::invalid_field("eab_mac_key", message)));
            }
            store::authorities::update(c, permit, &key, id, &spec)?;
            let now = clock.now(c)?;
            if before.row.directory != spec.directory {
                store::certificates::detach_from_ca(c, permit, id, now)?;
            }
            let scope = CertificateScope::CertificateAuthority(id);
            store::certificates::revoke_leases(c, permit.narrow(), scope)?;
            store::certificates::retry_failed(c, permit.narrow(), scope, now)?;
            Ok(Ok(()))
        })
        .await
        .into_model("update CA")??;
    publish_change(control, id);
    control.issuance_wakeup().notify();
    Ok(())
}

/// Deletes a CA. Its certificates stay valid.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the CA's name, [`Error::Conflict`] while a domain uses
/// the CA.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: AuthorityId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<AuthorityManage> = actor.permit()?;
    let confirm = confirm.trim().to_owned();
    let result = control
        .store()
        .write(move |c| {
            let all = store::authorities::list(c)?;
            let Some(authority) = all.into_iter().find(|authority| authority.id == id) else {
                return Ok(Err(Error::not_found(Kind::Authority)));
            };
            if authority.name.as_str() != confirm {
                let message = format!("Type {} to delete the CA.", authority.name);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            store::authorities::delete(c, permit, id)?;
            Ok(Ok(()))
        })
        .await;
    if result == Err(store::Error::InUse) {
        let message = "Domains use this CA. Choose another certificate source for them first.";
        return Err(Error::conflict(message));
    }
    result.into_model("delete CA")??;
    publish_change(control, id);
    Ok(())
}

fn validate_roots(spec: &AuthoritySpec) -> Result<(), Error> {
    let Some(roots) = &spec.roots else {
        return Ok(());
    };
    match pki::read(roots.as_str()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::invalid_field("roots", error.to_string())),
    }
}

fn publish_change(control: &Control, id: AuthorityId) {
    let event = Event::of(Topic::Authority, id.0);
    control.notifier().publish(event);
}
