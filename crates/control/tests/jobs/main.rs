//! The use cases and their jobs, against the simulator and a database in a temporary folder.

#![cfg(test)]

mod agents;
mod certificates;
mod change;
mod clusters;
mod create;
mod demo;
mod docker;
mod domains;
mod faults;
mod house;
mod invitations;
mod issuance;
mod lent;
mod loopback;
mod observers;
mod publications;
mod records;
mod reserved;
mod resume;
mod rights;
mod snapshot;
