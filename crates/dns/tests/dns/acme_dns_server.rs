//! A stand-in of acme-dns, which refuses what it refuses and keeps two values, as it does. What it
//! keeps is published by a real name server.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use dns::{Provider, Record, Value};
use serde::Deserialize;

pub const USER: &str = "c36f50e8-4632-44f0-83fe-e070fef28a10";
pub const KEY: &str = "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z";
pub const SUBDOMAIN: &str = "1f0f2b4e-3d5c";
pub const FULL_DOMAIN: &str = "1f0f2b4e-3d5c.example.net";

#[derive(Clone)]
pub struct Server {
    /// The two values, the older one first.
    pub kept: Arc<Mutex<Vec<String>>>,
    /// Whether its database fails.
    pub is_broken: Arc<Mutex<bool>>,
    names: Option<Arc<dyn Provider>>,
}

#[derive(Deserialize)]
struct Update {
    subdomain: String,
    txt: String,
}

impl Server {
    pub fn new(names: Option<Box<dyn Provider>>) -> Self {
        Self {
            kept: Arc::default(),
            is_broken: Arc::default(),
            names: names.map(Arc::from),
        }
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/update", post(update))
            .with_state(self.clone())
    }

    /// Keeps a value and tells what it pushed out.
    fn keep(&self, text: &str) -> Option<String> {
        let mut kept = self.kept.lock().unwrap();
        kept.push(text.to_owned());
        (kept.len() > 2).then(|| kept.remove(0))
    }
}

async fn update(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("Content-Type") != Some("application/json") {
        return error(400, "malformed_json_payload");
    }
    let update = serde_json::from_slice::<Update>(&body).ok();
    let is_known = header("X-Api-User") == Some(USER) && header("X-Api-Key") == Some(KEY);
    let Some(update) = update.filter(|update| is_known && update.subdomain == SUBDOMAIN) else {
        return error(401, "forbidden");
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if update.txt.len() != 43 || !update.txt.chars().all(plain) {
        return error(400, "bad_txt");
    }
    if *server.is_broken.lock().unwrap() {
        return error(500, "db_error");
    }
    let gone = server.keep(&update.txt);
    if let Some(names) = &server.names {
        let record = |text: &str| Record {
            name: FULL_DOMAIN.to_owned(),
            value: Value::Txt(text.to_owned()),
        };
        names.add(&record(&update.txt)).await.unwrap();
        if let Some(gone) = gone {
            names.remove(&record(&gone)).await.unwrap();
        }
    }
    answer(200, format!(r#"{{"txt": "{}"}}"#, update.txt))
}

fn error(status: u16, word: &str) -> Response {
    answer(status, format!(r#"{{"error": "{word}"}}"#))
}

fn answer(status: u16, body: String) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), json, body).into_response()
}
