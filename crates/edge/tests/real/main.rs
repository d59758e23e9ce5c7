//! The real nginx and dnsmasq read what is written, and a real question is put to each thing that
//! it asks for. Each test runs in namespaces of its own (see `test_servers::host`): nothing of the
//! machine's own network, names or services is touched.

mod backend;
mod dnsmasq;
mod leases;
mod nginx;
mod sign_in;
mod site;

use test_servers::host;
