//! Trust in a cluster's certificates: the certificate that an administrator confirmed, and those of
//! further nodes that the cluster reports over that connection.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::join_all;
use model::{
    Error,
    clusters::{ApiUrl, Fingerprint},
};
use proxmox::{Client, Node};
use store::clusters::Access;

use crate::{failure::internal, proxmoxes};

/// The timeout for fetching a server's certificate.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fetches the fingerprint of a server's certificate.
///
/// # Errors
/// [`Error::Invalid`] at `url` when the certificate cannot be fetched.
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

/// Signs in and adds the other nodes, which are used when the given node is unreachable.
///
/// # Errors
/// [`Error::Invalid`] at the field that prevents the sign-in.
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

/// Another node: its name, its address and its certificate.
pub(super) type Other = (String, ApiUrl, Fingerprint);

/// The nodes other than the connected one. A node whose certificate differs from the one that the
/// cluster reports is an error with its name, for example where an administrator installed a custom
/// one.
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

/// For an unreachable node, trusts the certificate that the cluster reports.
async fn look(name: String, url: ApiUrl, known: Fingerprint) -> Result<Other, String> {
    match certificate(&url).await {
        Ok(shown) if shown != known => Err(name),
        _ => Ok((name, url, known)),
    }
}

/// Maps a failed sign-in to the form field that causes it.
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
