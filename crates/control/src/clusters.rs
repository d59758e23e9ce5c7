//! Clusters: list, show, add, update and remove. Requests to a cluster are in the submodules;
//! nothing here changes anything on a cluster.

mod findings;
pub(crate) mod firewall;
mod import;
mod trust;

use model::{
    ClusterId, Error, Kind,
    clusters::{ApiUrl, ClusterDetail, ClusterSpec, ObservedContainer, PresentedCertificate},
    events::{Event, Topic},
    fingerprint::Fingerprint,
    names::Label,
    nodes::ClusterView,
    permissions::{ClusterManage, ClusterRead, Permit},
};
use store::clusters::{ClusterRecord, ConnectionSettings};

pub use findings::check;
pub use import::import;

use crate::{
    Actor, Control,
    failure::{StoreResultExt as _, internal},
};

/// Lists the clusters with their nodes and the age of that information. Reads the observed state
/// and sends no request to a cluster.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<ClusterView>, Error> {
    let _: Permit<ClusterRead> = actor.permit()?;
    let observer = control.observer();
    let mut all: Vec<ClusterView> = control
        .0
        .clients
        .all()
        .into_iter()
        .map(|(id, url)| observer.view(id, url))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Returns a cluster with its containers that Holdfast does not manage. Sends no request to the
/// cluster.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator; [`Error::NotFound`].
pub async fn get(control: &Control, actor: &Actor, name: &str) -> Result<ClusterDetail, Error> {
    let _: Permit<ClusterManage> = actor.permit()?;
    let ClusterRecord { id, connection } = by_name(control, name).await?;
    let (sites, managed) = control
        .store()
        .read(move |c| {
            let sites = store::sites::list(c)?;
            Ok((sites, store::containers::list_vmids_by_cluster(c, id)?))
        })
        .await
        .into_model("get cluster")?;
    let sites: Vec<Label> = sites
        .into_iter()
        .filter(|site| site.spec.cluster == id)
        .map(|site| site.spec.name)
        .collect();
    let is_managed = |vmid: u32| {
        managed
            .iter()
            .any(|(managed_vmid, ..)| *managed_vmid == vmid)
    };
    let unmanaged: Vec<ObservedContainer> = control
        .observer()
        .containers(id)
        .into_iter()
        .filter(|guest| !is_managed(guest.vmid))
        .collect();
    let fallback_urls = connection
        .pinned_certificates
        .keys()
        .filter(|url| **url != connection.url);
    Ok(ClusterDetail {
        view: control.observer().view(id, connection.url.to_string()),
        fallback_urls: fallback_urls.cloned().collect(),
        fingerprint: connection.pinned_certificates.get(&connection.url).cloned(),
        account: connection.account,
        sites,
        unmanaged,
    })
}

/// Fetches the fingerprint of a server's certificate, for the administrator to compare. Sends no
/// credentials.
///
/// # Errors
/// [`Error::Invalid`] at `url` when the server is unreachable.
pub async fn fetch_certificate(
    _: &Control,
    actor: &Actor,
    url: ApiUrl,
) -> Result<PresentedCertificate, Error> {
    let _: Permit<ClusterManage> = actor.permit()?;
    let fingerprint = match url.is_tls() {
        true => Some(trust::fetch_fingerprint(&url).await?),
        false => None,
    };
    Ok(PresentedCertificate { url, fingerprint })
}

/// Adds a cluster after a successful sign-in.
///
/// # Errors
/// [`Error::Invalid`] at the field that prevents the sign-in, and for a name that exists.
pub async fn create(control: &Control, actor: &Actor, spec: ClusterSpec) -> Result<Label, Error> {
    let permit: Permit<ClusterManage> = actor.permit()?;
    let name = spec.name.clone();
    let secret = spec
        .secret
        .as_ref()
        .map(|secret| secret.as_str().to_owned())
        .ok_or_else(|| {
            Error::invalid_field("secret", "Enter the token's secret or the user's password.")
        })?;
    let access = trust::sign_in(access(spec, secret)).await?;
    let key = control.store().secret_key().clone();
    let id = control
        .store()
        .write(move |c| store::clusters::insert(c, permit, &key, &access))
        .await
        .into_model("create cluster")?;
    reload(control, id).await?;
    Ok(name)
}

