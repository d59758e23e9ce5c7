//! A stand-in of Cloudflare's API: it keeps zones and records, and refuses what the real one
//! refuses, in its words. What it keeps can be published by a real name server.

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
pub struct Kept {
    pub id: String,
    pub zone: String,
    pub kind: String,
    pub name: String,
    pub content: String,
    pub ttl: u32,
    pub proxied: bool,
    pub comment: String,
}

/// What the next calls are answered with instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// Too many calls, with what is said of when to come again.
    Limiting(Option<u32>),
    /// The page of a proxy that has nobody behind it.
    Broken,
    /// Everything is somewhere else.
    Moved,
    /// Something that is no API.
    Website,
}

pub struct Cloudflare {
    pub zones: Vec<Zone>,
    pub records: Vec<Kept>,
    pub mood: Mood,
    /// The most records of a page, whatever is asked for.
    pub page: usize,
    /// Each call: method and path with query.
    pub calls: Vec<String>,
    next: u64,
}

pub struct Server {
    pub state: Arc<Mutex<Cloudflare>>,
    pub base: String,
}

#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<Cloudflare>>,
    names: Option<Arc<dyn Provider>>,
}

impl Server {
    /// One with these zones in use. Where there is a name server, it has what is kept.
    pub async fn start(zones: &[&str], names: Option<Box<dyn Provider>>) -> Self {
        let zones = zones.iter().enumerate().map(|(number, name)| Zone {
            id: format!("{:032x}", number + 0xabc0),
            name: (*name).to_owned(),
            status: "active".to_owned(),
        });
        let state = Arc::new(Mutex::new(Cloudflare {
            zones: zones.collect(),
            records: Vec::new(),
            mood: Mood::Good,
            page: 100,
            calls: Vec::new(),
            next: 1,
        }));
        let shared = Shared {
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

    pub fn set(&self, change: impl FnOnce(&mut Cloudflare)) {
        change(&mut self.state.lock().unwrap());
    }

    pub fn records(&self) -> Vec<Kept> {
        self.state.lock().unwrap().records.clone()
    }

    /// A record that somebody else made.
    pub fn keep(&self, kind: &str, name: &str, content: &str) {
        let mut state = self.state.lock().unwrap();
        let zone = state
            .zones
            .iter()
            .find(|zone| name.ends_with(&zone.name))
            .unwrap();
        let zone = zone.id.clone();
        let id = state.id();
        state.records.push(Kept {
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

impl Cloudflare {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("{:032x}", self.next + 0x372e_6795)
    }
}

fn answer(status: u16, body: &Json) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (
        StatusCode::from_u16(status).unwrap(),
        json,
        body.to_string(),
    )
        .into_response()
}

fn success(result: &Json) -> Response {
    answer(
        200,
        &json!({"success": true, "errors": [], "messages": [], "result": result}),
    )
}

fn failure(status: u16, code: u32, message: &str) -> Response {
    let errors = json!([{"code": code, "message": message}]);
    answer(
        status,
        &json!({"success": false, "errors": errors, "messages": [], "result": null}),
    )
}

/// The token, and whatever mood the server is in.
async fn guard(
    State(shared): State<Shared>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let mood = {
        let mut state = shared.state.lock().unwrap();
        state
            .calls
            .push(format!("{} {}", request.method(), request.uri()));
        state.mood
    };
    match mood {
        Mood::Good => {}
        Mood::Limiting(after) => {
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
        Mood::Broken => return (StatusCode::BAD_GATEWAY, Html("<h1>502</h1>")).into_response(),
        Mood::Moved => {
            let there = [(header::LOCATION, "http://127.0.0.1:1/stolen")];
            return (StatusCode::TEMPORARY_REDIRECT, there).into_response();
        }
        Mood::Website => return Html("<h1>It works!</h1>").into_response(),
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
    answer(
        400,
        &json!({"success": false, "errors": errors, "messages": [], "result": null}),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    #[serde(default = "twenty")]
    per_page: usize,
    #[serde(default = "one")]
    page: usize,
    #[serde(rename = "type")]
    kind: Option<String>,
}

fn twenty() -> usize {
    20
}

fn one() -> usize {
    1
}

async fn list_zones(State(shared): State<Shared>, Query(asked): Query<Asked>) -> Response {
    if !(5..=50).contains(&asked.per_page) || asked.kind.is_some() {
        return failure(400, 6007, "Malformed query");
    }
    let state = shared.state.lock().unwrap();
    let zones: Vec<Json> = state
        .zones
        .iter()
        .filter(|zone| zone.name == asked.name)
        .map(
            |zone| json!({"id": zone.id, "name": zone.name, "status": zone.status, "type": "full"}),
        )
        .collect();
    page(&zones, asked.page, asked.per_page)
}

async fn list(
    State(shared): State<Shared>,
    Path(zone): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let state = shared.state.lock().unwrap();
    if !state.zones.iter().any(|known| known.id == zone) {
        return no_zone();
    }
    let records: Vec<Json> = state
        .records
        .iter()
        .filter(|kept| kept.zone == zone && kept.name == asked.name)
        .filter(|kept| asked.kind.as_ref().is_none_or(|kind| *kind == kept.kind))
        .map(shown)
        .collect();
    page(&records, asked.page, asked.per_page.min(state.page))
}

fn shown(kept: &Kept) -> Json {
    json!({
        "id": kept.id, "name": kept.name, "type": kept.kind, "content": kept.content,
        "ttl": kept.ttl, "proxied": kept.proxied, "proxiable": kept.kind != "TXT",
        "comment": kept.comment, "settings": {}, "meta": {}, "tags": [],
        "created_on": "2026-01-02T03:04:05.000000Z", "modified_on": "2026-01-02T03:04:05.000000Z",
    })
}

fn page(all: &[Json], page: usize, per_page: usize) -> Response {
    let shown: Vec<&Json> = all
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let place = json!({
        "page": page, "per_page": per_page, "count": shown.len(), "total_count": all.len(),
        "total_pages": all.len().div_ceil(per_page),
    });
    let body = json!({"success": true, "errors": [], "messages": [], "result": shown, "result_info": place});
    answer(200, &body)
}

fn no_zone() -> Response {
    let words = "Could not route to that zone, perhaps your object identifier is invalid?";
    failure(404, 7003, words)
}
