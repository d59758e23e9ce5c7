//! Tests of the use cases against the Proxmox simulator and a temporary database.

#![cfg(test)]

mod account;
mod account_states;
mod certificate_limits;
mod certificate_uploads;
mod certificates;
mod cluster_privileges;
mod clusters;
mod conflicts;
mod create;
mod demo;
mod demo_resume;
mod docker;
mod domains;
mod edits;
mod faults;
mod filters;
mod hosts;
mod images;
mod invitations;
mod issuance;
mod join_tokens;
mod loopback;
mod lost_leases;
mod names;
mod observers;
mod permissions;
mod publications;
mod rate_limits;
mod records;
mod reserved;
mod resume;
mod sessions;
mod site_configuration;
mod sites;
mod test_app;
mod throttling;
mod unmanaged_guests;
mod users;
