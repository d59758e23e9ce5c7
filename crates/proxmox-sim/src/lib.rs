//! A Proxmox VE API (9.2) that runs in memory, for tests, demonstrations and development.
//!
//! It answers what a real node answers: the same order of checks, the same words, tasks that take
//! time, locks that get in the way, and an inventory that lags. It must not use any other crate of
//! this project: client and simulator are written apart, so that they cannot share a
//! misunderstanding.
//!
//! [`start`] starts one; [`Config::test`] is quick enough for tests, and [`Config::demo`] is for people.

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
mod control;
mod core;
mod doom;
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
mod tls;
mod usage;

pub use conditions::Dhcp;
pub use config::{
    Bridge, Config, ContainerSpec, Delays, ImageSpec, NodeSpec, Person, Scenario, StorageKind,
    StorageSpec, TEST_SECRET, TemplateSpec, Token, Transport,
};
pub use container_http::{ContainerHttp, Unreachable};
pub use fault::{Effect, Fault};
pub use handle::{ContainerView, Handle, Interfaces, Unseen};
pub use program::{Cluster, Options, RunError, run};
#[doc(hidden)]
pub use routes::routes;
#[doc(hidden)]
pub use schema::view::{PropertyView, RouteView};
pub use server::{Sim, StartError, start};
pub use tls::CertificateError;
