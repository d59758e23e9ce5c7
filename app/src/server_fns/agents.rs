//! Agents of edge hosts.

use leptos::prelude::*;
use model::{
    AgentId,
    agents::{
        AgentDetail, AgentForm, AgentRow, IssuedJoinToken,
        files::{FileQuery, FileSelection},
    },
};

use super::Failure;

/// Lists all agents.
///
/// # Errors
/// As `control::agents::list`.
#[server(prefix = "/api/ui", endpoint = "agents/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<AgentRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::agents::list(&control, &actor)
        .await
        .map_err(super::into_failure)
}

/// Gets one agent.
///
/// # Errors
/// As `control::agents::get`.
#[server(prefix = "/api/ui", endpoint = "agents/get", input = server_fn::codec::Json)]
pub async fn get(site: String, name: String) -> Result<AgentDetail, Failure> {
    let (control, actor) = super::caller().await?;
    let (site, name) = names(&site, &name)?;
    control::agents::get(&control, &actor, &site, &name)
        .await
        .map_err(super::into_failure)
}

/// The files of an agent's host. A non-empty `path` selects one.
///
/// # Errors
/// As `control::agents::browse_files`.
#[server(prefix = "/api/ui", endpoint = "agents/files", input = server_fn::codec::Json)]
pub async fn files(
    site: String,
    name: String,
    query: FileQuery,
    path: String,
) -> Result<FileSelection, Failure> {
    let (control, actor) = super::caller().await?;
    let (site, name) = names(&site, &name)?;
    control::agents::browse_files(&control, &actor, &site, &name, query, path)
        .await
        .map_err(super::into_failure)
}

/// Creates an agent and its join token. The token is returned only here.
///
/// # Errors
/// Refused fields; as `control::agents::invite`.
#[server(prefix = "/api/ui", endpoint = "agents/invite", input = server_fn::codec::Json)]
pub async fn invite(form: AgentForm) -> Result<IssuedJoinToken, Failure> {
    let (control, actor) = super::caller().await?;
    let (site, name) = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    control::agents::create(&control, &actor, site, name)
        .await
        .map_err(super::into_failure)
}

/// Creates a new join token for an agent. The token is returned only here.
///
/// # Errors
/// As `control::agents::invite_again`.
#[server(prefix = "/api/ui", endpoint = "agents/invite-again", input = server_fn::codec::Json)]
pub async fn invite_again(id: AgentId) -> Result<IssuedJoinToken, Failure> {
    let (control, actor) = super::caller().await?;
    control::agents::renew_join_token(&control, &actor, id)
        .await
        .map_err(super::into_failure)
}

/// Makes an agent the site's DHCP server as soon as the current one has stopped.
///
/// # Errors
/// As `control::agents::give_addresses`.
#[server(prefix = "/api/ui", endpoint = "agents/give-addresses", input = server_fn::codec::Json)]
pub async fn give_addresses(id: AgentId) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::agents::hand_over_dhcp(&control, &actor, id)
        .await
        .map_err(super::into_failure)
}

/// Makes an agent the site's DHCP server immediately; requires its name to be typed.
///
/// # Errors
/// As `control::agents::take_addresses`.
#[server(prefix = "/api/ui", endpoint = "agents/take-addresses", input = server_fn::codec::Json)]
pub async fn take_addresses(id: AgentId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::agents::force_dhcp(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}

/// Deletes an agent; requires its name to be typed.
///
/// # Errors
/// As `control::agents::delete`.
#[server(prefix = "/api/ui", endpoint = "agents/delete", input = server_fn::codec::Json)]
pub async fn delete(id: AgentId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::agents::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}

/// Parses the names in a URL. An invalid name is treated as not found.
#[cfg(feature = "ssr")]
fn names(site: &str, name: &str) -> Result<(model::names::Label, model::names::Label), Failure> {
    match (site.parse(), name.parse()) {
        (Ok(site), Ok(name)) => Ok((site, name)),
        _ => Err(super::into_failure(model::Error::NotFound {
            kind: model::Kind::Agent,
        })),
    }
}
