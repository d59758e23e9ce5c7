//! The real nginx and dnsmasq read what is written, and a real question is put to each thing that
//! it asks for. Each test runs in namespaces of its own (see `test_servers::host`): nothing of the
//! machine's own network, names or services is touched.

#![cfg(test)]

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

use test_servers::host;
