//! Tests of the simulated Proxmox VE API over plain HTTP, TLS and the control listener.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests panic on unexpected results"
)]

mod conditions;
mod config;
mod container_http;
mod control;
mod control_changes;
mod create;
mod create_checks;
mod envelope_and_errors;
mod faults;
mod firewall;
mod interfaces;
mod node_resources;
mod node_restart;
mod oci;
mod out_of_band;
mod persistence;
mod power;
mod proxmoxer;
mod recordings;
mod replay;
mod schema;
mod snapshots;
mod storage_full;
mod support;
mod tasks;
mod tls;
