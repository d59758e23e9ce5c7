//! A Proxmox VE API (9.2) that runs in memory, for tests, demonstrations and development.
//!
//! The simulator imitates a real node: the same order of checks, the same messages, tasks that take
//! time, configuration locks, and resource data that lags. It must not use any other crate of this
//! workspace: client and simulator are written independently, so that they cannot share a
//! misunderstanding.
//!
//! [`start`] starts a simulator. [`Config::test`] has short delays for tests, and [`Config::demo`]
//! has realistic delays for demonstrations.

mod access;
mod api;
mod auth;
mod body;
mod calendar;
mod conditions;
mod config;
mod console;
mod container;
mod container_http;
mod container_view;
mod control;
mod core;
mod error;
mod fault;
mod handle;
mod http;
mod journal;
mod network;
mod oci;
mod params;
mod persist;
mod program;
mod redirect;
mod reply;
mod restart;
mod routes;
mod scenario;
mod schema;
mod server;
mod size;
mod state;
mod storage;
mod task;
mod task_failure;
mod tls;
mod usage;

pub use conditions::Dhcp;
pub use config::{
    Bridge, Config, ContainerSpec, Delays, ImageSpec, NodeSpec, Scenario, StorageKind, StorageSpec,
    TEST_SECRET, TemplateSpec, TokenSpec, Transport, UserSpec,
};
pub use container_http::{ContainerHttp, Unreachable};
pub use container_view::ContainerView;
pub use fault::{Effect, Fault};
pub use handle::{Handle, Interfaces, InterfacesError};
pub use program::{Cluster, Options, RunError, run};
#[doc(hidden)]
pub use routes::routes;
#[doc(hidden)]
pub use schema::view::{PropertyView, RouteView};
pub use server::{Sim, StartError, start};
pub use tls::CertificateError;
