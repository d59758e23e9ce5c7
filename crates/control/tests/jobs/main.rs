//! Tests of use cases and jobs against the Proxmox simulator and a temporary database.

#![cfg(test)]

mod certificates;
mod clusters;
mod conflicts;
mod create;
mod demo;
mod docker;
mod domains;
mod edits;
mod faults;
mod foreign_guests;
mod hosts;
mod issuance;
mod join_tokens;
mod loopback;
mod observers;
mod permissions;
mod publications;
mod records;
mod reserved;
mod resume;
mod site_configuration;
mod test_app;
mod throttling;
