//! A Proxmox VE API (9.2) that runs in memory, for tests, demonstrations and development.
//!
//! The simulator imitates a real node: the same order of checks, the same messages, tasks that take
//! time, configuration locks, and resource data that lags. It must not use any other crate of this
//! workspace: client and simulator are written independently, so that they cannot share a
//! misunderstanding.
//!
//! The source mirrors the URL tree of the API: `GET /nodes/{node}/lxc/{vmid}/status/current` is in
//! `api/nodes/node/lxc/status.rs`. Beside it are:
//!
//! - `cluster`: the simulated cluster, its state, its state file and lasting conditions;
//! - `tasks`: the task engine, and the work of the tasks that take time;
//! - `access`: users and permissions; `schema`: parameters and their validation;
//! - `authentication`: tickets and tokens of requests; `roles`: built-in roles and all privileges;
//! - `http`: listeners, requests and responses; `faults`: what a test injects into them;
//! - `control` and `handle`: changing a running simulator without its API.
//!
//! [`start`] starts a simulator. [`Config::test`] has short delays for tests, and [`Config::demo`]
//! has realistic delays for demonstrations.

mod access;
mod api;
mod authentication;
mod call;
mod clock;
mod cluster;
mod config;
mod control;
mod error;
mod faults;
mod handle;
mod http;
mod params;
mod program;
mod roles;
mod route;
mod scenario;
mod schema;
mod simulator;
mod size;
mod tasks;

#[doc(hidden)]
pub use api::routes;
pub use cluster::conditions::Dhcp;
pub use cluster::container_http::{ContainerHttp, Unreachable};
pub use cluster::container_view::ContainerView;
pub use cluster::firewall::{Firewall, IpSet};
pub use cluster::tls::CertificateError;
pub use config::{
    Bridge, Config, ContainerSpec, Delays, ImageSpec, NodeSpec, Scenario, StorageKind, StorageSpec,
    TEST_SECRET, TemplateSpec, TokenSpec, Transport, UserSpec,
};
pub use faults::{Effect, Fault};
pub use handle::{Handle, Interfaces, InterfacesError};
pub use program::{Options, RunError, ScenarioName, run};
#[doc(hidden)]
pub use schema::view::{PropertyView, RouteView};
pub use simulator::{Sim, StartError, start};
