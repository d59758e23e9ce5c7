//! A typed client of the Proxmox VE API (9.x), as a control plane needs it.
//!
//! It knows how Proxmox talks: its paths, its forms, its property strings, its loosely typed
//! answers, its tasks and its words for what went wrong. It decides nothing: which container runs
//! where, what is retried and what is undone belong to the caller. It keeps no state but a pool of
//! connections, a ticket and which endpoint worked last, so a [`Client`] is cheap to clone and safe
//! to share.
//!
//! Two things a caller has to know:
//! - Proxmox answers most writes with the id of a task ([`Upid`]). Nothing has happened yet:
//!   [`Client::wait_task`] tells how it ended. Starting a container that does not exist is such an
//!   answer too; only its task fails.
//! - An image's own entrypoint and environment replace those given to [`Client::create_lxc`]. Set
//!   them with [`Client::set_lxc_config`] after the creation's task has ended.

mod answer;
mod client;
mod cluster;
mod credentials;
mod endpoints;
mod error;
mod http;
mod ids;
mod lenient;
mod lxc;
mod net;
mod network;
mod params;
mod storage;
mod task;
mod ticket;
mod tls;
mod wait;

pub use client::{Client, Connection, Timeouts};
pub use cluster::{
    ClusterNode, ClusterStatus, Guest, GuestKind, Node, Resources, RunState, StorageUse, Version,
};
pub use credentials::{Credentials, Secret};
pub use endpoints::Endpoint;
pub use error::Error;
pub use ids::{Malformed, Upid, Vmid};
pub use lxc::{
    ConfigChange, ConsoleMode, CreateLxc, DeleteLxc, Disk, Features, Interface, InterfaceAddress,
    LxcConfig, LxcOptions, LxcStatus, PendingValue, Resize, Rootfs, Shutdown, Volume,
};
pub use net::{Ipv4Config, Ipv6Config, Net};
pub use network::Bridge;
pub use storage::{Content, ContentKind, Storage};
pub use task::{Exit, LogLine, LogPage, TaskEntry, TaskFilter, TaskSource, TaskState, TaskStatus};
pub use tls::{Fingerprint, Trust, fetch_fingerprint};
