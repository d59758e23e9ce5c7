//! Trust in a cluster's certificates: the certificate that an administrator confirmed, and those of
//! further nodes that the cluster reports over that connection.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::join_all;
use model::{Error, clusters::ApiUrl, fingerprint::Fingerprint};
use proxmox::{Client, Node};
use store::clusters::ConnectionSettings;

use crate::{cluster_clients, failure::internal};

/// The timeout for fetching a server's certificate.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches the fingerprint of a server's certificate.
///
/// # Errors
/// [`Error::Invalid`] at `url` when the certificate cannot be fetched.
pub(super) async fn fetch_fingerprint(url: &ApiUrl) -> Result<Fingerprint, Error> {
    let fetched = proxmox::fetch_fingerprint(url.as_str(), FETCH_TIMEOUT)
        .await
        .map_err(|error| Error::invalid_field("url", error.to_string()))?;
    parse_fingerprint(&fetched)
}

fn parse_fingerprint(fetched: &proxmox::Fingerprint) -> Result<Fingerprint, Error> {
    fetched
        .to_string()
        .parse()
        .map_err(|e| internal("parse reported cluster fingerprint", &e))
}

/// Signs in and adds the other nodes, which are used when the given node is unreachable.
///
/// # Errors
/// [`Error::Invalid`] at the field that prevents the sign-in.
pub(super) async fn sign_in(mut access: ConnectionSettings) -> Result<ConnectionSettings, Error> {
    let client = cluster_clients::connect(&access)?;
    let nodes = client
        .nodes()
        .await
        .map_err(|error| sign_in_error(&error))?;
    if access.url.is_tls() {
        for (_, url, fingerprint) in fetch_other_nodes(&client, &nodes)
            .await
            .into_iter()
            .flatten()
        {
            access.pinned_certificates.entry(url).or_insert(fingerprint);
        }
    }
    Ok(access)
}

/// Another node: its name, its address and its certificate.
pub(super) type OtherNode = (String, ApiUrl, Fingerprint);

/// The nodes other than the connected one. A node whose certificate differs from the one that the
/// cluster reports is an error with its name, for example where an administrator installed a custom
/// one.
pub(super) async fn fetch_other_nodes(
    client: &Client,
    nodes: &[Node],
) -> Vec<Result<OtherNode, String>> {
    let Ok(status) = client.cluster_status().await else {
        return Vec::new();
    };
    let remote = status.nodes.iter().filter(|node| !node.local);
    let checks = remote.filter_map(|member| {
        let host: Ipv4Addr = member.ip.as_ref()?.parse().ok()?;
        let node = nodes.iter().find(|node| node.node == member.name)?;
        let reported = parse_fingerprint(node.ssl_fingerprint.as_ref()?).ok()?;
        Some(check_node(
            member.name.clone(),
            ApiUrl::from_host(host),
            reported,
        ))
    });
    join_all(checks).await
}

/// For an unreachable node, trusts the certificate that the cluster reports.
async fn check_node(name: String, url: ApiUrl, reported: Fingerprint) -> Result<OtherNode, String> {
    match fetch_fingerprint(&url).await {
        Ok(fetched) if fetched != reported => Err(name),
        _ => Ok((name, url, reported)),
    }
}

/// Maps a failed sign-in to the form field that causes it.
fn sign_in_error(error: &proxmox::Error) -> Error {
    use proxmox::Error as E;
    let field = match error {
        E::CertificateChanged { .. } => "fingerprint",
        E::SecondFactor { .. } => "account",
        E::PasswordRefused { .. } | E::Unauthorized { .. } => "secret",
        E::Unreachable { .. } | E::Timeout { .. } | E::Tls { .. } | E::Protocol { .. } => "url",
        error => return super::to_user_error(error),
    };
    Error::invalid_field(field, error.to_string())
}
