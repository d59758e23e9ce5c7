//! A fake acme-dns server with the checks of the real one. It keeps two values and can publish them
//! through a real name server.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use dns::{Provider, Record, RecordValue};
use serde::Deserialize;

pub const USER: &str = "c36f50e8-4632-44f0-83fe-e070fef28a10";
pub const KEY: &str = "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z";
pub const SUBDOMAIN: &str = "1f0f2b4e-3d5c";
pub const FULL_DOMAIN: &str = "1f0f2b4e-3d5c.example.net";

#[derive(Clone)]
pub struct FakeAcmeDns {
    /// The two values, the older one first.
    pub values: Arc<Mutex<Vec<String>>>,
    /// Whether requests fail with a database error.
    pub is_broken: Arc<Mutex<bool>>,
    names: Option<Arc<dyn Provider>>,
}

#[derive(Deserialize)]
struct Update {
    subdomain: String,
    txt: String,
}

impl FakeAcmeDns {
    pub fn new(names: Option<Box<dyn Provider>>) -> Self {
        Self {
            values: Arc::default(),
            is_broken: Arc::default(),
            names: names.map(Arc::from),
        }
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/update", post(update))
            .with_state(self.clone())
    }

    /// Stores a value and returns the one that it replaced.
    fn store(&self, text: &str) -> Option<String> {
        let mut values = self.values.lock().unwrap();
        values.push(text.to_owned());
        (values.len() > 2).then(|| values.remove(0))
    }
}

async fn update(State(server): State<FakeAcmeDns>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("Content-Type") != Some("application/json") {
        return error(400, "malformed_json_payload");
    }
    let update = serde_json::from_slice::<Update>(&body).ok();
    let is_known = header("X-Api-User") == Some(USER) && header("X-Api-Key") == Some(KEY);
    let Some(update) = update.filter(|update| is_known && update.subdomain == SUBDOMAIN) else {
        return error(401, "forbidden");
    };
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if update.txt.len() != 43 || !update.txt.chars().all(is_base64url) {
        return error(400, "bad_txt");
    }
    if *server.is_broken.lock().unwrap() {
        return error(500, "db_error");
    }
    let replaced = server.store(&update.txt);
    if let Some(names) = &server.names {
        let record = |text: &str| Record {
            name: FULL_DOMAIN.to_owned(),
            value: RecordValue::Txt(text.to_owned()),
        };
        names.add(&record(&update.txt)).await.unwrap();
        if let Some(replaced) = replaced {
            names.remove(&record(&replaced)).await.unwrap();
        }
    }
    json_response(200, format!(r#"{{"txt": "{}"}}"#, update.txt))
}

fn error(status: u16, code: &str) -> Response {
    json_response(status, format!(r#"{{"error": "{code}"}}"#))
}

fn json_response(status: u16, body: String) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), json, body).into_response()
}
