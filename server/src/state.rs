//! The state that all handlers share. It must not depend on handlers or routes.

use std::sync::Arc;

use axum::extract::FromRef;
use control::Control;
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use tokio_util::sync::CancellationToken;

use crate::{
    assets::{Assets, WebAssets},
    config::PublicUrl,
    streams::Streams,
};

/// The shared state of all handlers.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub control: Control,
    /// The public endpoint.
    pub public: Arc<PublicEndpoint>,
    /// The web assets.
    pub web_assets: WebAssets,
    /// The open event streams.
    pub streams: Streams,
    /// Canceled when the process shuts down.
    pub stop: CancellationToken,
    leptos: LeptosOptions,
}

/// The endpoint under which browsers reach this process.
pub struct PublicEndpoint {
    /// The public URL.
    pub url: PublicUrl,
    /// The public URL as an `Origin` header.
    pub origin: String,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
}

impl PublicEndpoint {
    /// Creates the endpoint.
    pub fn new(url: PublicUrl, trusted_proxies: Vec<IpNet>) -> Self {
        Self {
            origin: url.origin(),
            url,
            trusted_proxies,
        }
    }
}

impl AppState {
    /// Creates the state.
    pub fn new(
        control: Control,
        public: PublicEndpoint,
        assets: Assets,
        stop: CancellationToken,
    ) -> Self {
        Self {
            control,
            public: Arc::new(public),
            web_assets: WebAssets::new(assets),
            streams: Streams::default(),
            stop,
            leptos: LeptosOptions::builder().output_name("holdfast").build(),
        }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
