//! A fake Cloudflare API with zones and records. It rejects what the real API rejects, with the
//! same messages, and can publish its records through a real name server.

mod changes;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{delete, get},
};
use dns::Provider;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// A token that may read zones and edit their DNS.
pub const EDITOR: &str = "Vs3Fv0mBqG9mDlTnBJZgkJ-0TWyL3Yj1c9QyLx5e";
/// A token that may read zones.
pub const READER: &str = "r0mBqG9mDlTnBJZgkJ-0TWyL3Yj1c9QyLx5eVs3F";

#[derive(Clone, Debug)]
pub struct Zone {
    pub id: String,
    pub name: String,
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub id: String,
    pub zone: String,
    pub kind: String,
    pub name: String,
    pub content: String,
    pub ttl: u32,
    pub proxied: bool,
    pub comment: String,
}

/// The behavior of the next calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Normal,
    /// Rate limit, with the `Retry-After` value.
    RateLimited(Option<u32>),
    /// Bad gateway.
    Broken,
    /// Redirect to another address.
    Moved,
    /// An HTML page.
    Website,
}

pub struct ApiState {
    pub zones: Vec<Zone>,
    pub records: Vec<StoredRecord>,
    pub mode: Mode,
    /// Maximum page size, whatever the query says.
    pub page: usize,
    /// Each call: method and path with query.
    pub calls: Vec<String>,
    next: u64,
}

pub struct FakeCloudflare {
    pub state: Arc<Mutex<ApiState>>,
    pub base: String,
}

#[derive(Clone)]
struct ServerState {
    state: Arc<Mutex<ApiState>>,
    names: Option<Arc<dyn Provider>>,
}

impl FakeCloudflare {
    /// Starts with these active zones. With a name server, the records are published there.
    pub async fn start(zones: &[&str], names: Option<Box<dyn Provider>>) -> Self {
        let zones = zones.iter().enumerate().map(|(number, name)| Zone {
            id: format!("{:032x}", number + 0xabc0),
            name: (*name).to_owned(),
            status: "active".to_owned(),
        });
        let state = Arc::new(Mutex::new(ApiState {
            zones: zones.collect(),
            records: Vec::new(),
            mode: Mode::Normal,
            page: 100,
            calls: Vec::new(),
            next: 1,
        }));
        let shared = ServerState {
            state: state.clone(),
            names: names.map(Arc::from),
        };
        let router = Router::new()
            .route("/client/v4/zones", get(list_zones))
            .route(
                "/client/v4/zones/{zone}/dns_records",
                get(list).post(changes::create),
            )
            .route(
                "/client/v4/zones/{zone}/dns_records/{record}",
                delete(changes::remove),
            )
            .fallback(|| async { failure(404, 7000, "No route for that URI") })
            .layer(axum::middleware::from_fn_with_state(shared.clone(), guard))
            .with_state(shared);
        let address = serve(router).await;
        Self {
            state,
            base: format!("http://{address}/client/v4"),
        }
    }

    pub fn set(&self, change: impl FnOnce(&mut ApiState)) {
        change(&mut self.state.lock().unwrap());
    }

    pub fn records(&self) -> Vec<StoredRecord> {
        self.state.lock().unwrap().records.clone()
    }

    /// Inserts a record that the tests did not create through the API.
    pub fn insert(&self, kind: &str, name: &str, content: &str) {
        let mut state = self.state.lock().unwrap();
        let zone = state
            .zones
            .iter()
            .find(|zone| name.ends_with(&zone.name))
            .unwrap();
        let zone = zone.id.clone();
        let id = state.id();
        state.records.push(StoredRecord {
            id,
            zone,
            kind: kind.into(),
            name: name.into(),
            content: content.into(),
            ttl: 1,
            proxied: true,
            comment: String::new(),
        });
    }
}

/// Serves on a free port until the test's runtime ends.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

impl ApiState {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("{:032x}", self.next + 0x372e_6795)
    }
}

fn json_response(status: u16, body: &Json) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (
        StatusCode::from_u16(status).unwrap(),
        json,
        body.to_string(),
    )
        .into_response()
}

fn success(result: &Json) -> Response {
    json_response(
        200,
        &json!({"success": true, "errors": [], "messages": [], "result": result}),
    )
}

fn failure(status: u16, code: u32, message: &str) -> Response {
    let errors = json!([{"code": code, "message": message}]);
    json_response(
        status,
        &json!({"success": false, "errors": errors, "messages": [], "result": null}),
    )
}

