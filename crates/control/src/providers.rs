//! DNS providers: list, show, test, add, update and delete.

use model::{
    Error, Kind, ProviderId,
    events::{Event, Topic},
    names::{Domain, Label},
    permissions::{Permit, ProviderManage, ProviderRead, ProviderTest},
    providers::{ProviderCheck, ProviderKind, ProviderRow, ProviderSettings, ProviderSpec},
};
use store::{certificates::CertificateScope, providers::DnsProvider};
use tokio::sync::OwnedMutexGuard;

use crate::{Actor, Control, failure::StoreResultExt as _};

/// Lists all providers by name.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<ProviderRow>, Error> {
    let _: Permit<ProviderRead> = actor.permit()?;
    let all = control.store().read(store::providers::list).await;
    all.into_model("list DNS providers")
}

/// Returns a provider.
///
/// # Errors
/// [`Error::NotFound`] when no provider has this name.
pub async fn get(control: &Control, actor: &Actor, name: &Label) -> Result<ProviderRow, Error> {
    let all = list(control, actor).await?;
    all.into_iter()
        .find(|provider| provider.name == *name)
        .ok_or(Error::not_found(Kind::Provider))
}

/// Adds a provider without sending a request to it; see [`test()`].
///
/// # Errors
/// [`Error::Invalid`] for a name that exists, or an invalid secret.
pub async fn create(
    control: &Control,
    actor: &Actor,
    spec: ProviderSpec,
) -> Result<ProviderId, Error> {
    let permit: Permit<ProviderManage> = actor.permit()?;
    let Some(secret) = &spec.secret else {
        return Err(Error::invalid_field("secret", "Enter the secret."));
    };
    validate_settings(control, &spec.settings, secret)?;
    let key = control.store().secret_key().clone();
    let id = control
        .store()
        .write(move |c| store::providers::insert(c, permit, &key, &spec))
        .await
        .into_model("create DNS provider")?;
    publish_change(control, id);
    Ok(id)
}

/// Changes a provider. The stored secret is sent only to the same server as before.
///
/// # Errors
/// As for [`create`]; [`Error::NotFound`] when the provider does not exist, [`Error::Conflict`]
/// while records of Holdfast exist at the previous server or zone.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: ProviderId,
    spec: ProviderSpec,
) -> Result<(), Error> {
    let permit: Permit<ProviderManage> = actor.permit()?;
    let before = record(control, id)
        .await?
        .ok_or(Error::not_found(Kind::Provider))?;
    if spec.secret.is_none() && server_of(&before.row.settings) != server_of(&spec.settings) {
        let message = "Enter the secret again, because it is sent to a new address.";
        return Err(Error::invalid_field("secret", message));
    }
    validate_settings(
        control,
        &spec.settings,
        spec.secret.as_ref().unwrap_or(&before.secret),
    )?;
    let (key, clock) = (control.store().secret_key().clone(), control.clock());
    let moves_records = record_location(&before.row.settings) != record_location(&spec.settings);
    control
        .store()
        .write(move |c| {
            if moves_records && store::dns_records::has_records(c, id)? {
                let message = "Records of Holdfast exist at the current server. Add the new \
                    server as another DNS provider and select that for the domains.";
                return Ok(Err(Error::conflict(message)));
            }
            store::providers::update(c, permit, &key, id, &spec)?;
            let now = clock.now(c)?;
            let scope = CertificateScope::DnsProvider(id);
            store::certificates::revoke_leases(c, permit.narrow(), scope)?;
            store::certificates::retry_failed(c, permit.narrow(), scope, now)?;
            store::dns_records::retry_failed(c, permit, id, now)?;
            Ok(Ok(()))
        })
        .await
        .into_model("update DNS provider")??;
    publish_change(control, id);
    control.issuance_wakeup().notify();
    Ok(())
}

