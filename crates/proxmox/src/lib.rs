//! A typed client of the Proxmox VE API (9.x) for a control plane.
//!
//! The crate handles Proxmox's protocol: paths, forms, property strings, loosely typed responses,
//! tasks and error messages. It makes no decisions: placement, retries of jobs and rollback belong
//! to the caller. Its only state is a connection pool, a ticket and the endpoint that succeeded
//! last, so a [`Client`] is cheap to clone and safe to share.
//!
//! Two properties that callers must know:
//! - Proxmox responds to most writes with the UPID of a task ([`Upid`]) before anything has
//!   happened: [`Client::wait_task`] returns the result. Even starting a container that does not
//!   exist returns a UPID; only its task fails.
//! - An image's own entrypoint and environment replace those given to [`Client::create_lxc`]. Set
//!   them with [`Client::set_lxc_config`] after the task of the creation has ended.

mod access;
mod backup;
mod client;
mod cluster;
mod console;
mod credentials;
mod endpoints;
mod error;
mod error_chain;
mod firewall;
mod http;
mod ids;
mod lenient;
mod lxc;
mod message;
mod names;
mod net;
mod network;
mod node;
mod params;
mod response;
mod snapshots;
mod storage;
mod task;
mod templates;
mod ticket;
mod timeouts;
mod tls;
mod wait;

pub use access::Permissions;
pub use backup::{Backup, BackupMode, Compression, RestoreLxc, Retention};
pub use client::{Client, ClientConfig, RequestGuard};
pub use cluster::{
    ClusterNode, ClusterStatus, Guest, GuestKind, Node, Resources, RunState, StorageUse, Version,
};
pub use console::TermProxy;
pub use credentials::{Credentials, Secret};
pub use endpoints::{Endpoint, fetch_fingerprint};
pub use error::Error;
pub use http::Purpose;
pub use ids::{ParseError, Upid, Vmid};
pub use lxc::{
    CloneDisks, CloneLxc, ConfigChange, ConsoleMode, CreateLxc, DeleteLxc, Disk, Features,
    FirewallOptions, FirewallRule, Interface, InterfaceAddress, IpSet, IpSetEntry, ListedRule,
    LxcConfig, LxcFeature, LxcOptions, LxcStatus, MigrateLxc, MigratePreconditions, PendingValue,
    Resize, Rootfs, Shutdown, Volume,
};
pub use names::{PoolId, SnapshotName};
pub use net::{Ipv4Config, Ipv6Config, Net};
pub use network::{Bridge, NodeInterface};
pub use node::{CpuInfo, NodeStatus, Usage};
pub use pinned::Fingerprint;
pub use snapshots::Snapshot;
pub use storage::{Content, ContentKind, Storage};
pub use task::{
    LogLine, LogPage, TaskEntry, TaskExit, TaskFilter, TaskSource, TaskState, TaskStatus,
};
pub use templates::{ChecksumKind, Download, Template};
pub use timeouts::Timeouts;
pub use tls::Trust;