/// Changes a cluster's name, address or credentials after a successful sign-in.
///
/// # Errors
/// As for [`create`]; [`Error::NotFound`].
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: ClusterId,
    spec: ClusterSpec,
) -> Result<Label, Error> {
    let permit: Permit<ClusterManage> = actor.permit()?;
    let name = spec.name.clone();
    let current = record(control, id).await?.connection;
    let secret = match &spec.secret {
        Some(secret) => secret.as_str().to_owned(),
        // The stored secret is sent only with the same account and to a known address.
        None if current.account != spec.account => {
            let message = format!("Enter the secret of {}.", spec.account);
            return Err(Error::invalid_field("secret", message));
        }
        None if current.url != spec.url && !current.pinned_certificates.contains_key(&spec.url) => {
            let message = "Enter the secret again, because it is sent to a new address.";
            return Err(Error::invalid_field("secret", message));
        }
        None => current.secret,
    };
    let access = trust::sign_in(access(spec, secret)).await?;
    let key = control.store().secret_key().clone();
    control
        .store()
        .write(move |c| store::clusters::update(c, permit, &key, id, &access))
        .await
        .into_model("update cluster")?;
    reload(control, id).await?;
    Ok(name)
}

/// Removes a cluster that has no sites. Nothing on the cluster changes.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the cluster's name, [`Error::Conflict`] while it has
/// sites.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: ClusterId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<ClusterManage> = actor.permit()?;
    let name = record(control, id).await?.connection.name;
    if name != confirm.trim() {
        let message = format!("Type {name} to remove the cluster.");
        return Err(Error::invalid_field("confirm", message));
    }
    let result = control
        .store()
        .write(move |c| store::clusters::delete(c, permit, id))
        .await;
    if result == Err(store::Error::InUse) {
        let message = format!("{name} has sites. Delete them first.");
        return Err(Error::conflict(message));
    }
    result.into_model("delete cluster")?;
    control.0.clients.remove(id);
    control.observer().remove_cluster(id);
    publish_change(control);
    Ok(())
}

fn access(spec: ClusterSpec, secret: String) -> ConnectionSettings {
    let certificates = spec
        .fingerprint
        .map(|fingerprint: Fingerprint| (spec.url.clone(), fingerprint));
    ConnectionSettings {
        name: spec.name.to_string(),
        pinned_certificates: certificates.into_iter().collect(),
        url: spec.url,
        account: spec.account,
        secret,
    }
}

/// Applies the stored access of a cluster and waits for its next observation.
async fn reload(control: &Control, id: ClusterId) -> Result<(), Error> {
    control.load_clusters().await?;
    let observer = control.observer();
    observer.wake(id);
    observer
        .wait_for_next_observation(id, std::time::Duration::from_secs(5))
        .await;
    publish_change(control);
    Ok(())
}

async fn by_name(control: &Control, name: &str) -> Result<ClusterRecord, Error> {
    let (key, name) = (control.store().secret_key().clone(), name.to_owned());
    control
        .store()
        .read(move |c| store::clusters::get_by_name(c, &key, &name))
        .await
        .into_model("get cluster by name")?
        .ok_or(Error::not_found(Kind::Cluster))
}

async fn record(control: &Control, id: ClusterId) -> Result<ClusterRecord, Error> {
    let key = control.store().secret_key().clone();
    control
        .store()
        .read(move |c| store::clusters::get(c, &key, id))
        .await
        .into_model("get cluster record")?
        .ok_or(Error::not_found(Kind::Cluster))
}

/// The client of an existing cluster.
fn client(control: &Control, id: ClusterId) -> Result<proxmox::Client, Error> {
    control
        .0
        .clients
        .get(id)
        .ok_or(Error::not_found(Kind::Cluster))
}

/// Converts a failed request to an error for the user.
fn to_user_error(error: &proxmox::Error) -> Error {
    match error {
        proxmox::Error::InvalidArgument { .. } => internal("query cluster", error),
        _ => Error::Unavailable {
            message: match error.proxmox_message() {
                Some(message) => format!("{error} Proxmox says: {message}"),
                None => error.to_string(),
            },
        },
    }
}

fn publish_change(control: &Control) {
    control.notifier().publish(Event::all(Topic::Nodes));
}
