//! Tests of the agent with the real nginx and dnsmasq. Each test runs in its own namespaces (see
//! `test_servers::host`); the network and services of the machine are not changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a panic fails the test and shows the output; the fake manager has routes"
)]

mod apply;
mod certificates;
mod check;
mod clock;
mod crash;
mod disk;
mod faults;
mod leases;
mod manager;
mod probe;
mod program;
mod programs;
mod site;
mod units;
