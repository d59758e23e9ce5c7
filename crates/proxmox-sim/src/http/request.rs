//! Processing of a request in the order of Proxmox: transport, authentication, route, body,
//! parameters, handler. The handlers are in [`crate::api`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use tokio_util::sync::CancellationToken;

use crate::access::auth::{AccessRequest, AccessRule};
use crate::api;
use crate::authentication::authenticate;
use crate::call::{ApiResponse, Call};
use crate::cluster::core::{Core, lock, lock_timeout};
use crate::error::{ApiError, Result};
use crate::faults::Effect;
use crate::http::body;
use crate::http::reply::{self, Format};
use crate::params::{Raw, RawParams};
use crate::tasks::failure;

/// Maximum size of a request body in Proxmox.
const BODY_LIMIT: usize = 512 * 1024;

/// The connection of a request. Canceling the token closes it immediately.
#[derive(Clone)]
pub(crate) struct Connection(pub(crate) CancellationToken);

/// The service for one connection. It has a single route, because Proxmox checks authentication
/// before the path.
pub(crate) fn service(core: Arc<Core>, connection: Connection) -> Router {
    Router::new()
        .fallback(receive)
        .layer(Extension(connection))
        .with_state(core)
}

async fn receive(
    State(core): State<Arc<Core>>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let method = request.method().as_str().to_owned();
    let decoded = percent_decode_str(request.uri().path())
        .decode_utf8_lossy()
        .into_owned();
    let path = decoded
        .strip_prefix("/api2/json")
        .or_else(|| decoded.strip_prefix("/api2/extjs"))
        .unwrap_or(&decoded)
        .to_owned();
    *lock(&core.requests)
        .entry(format!("{method} {}", counted_path(&path)))
        .or_default() += 1;
    tracing::debug!(%method, %path, "request received");

    let effect = lock(&core.faults).take(&method, &path);
    match effect {
        Some(Effect::Drop) => close_without_response(&connection).await,
        Some(Effect::Hang) => std::future::pending().await,
        Some(Effect::Respond { status, message }) => reply::injected(status, &message),
        Some(Effect::Delay(time)) => {
            tokio::time::sleep(time).await;
            respond(&core, request, &decoded, None).await
        }
        Some(Effect::DropResponse) => {
            respond(&core, request, &decoded, None).await;
            close_without_response(&connection).await
        }
        Some(task_effect @ (Effect::FailTask(_) | Effect::StorageFull | Effect::LockTimeout)) => {
            respond(&core, request, &decoded, Some(task_effect)).await
        }
        None => respond(&core, request, &decoded, None).await,
    }
}