/// Tests a provider with a domain, one check after another. Creates and removes a test record.
///
/// # Errors
/// [`Error::NotFound`] when the provider does not exist.
pub async fn test(
    control: &Control,
    actor: &Actor,
    id: ProviderId,
    domain: &Domain,
) -> Result<Vec<ProviderCheck>, Error> {
    let _: Permit<ProviderTest> = actor.permit()?;
    let record = record(control, id)
        .await?
        .ok_or(Error::not_found(Kind::Provider))?;
    let provider = open(control, &record).map_err(Error::conflict)?;
    let _guard = lock_exclusive(control, &record.row).map_err(|ProviderBusy| {
        Error::conflict("This DNS provider is in use by a DNS-01 challenge. Try again in a minute.")
    })?;
    Ok(provider.test(domain).await)
}

/// Deletes a provider.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the provider's name, [`Error::Conflict`] while domains
/// use the provider, or records of Holdfast have not been removed there yet.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: ProviderId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<ProviderManage> = actor.permit()?;
    let confirm = confirm.trim().to_owned();
    let result = control
        .store()
        .write(move |c| {
            let all = store::providers::list(c)?;
            let Some(present) = all.into_iter().find(|provider| provider.id == id) else {
                return Ok(Err(Error::not_found(Kind::Provider)));
            };
            if present.name.as_str() != confirm {
                let message = format!("Type {} to delete the DNS provider.", present.name);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            store::providers::delete(c, permit, id)?;
            Ok(Ok(()))
        })
        .await;
    if result == Err(store::Error::InUse) {
        let message = "Domains use this DNS provider. Select another for them, then wait until \
            Holdfast has deleted its records.";
        return Err(Error::conflict(message));
    }
    result.into_model("delete DNS provider")??;
    publish_change(control, id);
    Ok(())
}

/// A provider with its secret, or `None` if it does not exist.
pub(crate) async fn record(
    control: &Control,
    id: ProviderId,
) -> Result<Option<DnsProvider>, Error> {
    let key = control.store().secret_key().clone();
    let record = control
        .store()
        .read(move |c| store::providers::get(c, &key, id))
        .await;
    record.into_model("get DNS provider")
}

/// Creates the client of a provider, or returns the error in its settings.
pub(crate) fn open(
    control: &Control,
    record: &DnsProvider,
) -> Result<Box<dyn dns::Provider>, String> {
    let options = control.dns();
    dns::open(&record.row.settings, &record.secret, options).map_err(|error| error.to_string())
}

/// Another certificate is using a provider that keeps few values.
pub(crate) struct ProviderBusy;

/// Locks a provider that keeps two values per name, such as acme-dns: a third value would replace
/// another challenge. Other providers need no lock.
pub(crate) fn lock_exclusive(
    control: &Control,
    provider: &ProviderRow,
) -> Result<Option<OwnedMutexGuard<()>>, ProviderBusy> {
    if provider.settings.kind() != ProviderKind::AcmeDns {
        return Ok(None);
    }
    let guard = control.0.mutexes.providers.try_lock(provider.id);
    guard.map(Some).ok_or(ProviderBusy)
}

fn validate_settings(
    control: &Control,
    settings: &ProviderSettings,
    secret: &model::providers::AccountSecret,
) -> Result<(), Error> {
    match dns::open(settings, secret, control.dns()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::invalid_field("secret", error.to_string())),
    }
}

/// The server that a secret is sent to.
fn server_of(settings: &ProviderSettings) -> String {
    match settings {
        ProviderSettings::Cloudflare => "cloudflare".to_owned(),
        ProviderSettings::Rfc2136 { server, .. } => format!("rfc2136 {server}"),
        ProviderSettings::AcmeDns { server, .. } => format!("acme-dns {server}"),
    }
}

/// The server and zone that keep the records.
fn record_location(settings: &ProviderSettings) -> (String, Option<&Domain>) {
    match settings {
        ProviderSettings::Cloudflare | ProviderSettings::AcmeDns { .. } => {
            (server_of(settings), None)
        }
        ProviderSettings::Rfc2136 { zone, .. } => (server_of(settings), Some(zone)),
    }
}

fn publish_change(control: &Control, id: ProviderId) {
    let event = Event::of(Topic::Provider, id.0);
    control.notifier().publish(event);
}
