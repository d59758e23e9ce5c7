//! Hosts.

use leptos::prelude::*;
use model::{
    HostId,
    hosts::{
        HostDetail, HostForm, HostRow, IssuedJoinToken,
        files::{FileQuery, FileSelection},
    },
};

use super::RequestError;

/// Lists all hosts.
///
/// # Errors
/// As `control::hosts::list`.
#[server(prefix = "/api/ui", endpoint = "hosts/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<HostRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::hosts::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets one host.
///
/// # Errors
/// As `control::hosts::get`.
#[server(prefix = "/api/ui", endpoint = "hosts/get", input = server_fn::codec::Json)]
pub async fn get(site: String, name: String) -> Result<HostDetail, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let (site, name) = names(&site, &name)?;
    control::hosts::get(&control, &actor, &site, &name)
        .await
        .map_err(super::into_request_error)
}

/// Lists the files of a host. A non-empty `path` selects one.
///
/// # Errors
/// As `control::hosts::browse_files`.
#[server(prefix = "/api/ui", endpoint = "hosts/browse-files", input = server_fn::codec::Json)]
pub async fn browse_files(
    site: String,
    name: String,
    query: FileQuery,
    path: String,
) -> Result<FileSelection, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let (site, name) = names(&site, &name)?;
    control::hosts::browse_files(&control, &actor, &site, &name, query, path)
        .await
        .map_err(super::into_request_error)
}

/// Creates a host and its join token. The token is returned only here.
///
/// # Errors
/// Refused fields; as `control::hosts::create`.
#[server(prefix = "/api/ui", endpoint = "hosts/create", input = server_fn::codec::Json)]
pub async fn create(form: HostForm) -> Result<IssuedJoinToken, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let (site, name) = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::hosts::create(&control, &actor, site, name)
        .await
        .map_err(super::into_request_error)
}

/// Creates a new join token for a host. The token is returned only here.
///
/// # Errors
/// As `control::hosts::renew_join_token`.
#[server(prefix = "/api/ui", endpoint = "hosts/renew-join-token", input = server_fn::codec::Json)]
pub async fn renew_join_token(id: HostId) -> Result<IssuedJoinToken, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::hosts::renew_join_token(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Makes a host the site's DHCP server as soon as the current one has stopped.
///
/// # Errors
/// As `control::hosts::hand_over_dhcp`.
#[server(prefix = "/api/ui", endpoint = "hosts/hand-over-dhcp", input = server_fn::codec::Json)]
pub async fn hand_over_dhcp(id: HostId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::hosts::hand_over_dhcp(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Makes a host the site's DHCP server immediately; requires its name to be typed.
///
/// # Errors
/// As `control::hosts::force_dhcp`.
#[server(prefix = "/api/ui", endpoint = "hosts/force-dhcp", input = server_fn::codec::Json)]
pub async fn force_dhcp(id: HostId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::hosts::force_dhcp(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a host; requires its name to be typed.
///
/// # Errors
/// As `control::hosts::delete`.
#[server(prefix = "/api/ui", endpoint = "hosts/delete", input = server_fn::codec::Json)]
pub async fn delete(id: HostId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::hosts::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}

/// Parses the names in a URL. An invalid name is treated as not found.
#[cfg(feature = "ssr")]
fn names(
    site: &str,
    name: &str,
) -> Result<(model::names::Label, model::names::Label), RequestError> {
    match (site.parse(), name.parse()) {
        (Ok(site), Ok(name)) => Ok((site, name)),
        _ => Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Host,
        })),
    }
}