/// Checks the token and applies the mode.
async fn guard(
    State(shared): State<ServerState>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let mode = {
        let mut state = shared.state.lock().unwrap();
        state
            .calls
            .push(format!("{} {}", request.method(), request.uri()));
        state.mode
    };
    match mode {
        Mode::Normal => {}
        Mode::RateLimited(after) => {
            let mut limited = failure(
                429,
                971,
                "Please wait and consider throttling your request speed",
            );
            if let Some(after) = after {
                limited
                    .headers_mut()
                    .insert(header::RETRY_AFTER, after.into());
            }
            return limited;
        }
        Mode::Broken => return (StatusCode::BAD_GATEWAY, Html("<h1>502</h1>")).into_response(),
        Mode::Moved => {
            let there = [(header::LOCATION, "http://127.0.0.1:1/stolen")];
            return (StatusCode::TEMPORARY_REDIRECT, there).into_response();
        }
        Mode::Website => return Html("<h1>It works!</h1>").into_response(),
    }
    let tokens: Vec<_> = request
        .headers()
        .get_all(header::AUTHORIZATION)
        .iter()
        .collect();
    let [token] = tokens[..] else {
        return failure(
            400,
            9106,
            "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
        );
    };
    let Some(token) = token.to_str().unwrap().strip_prefix("Bearer ") else {
        return bad_header();
    };
    if token.len() != EDITOR.len() {
        return bad_header();
    }
    let is_reading = request.method() == axum::http::Method::GET;
    match token {
        EDITOR => next.run(request).await,
        READER if is_reading => next.run(request).await,
        READER => failure(403, 10000, "Authentication error"),
        _ => failure(403, 9109, "Invalid access token"),
    }
}

fn bad_header() -> Response {
    let chain = json!([{"code": 6111, "message": "Invalid format for Authorization header"}]);
    let errors =
        json!([{"code": 6003, "message": "Invalid request headers", "error_chain": chain}]);
    json_response(
        400,
        &json!({"success": false, "errors": errors, "messages": [], "result": null}),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    name: String,
    #[serde(default = "default_page_size")]
    per_page: usize,
    #[serde(default = "first_page")]
    page: usize,
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn default_page_size() -> usize {
    20
}

fn first_page() -> usize {
    1
}

async fn list_zones(State(shared): State<ServerState>, Query(query): Query<ListQuery>) -> Response {
    if !(5..=50).contains(&query.per_page) || query.kind.is_some() {
        return failure(400, 6007, "Malformed query");
    }
    let state = shared.state.lock().unwrap();
    let zones: Vec<Json> = state
        .zones
        .iter()
        .filter(|zone| zone.name == query.name)
        .map(
            |zone| json!({"id": zone.id, "name": zone.name, "status": zone.status, "type": "full"}),
        )
        .collect();
    page(&zones, query.page, query.per_page)
}

async fn list(
    State(shared): State<ServerState>,
    Path(zone): Path<String>,
    Query(query): Query<ListQuery>,
) -> Response {
    let state = shared.state.lock().unwrap();
    if !state.zones.iter().any(|known| known.id == zone) {
        return no_zone();
    }
    let records: Vec<Json> = state
        .records
        .iter()
        .filter(|record| record.zone == zone && record.name == query.name)
        .filter(|record| query.kind.as_ref().is_none_or(|kind| *kind == record.kind))
        .map(record_json)
        .collect();
    page(&records, query.page, query.per_page.min(state.page))
}

fn record_json(record: &StoredRecord) -> Json {
    json!({
        "id": record.id, "name": record.name, "type": record.kind, "content": record.content,
        "ttl": record.ttl, "proxied": record.proxied, "proxiable": record.kind != "TXT",
        "comment": record.comment, "settings": {}, "meta": {}, "tags": [],
        "created_on": "2026-01-02T03:04:05.000000Z", "modified_on": "2026-01-02T03:04:05.000000Z",
    })
}

fn page(all: &[Json], page: usize, per_page: usize) -> Response {
    let items: Vec<&Json> = all
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let info = json!({
        "page": page, "per_page": per_page, "count": items.len(), "total_count": all.len(),
        "total_pages": all.len().div_ceil(per_page),
    });
    let body = json!({"success": true, "errors": [], "messages": [], "result": items, "result_info": info});
    json_response(200, &body)
}

fn no_zone() -> Response {
    let message = "Could not route to that zone, perhaps your object identifier is invalid?";
    failure(404, 7003, message)
}
