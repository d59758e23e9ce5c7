//! An authority for what pebble does not do: renewal information, limits, refusals of every kind and
//! answers that make no sense. It is strict about what it is sent (RFC 8555, section 6), and says what
//! a test tells it to.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pki::acme::Directory;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

/// What is answered once in place of the right thing.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: u16, body: impl ToString) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    /// A problem document with a type of RFC 8555.
    pub fn problem(status: u16, kind: &str, detail: &str) -> Self {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        Self::new(
            status,
            json!({ "type": kind, "detail": detail, "status": status }),
        )
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

#[derive(Default)]
struct Inner {
    count: usize,
    nonces: HashSet<String>,
    /// Public keys of accounts by their address.
    accounts: HashMap<String, Vec<u8>>,
    orders: HashMap<usize, Value>,
    certificates: HashMap<usize, String>,
    /// What is said in place of the right thing: path, how often, and what.
    said: Vec<(String, usize, Answer)>,
    /// Path and payload of every request.
    heard: Vec<(String, Value)>,
}

/// A running stand-in.
#[derive(Clone)]
pub struct Standin {
    base: String,
    roots: String,
    inner: Arc<Mutex<Inner>>,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

impl Standin {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (pem, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let config =
            axum_server::tls_rustls::RustlsConfig::from_pem(pem.clone().into(), key.into());
        let config = config.await.unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let standin = Self {
            base: format!("https://{}", listener.local_addr().unwrap()),
            roots: pem,
            inner: Arc::default(),
            issuer: Arc::new(Issuer::new(params, KeyPair::generate().unwrap())),
        };
        let router = Router::new().fallback(answer).with_state(standin.clone());
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        tokio::spawn(server.serve(router.into_make_service()));
        standin
    }

    pub fn directory(&self) -> Directory {
        Directory {
            url: self.url("/directory").parse().unwrap(),
            roots: Some(self.roots.parse().unwrap()),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Says something once at a path that begins like this.
    pub fn say(&self, path: &str, answer: Answer) {
        self.say_often(path, 1, answer);
    }

    pub fn say_often(&self, path: &str, times: usize, answer: Answer) {
        self.inner
            .lock()
            .unwrap()
            .said
            .push((path.to_owned(), times, answer));
    }

    /// The payloads of the requests at a path.
    pub fn heard(&self, path: &str) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        let at = inner.heard.iter().filter(|(at, _)| at == path);
        at.map(|(_, payload)| payload.clone()).collect()
    }

    /// The paths of all requests.
    pub fn paths(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.heard.iter().map(|(path, _)| path.clone()).collect()
    }

    fn nonce(&self) -> String {
        let mut inner = self.inner.lock().unwrap();
        inner.count += 1;
        let nonce = format!("nonce-{}", inner.count);
        inner.nonces.insert(nonce.clone());
        nonce
    }

    fn respond(&self, answer: Answer) -> Response {
        let status = StatusCode::from_u16(answer.status).unwrap();
        let mut response = (status, answer.body).into_response();
        let headers = response.headers_mut();
        headers.insert("replay-nonce", self.nonce().parse().unwrap());
        for (name, value) in answer.headers {
            headers.insert(name, value.parse().unwrap());
        }
        response
    }

    fn told(&self, path: &str) -> Option<Answer> {
        let mut inner = self.inner.lock().unwrap();
        let said = &mut inner.said;
        let at = said
            .iter()
            .position(|(at, times, _)| path.starts_with(at) && *times > 0)?;
        said[at].1 -= 1;
        Some(said[at].2.clone())
    }

    /// The payload of a signed request, and whose it is.
    fn open(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> (Value, Option<Vec<u8>>) {
        assert_eq!(headers["content-type"], "application/jose+json");
        let parts: HashMap<String, String> = serde_json::from_slice(body).unwrap();
        assert_eq!(parts.len(), 3);
        let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(&parts[name]).unwrap();
        let protected: Value = serde_json::from_slice(&bytes("protected")).unwrap();
        assert_eq!(protected["alg"], "ES256");
        assert_eq!(protected["url"], self.url(path));
        let mut inner = self.inner.lock().unwrap();
        let nonce = protected["nonce"].as_str().unwrap();
        assert!(inner.nonces.remove(nonce), "{nonce} was used before");
        let (key, is_new) = match (&protected["jwk"], &protected["kid"]) {
            (jwk, Value::Null) => {
                assert_eq!((&jwk["kty"], &jwk["crv"]), (&json!("EC"), &json!("P-256")));
                let coordinate =
                    |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap());
                let mut key = vec![4];
                key.extend(coordinate("x").unwrap());
                key.extend(coordinate("y").unwrap());
                (key, true)
            }
            (Value::Null, kid) => (inner.accounts[kid.as_str().unwrap()].clone(), false),
            _ => panic!("both a key and an account"),
        };
        assert_eq!(is_new, path == "/account", "{path}");
        let signed = format!("{}.{}", parts["protected"], parts["payload"]);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
            .verify(signed.as_bytes(), &bytes("signature"))
            .unwrap();
        let payload = bytes("payload");
        let payload = if payload.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&payload).unwrap()
        };
        inner.heard.push((path.to_owned(), payload.clone()));
        (payload, is_new.then_some(key))
    }

    fn plain(&self, path: &str) -> Answer {
        self.inner
            .lock()
            .unwrap()
            .heard
            .push((path.to_owned(), Value::Null));
        match path {
            "/directory" => Answer::new(200, self.full_directory()),
            "/nonce" => Answer::new(200, ""),
            _ => Answer::problem(404, "malformed", "there is nothing"),
        }
    }

    pub fn full_directory(&self) -> Value {
        json!({
            "newNonce": self.url("/nonce"),
            "newAccount": self.url("/account"),
            "newOrder": self.url("/order"),
            "revokeCert": self.url("/revoke"),
            "renewalInfo": self.url("/renewal"),
            "meta": { "termsOfService": "https://acme.example.org/terms" },
        })
    }

    fn signed(&self, path: &str, payload: &Value, key: Option<Vec<u8>>) -> Answer {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            ["account"] => self.new_account(payload, key.unwrap()),
            ["order"] => self.new_order(payload),
            ["order", id] => Answer::new(200, self.order(id)),
            ["authorization", id, at] => self.authorization(id, at),
            ["challenge", id, _] => self.challenge(id),
            ["finalize", id] => self.finalize(id, payload),
            ["certificate", id] => {
                let inner = self.inner.lock().unwrap();
                Answer::new(200, &inner.certificates[&id.parse::<usize>().unwrap()])
            }
            ["revoke"] => Answer::new(200, ""),
            _ => Answer::problem(404, "malformed", "there is nothing"),
        }
    }

    fn new_account(&self, payload: &Value, key: Vec<u8>) -> Answer {
        assert_eq!(payload["termsOfServiceAgreed"], true);
        let mut inner = self.inner.lock().unwrap();
        let url = self.url(&format!("/account/{}", inner.accounts.len() + 1));
        inner.accounts.insert(url.clone(), key);
        Answer::new(201, json!({ "status": "valid" })).with("location", url)
    }

    fn new_order(&self, payload: &Value) -> Answer {
        let mut inner = self.inner.lock().unwrap();
        let id = inner.orders.len() + 1;
        let names = payload["identifiers"].as_array().unwrap();
        let authorizations: Vec<String> = (0..names.len())
            .map(|at| self.url(&format!("/authorization/{id}/{at}")))
            .collect();
        let mut order = json!({
            "status": "pending",
            "identifiers": names,
            "authorizations": authorizations,
            "finalize": self.url(&format!("/finalize/{id}")),
        });
        if !payload["replaces"].is_null() {
            order["replaces"] = payload["replaces"].clone();
        }
        inner.orders.insert(id, order.clone());
        Answer::new(201, order).with("location", self.url(&format!("/order/{id}")))
    }

    fn order(&self, id: &str) -> Value {
        self.inner.lock().unwrap().orders[&id.parse::<usize>().unwrap()].clone()
    }

    fn authorization(&self, id: &str, at: &str) -> Answer {
        let order = self.order(id);
        let name = order["identifiers"][at.parse::<usize>().unwrap()]["value"].clone();
        let name = name.as_str().unwrap();
        let status = if order["status"] == "pending" {
            "pending"
        } else {
            "valid"
        };
        Answer::new(200, self.authorization_of(id, name, status, "token-1"))
    }

    /// An authorization with both kinds of challenge.
    pub fn authorization_of(&self, id: &str, name: &str, status: &str, token: &str) -> Value {
        let challenge = |kind: &str| {
            let url = self.url(&format!("/challenge/{id}/{kind}"));
            json!({ "type": kind, "url": url, "status": status, "token": token })
        };
        json!({
            "identifier": { "type": "dns", "value": name.trim_start_matches("*.") },
            "wildcard": name.starts_with("*."),
            "status": status,
            "challenges": [challenge("http-01"), challenge("dns-01")],
        })
    }

    fn challenge(&self, id: &str) -> Answer {
        let mut inner = self.inner.lock().unwrap();
        let order = inner.orders.get_mut(&id.parse().unwrap()).unwrap();
        order["status"] = json!("ready");
        let url = self.url(&format!("/challenge/{id}/http-01"));
        let body =
            json!({ "type": "http-01", "url": url, "status": "processing", "token": "token-1" });
        Answer::new(200, body)
    }

    fn finalize(&self, id: &str, payload: &Value) -> Answer {
        let csr = BASE64_URL_SAFE_NO_PAD
            .decode(payload["csr"].as_str().unwrap())
            .unwrap();
        let certificate = self.sign(&csr);
        let mut inner = self.inner.lock().unwrap();
        let id = id.parse().unwrap();
        inner.certificates.insert(id, certificate);
        let url = self.url(&format!("/certificate/{id}"));
        let order = inner.orders.get_mut(&id).unwrap();
        assert_eq!(order["status"], "ready");
        order["status"] = json!("valid");
        order["certificate"] = json!(url);
        Answer::new(200, order)
    }

    fn sign(&self, csr: &[u8]) -> String {
        let mut request = CertificateSigningRequestParams::from_der(&csr.into()).unwrap();
        request.params.use_authority_key_identifier_extension = true;
        request.signed_by(&self.issuer).unwrap().pem()
    }
}

async fn answer(
    State(standin): State<Standin>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("holdfast/")
    );
    let right = if method == Method::POST {
        let (payload, key) = standin.open(path, &headers, &body);
        // What is said in its place keeps an order from being made.
        match standin.told(path) {
            Some(answer) => answer,
            None => standin.signed(path, &payload, key),
        }
    } else {
        let right = standin.plain(path);
        standin.told(path).unwrap_or(right)
    };
    standin.respond(right)
}
