//! The simulated cluster: its state, and how it changes without a request. Must not depend on the
//! routes of the API.

pub(crate) mod conditions;
pub(crate) mod console;
pub(crate) mod container;
pub(crate) mod container_http;
pub(crate) mod container_view;
pub(crate) mod core;
pub(crate) mod dhcp;
pub(crate) mod downloads;
pub(crate) mod firewall;
pub(crate) mod journal;
pub(crate) mod lookup;
pub(crate) mod network;
pub(crate) mod oci;
pub(crate) mod options;
pub(crate) mod persist;
pub(crate) mod restart;
pub(crate) mod state;
pub(crate) mod storage;
pub(crate) mod task;
pub(crate) mod tls;
pub(crate) mod usage;
pub(crate) mod volumes;
