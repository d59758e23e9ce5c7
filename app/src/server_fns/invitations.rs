//! Invitations. The functions for invited people need a token in place of a session.

use leptos::prelude::*;
use model::{
    InvitationId,
    invitations::{AcceptanceForm, InvitationForm, InvitationRow, IssuedInvitation},
    page::Page,
};

use super::RequestError;

/// Lists a page of the invitations that have not been accepted.
///
/// # Errors
/// As `control::invitations::list`.
#[server(prefix = "/api/ui", endpoint = "invitations/list", input = server_fn::codec::Json)]
pub async fn list(page: u32) -> Result<Page<InvitationRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::invitations::list(&control, &actor, page)
        .await
        .map_err(super::into_request_error)
}

/// Creates an invitation and returns its link.
///
/// # Errors
/// Refused fields; as `control::invitations::create`.
#[server(prefix = "/api/ui", endpoint = "invitations/create", input = server_fn::codec::Json)]
pub async fn create(form: InvitationForm) -> Result<IssuedInvitation, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::invitations::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Deletes an invitation.
///
/// # Errors
/// As `control::invitations::delete`.
#[server(prefix = "/api/ui", endpoint = "invitations/delete", input = server_fn::codec::Json)]
pub async fn delete(id: InvitationId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::invitations::delete(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Gets the invitation of a link.
///
/// # Errors
/// As `control::invitations::get`.
#[server(name = GetInvitation, prefix = "/api/ui", endpoint = "invitations/get", input = server_fn::codec::Json)]
pub async fn get(token: String) -> Result<InvitationRow, RequestError> {
    control::invitations::get(&super::control()?, &token)
        .await
        .map_err(super::into_request_error)
}

/// Creates the account of an invitation. The response has the cookies of a session.
///
/// # Errors
/// Refused fields; as `control::invitations::accept`.
#[server(prefix = "/api/ui", endpoint = "invitations/accept", input = server_fn::codec::Json)]
pub async fn accept(token: String, form: AcceptanceForm) -> Result<(), RequestError> {
    let acceptance = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    let (control, client) = (super::control()?, super::client_info().await?);
    let response = super::SessionResponse::obtain()?;
    let session = control::invitations::accept(&control, &token, acceptance, &client)
        .await
        .map_err(super::into_request_error)?;
    response.set(&session);
    Ok(())
}
