//! Certificates of domains. Private keys can be uploaded but are never returned.

use leptos::prelude::*;
use model::{
    CertificateId, DomainId,
    certificates::{
        CertificateDetail, CertificateList, CertificateQuery, CertificateRow, UploadForm,
    },
};

use super::RequestError;

/// Lists all certificates, or those of one domain.
///
/// # Errors
/// As `control::certificates::list`.
#[server(prefix = "/api/ui", endpoint = "certificates/list", input = server_fn::codec::Json)]
pub async fn list(of: Option<DomainId>) -> Result<Vec<CertificateRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::list(&control, &actor, of)
        .await
        .map_err(super::into_request_error)
}

/// Lists a page of certificates, ordered by domain.
///
/// # Errors
/// As `control::certificates::find`.
#[server(prefix = "/api/ui", endpoint = "certificates/find", input = server_fn::codec::Json)]
pub async fn find(query: CertificateQuery) -> Result<CertificateList, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::find(&control, &actor, &query)
        .await
        .map_err(super::into_request_error)
}

/// Gets the certificate with the id in the URL, with its history.
///
/// # Errors
/// As `control::certificates::get`.
#[server(prefix = "/api/ui", endpoint = "certificates/get", input = server_fn::codec::Json)]
pub async fn get(key: String) -> Result<CertificateDetail, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(id) = key.parse() else {
        // An invalid id is treated as not found.
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Certificate,
        }));
    };
    control::certificates::get(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Stores an uploaded certificate.
///
/// # Errors
/// Refused fields; as `control::certificates::upload`.
#[server(prefix = "/api/ui", endpoint = "certificates/upload", input = server_fn::codec::Json)]
pub async fn upload(form: UploadForm) -> Result<CertificateId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let domain = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::certificates::upload(&control, &actor, domain, (form.chain, form.key))
        .await
        .map_err(super::into_request_error)
}

/// Retries an issuance immediately.
///
/// # Errors
/// As `control::certificates::retry`.
#[server(prefix = "/api/ui", endpoint = "certificates/retry", input = server_fn::codec::Json)]
pub async fn retry(id: CertificateId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::retry(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Renews a certificate immediately.
///
/// # Errors
/// As `control::certificates::renew`.
#[server(prefix = "/api/ui", endpoint = "certificates/renew", input = server_fn::codec::Json)]
pub async fn renew(id: CertificateId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::renew(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Revokes a certificate at its CA; requires the hostname to be typed.
///
/// # Errors
/// As `control::certificates::revoke`.
#[server(prefix = "/api/ui", endpoint = "certificates/revoke", input = server_fn::codec::Json)]
pub async fn revoke(id: CertificateId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::revoke(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}

/// Deletes an uploaded certificate; requires the hostname to be typed.
///
/// # Errors
/// As `control::certificates::delete`.
#[server(prefix = "/api/ui", endpoint = "certificates/delete", input = server_fn::codec::Json)]
pub async fn delete(id: CertificateId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::certificates::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
