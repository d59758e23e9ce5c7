//! A solver that publishes challenge responses in pebble-challtestsrv.

use std::sync::Mutex;

use async_trait::async_trait;
use pki::acme::{Challenge, Solver};
use serde_json::{Value, json};

/// The behavior of a solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Publishes the correct response.
    Correct,
    /// Publishes a wrong response.
    WrongContent,
    /// Reports a failure.
    Failing,
}

/// A solver that records its calls.
pub struct ChallengeSolver {
    url: String,
    http: reqwest::Client,
    behavior: Behavior,
    /// The calls with their challenges, in order.
    pub calls: Mutex<Vec<(&'static str, Vec<Challenge>)>>,
}

impl ChallengeSolver {
    pub fn new(url: &str, behavior: Behavior) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            url: url.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            behavior,
            calls: Mutex::default(),
        }
    }

    pub async fn post(&self, path: &str, body: Value) {
        let request = self.http.post(format!("{}/{path}", self.url)).json(&body);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// The published challenges. Fails unless all of them were removed.
    pub fn published(&self) -> Vec<Challenge> {
        let calls = self.calls.lock().unwrap();
        let [("publish", published), ("cleanup", removed)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(published, removed);
        published.clone()
    }

    pub fn call_count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn record(&self, call: &'static str, challenges: &[Challenge]) {
        self.calls.lock().unwrap().push((call, challenges.to_vec()));
    }
}

#[async_trait]
impl Solver for ChallengeSolver {
    async fn publish(&self, challenges: &[Challenge]) -> Result<(), String> {
        self.record("publish", challenges);
        let is_wrong = self.behavior == Behavior::WrongContent;
        for challenge in challenges {
            match challenge {
                Challenge::Http {
                    token,
                    key_authorization,
                    ..
                } => {
                    let content = if is_wrong { "else" } else { key_authorization };
                    let body = json!({ "token": token, "content": content });
                    self.post("add-http01", body).await;
                }
                Challenge::Dns { name, value } => {
                    let value = if is_wrong { "else" } else { value };
                    let body = json!({ "host": format!("{name}."), "value": value });
                    self.post("set-txt", body).await;
                }
            }
        }
        if self.behavior == Behavior::Failing {
            return Err("The provider does not answer.".to_owned());
        }
        Ok(())
    }

    async fn cleanup(&self, challenges: &[Challenge]) {
        self.record("cleanup", challenges);
        for challenge in challenges {
            match challenge {
                Challenge::Http { token, .. } => {
                    self.post("del-http01", json!({ "token": token })).await;
                }
                Challenge::Dns { name, .. } => {
                    let body = json!({ "host": format!("{name}.") });
                    self.post("clear-txt", body).await;
                }
            }
        }
    }
}
