//! Trees are applied with the real nginx and dnsmasq. Each test runs in namespaces of its own (see
//! `test_servers::host`): nothing of the machine's own network, names or services is touched.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets what it does not expect has failed"
)]

mod applied;
mod certificates;
mod checked;
mod clock;
mod disk;
mod faults;
mod killed;
mod lent;
mod manager;
mod probed;
mod program;
mod programs;
mod site;
mod units;
