//! A fake CA for cases that pebble does not cover: renewal information, rate limits, refusals of
//! every type and invalid responses. It verifies requests strictly (RFC 8555, section 6); tests
//! override single responses.

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

/// A response that replaces the regular one.
#[derive(Clone, Debug)]
pub struct CannedResponse {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl CannedResponse {
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
    /// Public keys of accounts by account URL.
    accounts: HashMap<String, Vec<u8>>,
    orders: HashMap<usize, Value>,
    certificates: HashMap<usize, String>,
    /// Overrides: path prefix, remaining uses, and response.
    overrides: Vec<(String, usize, CannedResponse)>,
    /// Path and payload of every request.
    requests: Vec<(String, Value)>,
}

/// A running fake CA.
#[derive(Clone)]
pub struct FakeCa {
    base: String,
    roots: String,
    inner: Arc<Mutex<Inner>>,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

impl FakeCa {
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
        let fake_ca = Self {
            base: format!("https://{}", listener.local_addr().unwrap()),
            roots: pem,
            inner: Arc::default(),
            issuer: Arc::new(Issuer::new(params, KeyPair::generate().unwrap())),
        };
        let router = Router::new().fallback(handle).with_state(fake_ca.clone());
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        tokio::spawn(server.serve(router.into_make_service()));
        fake_ca
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

    /// Responds once with this to a path with this prefix.
    pub fn respond_once(&self, path: &str, response: CannedResponse) {
        self.respond_times(path, 1, response);
    }

    pub fn respond_times(&self, path: &str, times: usize, response: CannedResponse) {
        self.inner
            .lock()
            .unwrap()
            .overrides
            .push((path.to_owned(), times, response));
    }

    /// The payloads of the requests at a path.
    pub fn requests(&self, path: &str) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        let matching = inner.requests.iter().filter(|(at, _)| at == path);
        matching.map(|(_, payload)| payload.clone()).collect()
    }

    /// The paths of all requests.
    pub fn paths(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner
            .requests
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    fn nonce(&self) -> String {
        let mut inner = self.inner.lock().unwrap();
        inner.count += 1;
        let nonce = format!("nonce-{}", inner.count);
        inner.nonces.insert(nonce.clone());
        nonce
    }

    fn respond(&self, canned: CannedResponse) -> Response {
        let status = StatusCode::from_u16(canned.status).unwrap();
        let mut response = (status, canned.body).into_response();
        let headers = response.headers_mut();
        headers.insert("replay-nonce", self.nonce().parse().unwrap());
        for (name, value) in canned.headers {
            headers.insert(name, value.parse().unwrap());
        }
        response
    }

    fn take_override(&self, path: &str) -> Option<CannedResponse> {
        let mut inner = self.inner.lock().unwrap();
        let overrides = &mut inner.overrides;
        let at = overrides
            .iter()
            .position(|(at, times, _)| path.starts_with(at) && *times > 0)?;
        overrides[at].1 -= 1;
        Some(overrides[at].2.clone())
    }

    /// Verifies a signed request. Returns its payload, and the public key if the request creates an
    /// account.
    fn verify(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> (Value, Option<Vec<u8>>) {
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
        inner.requests.push((path.to_owned(), payload.clone()));
        (payload, is_new.then_some(key))
    }

    fn handle_unsigned(&self, path: &str) -> CannedResponse {
        self.inner
            .lock()
            .unwrap()
            .requests
            .push((path.to_owned(), Value::Null));
        match path {
            "/directory" => CannedResponse::new(200, self.full_directory()),
            "/nonce" => CannedResponse::new(200, ""),
            _ => CannedResponse::problem(404, "malformed", "there is nothing"),
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

    fn handle_signed(&self, path: &str, payload: &Value, key: Option<Vec<u8>>) -> CannedResponse {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            ["account"] => self.new_account(payload, key.unwrap()),
            ["order"] => self.new_order(payload),
            ["order", id] => CannedResponse::new(200, self.order(id)),
            ["authorization", id, at] => self.authorization(id, at),
            ["challenge", id, _] => self.challenge(id),
            ["finalize", id] => self.finalize(id, payload),
            ["certificate", id] => {
                let inner = self.inner.lock().unwrap();
                CannedResponse::new(200, &inner.certificates[&id.parse::<usize>().unwrap()])
            }
            ["revoke"] => CannedResponse::new(200, ""),
            _ => CannedResponse::problem(404, "malformed", "there is nothing"),
        }
    }

    fn new_account(&self, payload: &Value, key: Vec<u8>) -> CannedResponse {
        assert_eq!(payload["termsOfServiceAgreed"], true);
        let mut inner = self.inner.lock().unwrap();
        let url = self.url(&format!("/account/{}", inner.accounts.len() + 1));
        inner.accounts.insert(url.clone(), key);
        CannedResponse::new(201, json!({ "status": "valid" })).with("location", url)
    }

    fn new_order(&self, payload: &Value) -> CannedResponse {
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
        CannedResponse::new(201, order).with("location", self.url(&format!("/order/{id}")))
    }

    fn order(&self, id: &str) -> Value {
        self.inner.lock().unwrap().orders[&id.parse::<usize>().unwrap()].clone()
    }

    fn authorization(&self, id: &str, at: &str) -> CannedResponse {
        let order = self.order(id);
        let name = order["identifiers"][at.parse::<usize>().unwrap()]["value"].clone();
        let name = name.as_str().unwrap();
        let status = if order["status"] == "pending" {
            "pending"
        } else {
            "valid"
        };
        CannedResponse::new(200, self.authorization_of(id, name, status, "token-1"))
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

    fn challenge(&self, id: &str) -> CannedResponse {
        let mut inner = self.inner.lock().unwrap();
        let order = inner.orders.get_mut(&id.parse().unwrap()).unwrap();
        order["status"] = json!("ready");
        let url = self.url(&format!("/challenge/{id}/http-01"));
        let body =
            json!({ "type": "http-01", "url": url, "status": "processing", "token": "token-1" });
        CannedResponse::new(200, body)
    }

    fn finalize(&self, id: &str, payload: &Value) -> CannedResponse {
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
        CannedResponse::new(200, order)
    }

    fn sign(&self, csr: &[u8]) -> String {
        let mut request = CertificateSigningRequestParams::from_der(&csr.into()).unwrap();
        request.params.use_authority_key_identifier_extension = true;
        request.signed_by(&self.issuer).unwrap().pem()
    }
}

async fn handle(
    State(fake_ca): State<FakeCa>,
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
    let response = if method == Method::POST {
        let (payload, key) = fake_ca.verify(path, &headers, &body);
        // An override keeps the order from being created.
        match fake_ca.take_override(path) {
            Some(canned) => canned,
            None => fake_ca.handle_signed(path, &payload, key),
        }
    } else {
        let regular = fake_ca.handle_unsigned(path);
        fake_ca.take_override(path).unwrap_or(regular)
    };
    fake_ca.respond(response)
}