/// The path under which a request is counted. Task IDs are replaced by `{upid}`, which bounds the
/// number of entries.
fn counted_path(path: &str) -> String {
    let part = |part: &str| {
        if part.starts_with("UPID:") {
            "{upid}".to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Closes the connection without a response.
async fn close_without_response(connection: &Connection) -> Response {
    connection.0.cancel();
    std::future::pending().await
}

async fn respond(
    core: &Arc<Core>,
    request: Request,
    path: &str,
    task_effect: Option<Effect>,
) -> Response {
    let format = Format::from_path(path);
    let key = header(request.headers(), SEC_WEBSOCKET_KEY.as_str()).to_owned();
    match process(core, request, path, task_effect).await {
        Ok(response) if response.upgrades => reply::upgrade(&key),
        Ok(response) => reply::success(response, format),
        Err(error) => {
            if matches!(error, ApiError::Unauthorized(_) | ApiError::WrongPassword) {
                tokio::time::sleep(core.config.auth_delay).await;
            }
            reply::failure(error, format)
        }
    }
}

async fn process(
    core: &Arc<Core>,
    request: Request,
    path: &str,
    task_effect: Option<Effect>,
) -> Result<ApiResponse> {
    let method = request.method().as_str().to_owned();
    check_transport(&method, request.headers())?;
    let segments = api_segments(path)?;
    let matched = api::find(&method, &segments);
    let access_rule = matched
        .as_ref()
        .map_or(AccessRule::All, |(route, _)| route.access_rule);
    let caller = authenticate(core, request.headers(), &method, access_rule)?;
    let (route, variables) = matched.ok_or_else(|| ApiError::NoSuchMethod {
        method: method.clone(),
        path: format!("/{}", segments.join("/")),
    })?;
    let mut sent = read_parameters(&method, request).await?;
    merge_variables(&mut sent, &variables)?;
    if route.ticket_only && caller.token().is_some() {
        let path = segments.join("/");
        return Err(ApiError::Forbidden(format!(
            "URI '/{path}' not available with API token, need proper ticket.\n"
        )));
    }
    check_node(core, &variables)?;
    core.read(|state| {
        let access = AccessRequest {
            directory: &state.directory,
            caller: &caller,
            sent: &sent,
        };
        access.check(access_rule)
    })?;
    let params = route.schema.validate(&sent)?;
    check_quorum(core, &method, &segments)?;
    let failure = match task_effect {
        Some(Effect::LockTimeout) if route.locks => return Err(lock_timeout(params.vmid()).into()),
        Some(task_effect) => failure::from_effect(core, &segments, &params, task_effect),
        None => None,
    };
    let guard = if route.locks {
        Some(core.lock_config(params.vmid()).await?)
    } else {
        None
    };
    let response = (route.handler)(&Call {
        core: core.clone(),
        method: route.method,
        caller,
        params,
        failure,
    });
    drop(guard);
    response
}

fn check_transport(method: &str, headers: &HeaderMap) -> Result<()> {
    let rejected = |status, reason: String, body: String| {
        Err(ApiError::Transport {
            status,
            reason,
            body,
        })
    };
    if !matches!(method, "GET" | "POST" | "PUT" | "DELETE") {
        return rejected(
            501,
            format!("method '{method}' not available"),
            String::new(),
        );
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        let reason = "chunked transfer encoding not supported".to_owned();
        return rejected(501, reason.clone(), reason);
    }
    let length = header(headers, CONTENT_LENGTH.as_str())
        .parse::<usize>()
        .unwrap_or(0);
    if length > BODY_LIMIT {
        return rejected(
            501,
            "for data too large".into(),
            "for data too large".into(),
        );
    }
    if matches!(method, "GET" | "DELETE") && length > 0 {
        let reason = format!("Unexpected content for method '{method}'");
        return rejected(501, reason.clone(), reason);
    }
    let kind = content_type(headers);
    let is_supported =
        ["", "application/x-www-form-urlencoded", "application/json"].contains(&kind);
    if matches!(method, "POST" | "PUT") && !is_supported {
        let reason = format!("upload 'Content-Type '{kind}' not implemented");
        return rejected(506, reason.clone(), reason);
    }
    Ok(())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = header(headers, CONTENT_TYPE.as_str());
    value.split(';').next().unwrap_or_default().trim()
}

/// The path segments after `/api2/json` or `/api2/extjs`. Double and trailing slashes are ignored.
fn api_segments(path: &str) -> Result<Vec<&str>> {
    let mut segments = path.split('/').filter(|part| !part.is_empty());
    let rejected = |reason: String| {
        Err(ApiError::Transport {
            status: 501,
            body: reason.clone(),
            reason,
        })
    };
    match (segments.next(), segments.next()) {
        (Some("api2"), Some("json" | "extjs")) => Ok(segments.collect()),
        (Some("api2"), Some(format)) => {
            let rest: Vec<&str> = segments.collect();
            rejected(format!(
                "no formatter for uri /{}, {format}",
                rest.join("/")
            ))
        }
        _ => rejected("no such uri".into()),
    }
}

/// Merges query and body parameters. The query takes precedence.
async fn read_parameters(method: &str, request: Request) -> Result<RawParams> {
    let query = body::form(request.uri().query().unwrap_or_default());
    let mut sent = RawParams::new();
    if matches!(method, "POST" | "PUT") {
        let is_json = content_type(request.headers()) == "application/json";
        let bytes = axum::body::to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| ApiError::failed("reading the request failed"))?;
        sent = if is_json {
            body::json(&bytes)?
        } else {
            body::form(&String::from_utf8_lossy(&bytes))
        };
    }
    sent.extend(query);
    sent.remove("_dc");
    Ok(sent)
}

/// Adds the path parameters. A different value in the query or body is an error.
fn merge_variables(sent: &mut RawParams, variables: &[(&'static str, String)]) -> Result<()> {
    const CONFLICT: &str = "duplicate parameter (already defined in URI) with conflicting values!";
    let mut conflicts = BTreeMap::new();
    for (name, value) in variables {
        let raw = Raw::Text(value.clone());
        if sent
            .insert((*name).to_owned(), raw.clone())
            .is_some_and(|other| other != raw)
        {
            conflicts.insert((*name).to_owned(), CONFLICT.to_owned());
        }
    }
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Parameters(conflicts))
    }
}

/// Checks that the node in the URL exists and is online, since requests are proxied to it.
fn check_node(core: &Core, variables: &[(&'static str, String)]) -> Result<()> {
    let Some((_, name)) = variables.iter().find(|(variable, _)| *variable == "node") else {
        return Ok(());
    };
    let Some(node) = core.node(name) else {
        return Err(ApiError::Failed(format!(
            "hostname lookup '{name}' failed - failed to get address info for: {name}: \
             Temporary failure in name resolution"
        )));
    };
    if core.read(|state| state.offline.contains(&node.name)) {
        return Err(ApiError::Unreachable);
    }
    Ok(())
}

/// Rejects writes without quorum. Authentication and canceling a task do not write to the cluster.
fn check_quorum(core: &Core, method: &str, segments: &[&str]) -> Result<()> {
    let writes = match segments {
        ["access", "ticket"] | ["nodes", _, "tasks", _] => false,
        _ => method != "GET",
    };
    if writes && !core.is_quorate() {
        return Err(ApiError::failed("cluster not ready - no quorum?"));
    }
    Ok(())
}
