//! Whom Holdfast believes to be a cluster: the certificate that a person confirmed, and those of
//! further nodes that the cluster vouches for over that connection.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::join_all;
use model::{
    Error,
    clusters::{ApiUrl, Fingerprint},
};
use proxmox::{Client, Node};
use store::clusters::Access;

use crate::{failure::internal, proxmoxes};

/// How long a server may take to show its certificate.
const PATIENCE: Duration = Duration::from_secs(5);

/// The certificate that a server shows.
///
/// # Errors
/// [`Error::Invalid`] at `url` when there is none.
pub(super) async fn certificate(url: &ApiUrl) -> Result<Fingerprint, Error> {
    let shown = proxmox::fetch_fingerprint(url.as_str(), PATIENCE)
        .await
        .map_err(|error| Error::field("url", error.to_string()))?;
    parsed(&shown)
}

fn parsed(shown: &proxmox::Fingerprint) -> Result<Fingerprint, Error> {
    shown
        .to_string()
        .parse()
        .map_err(|e| internal("fingerprint", &e))
}

/// Signs in, and adds the nodes that can be asked instead when the given one is away.
///
/// # Errors
/// [`Error::Invalid`] at the field that is in the way.
pub(super) async fn signed_in(mut access: Access) -> Result<Access, Error> {
    let client = proxmoxes::connect(&access)?;
    let nodes = client.nodes().await.map_err(|error| refused(&error))?;
    if access.url.is_tls() {
        for (_, url, fingerprint) in others(&client, &nodes).await.into_iter().flatten() {
            access.certificates.entry(url).or_insert(fingerprint);
        }
    }
    Ok(access)
}

/// A further node: its name, and its address with its certificate.
pub(super) type Other = (String, ApiUrl, Fingerprint);

/// The nodes beside the one that is asked; those are errors, by name, that show another
/// certificate than the cluster knows, as where an administrator gave a node one of his own.
pub(super) async fn others(client: &Client, nodes: &[Node]) -> Vec<Result<Other, String>> {
    let Ok(status) = client.cluster_status().await else {
        return Vec::new();
    };
    let remote = status.nodes.iter().filter(|node| !node.local);
    let looked = remote.filter_map(|member| {
        let host: Ipv4Addr = member.ip.as_ref()?.parse().ok()?;
        let node = nodes.iter().find(|node| node.node == member.name)?;
        let known = parsed(node.ssl_fingerprint.as_ref()?).ok()?;
        Some(look(member.name.clone(), ApiUrl::of_host(host), known))
    });
    join_all(looked).await
}

/// A node that is away now is believed to have the certificate that its cluster knows.
async fn look(name: String, url: ApiUrl, known: Fingerprint) -> Result<Other, String> {
    match certificate(&url).await {
        Ok(shown) if shown != known => Err(name),
        _ => Ok((name, url, known)),
    }
}

/// What keeps Holdfast from signing in, at its field.
fn refused(error: &proxmox::Error) -> Error {
    use proxmox::Error as E;
    let field = match error {
        E::CertificateChanged { .. } => "fingerprint",
        E::SecondFactor { .. } => "login",
        E::PasswordRefused { .. } | E::Unauthorized { .. } => "secret",
        E::Unreachable { .. } | E::Timeout { .. } | E::Tls { .. } | E::Protocol { .. } => "url",
        other => return super::told(other),
    };
    Error::field(field, error.to_string())
}
