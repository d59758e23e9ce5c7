//! Tests with real nginx and dnsmasq: they load the rendered files, and real requests and queries
//! verify the result. Each test runs in its own namespaces (see `test_servers::host`), so the
//! network, name resolution and services of the machine stay untouched.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "the test backend has routes")]

mod any_site;
#[path = "../rendered/arbitrary.rs"]
mod arbitrary;
mod backend;
mod certificates;
mod dnsmasq;
#[path = "../rendered/example.rs"]
mod example;
mod leases;
mod nginx;
mod sign_in;
mod site;
mod streams;

use test_servers::host;
