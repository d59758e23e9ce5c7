//! Answers to challenges, put where pebble looks: into pebble-challtestsrv.

use std::sync::Mutex;

use async_trait::async_trait;
use pki::acme::{Challenge, Solver};
use serde_json::{Value, json};

/// How a solver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It puts what is right.
    Right,
    /// It puts something else.
    Wrong,
    /// It says that it could not.
    Unable,
}

/// A solver that writes down what it was asked for.
pub struct Server {
    at: String,
    http: reqwest::Client,
    manner: Manner,
    /// What was put and taken away, in order.
    pub calls: Mutex<Vec<(&'static str, Vec<Challenge>)>>,
}

impl Server {
    pub fn new(at: &str, manner: Manner) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            at: at.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            manner,
            calls: Mutex::default(),
        }
    }

    pub async fn tell(&self, path: &str, what: Value) {
        let request = self.http.post(format!("{}/{path}", self.at)).json(&what);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// What was put, once it was taken away again.
    pub fn put(&self) -> Vec<Challenge> {
        let calls = self.calls.lock().unwrap();
        let [("put", put), ("take away", taken)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(put, taken);
        put.clone()
    }

    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn note(&self, what: &'static str, challenges: &[Challenge]) {
        self.calls.lock().unwrap().push((what, challenges.to_vec()));
    }
}

#[async_trait]
impl Solver for Server {
    async fn put(&self, challenges: &[Challenge]) -> Result<(), String> {
        self.note("put", challenges);
        let is_wrong = self.manner == Manner::Wrong;
        for challenge in challenges {
            match challenge {
                Challenge::Http { token, answer, .. } => {
                    let content = if is_wrong { "else" } else { answer };
                    let what = json!({ "token": token, "content": content });
                    self.tell("add-http01", what).await;
                }
                Challenge::Dns { name, value } => {
                    let value = if is_wrong { "else" } else { value };
                    let what = json!({ "host": format!("{name}."), "value": value });
                    self.tell("set-txt", what).await;
                }
            }
        }
        if self.manner == Manner::Unable {
            return Err("The provider does not answer.".to_owned());
        }
        Ok(())
    }

    async fn take_away(&self, challenges: &[Challenge]) {
        self.note("take away", challenges);
        for challenge in challenges {
            match challenge {
                Challenge::Http { token, .. } => {
                    self.tell("del-http01", json!({ "token": token })).await;
                }
                Challenge::Dns { name, .. } => {
                    let what = json!({ "host": format!("{name}.") });
                    self.tell("clear-txt", what).await;
                }
            }
        }
    }
}
