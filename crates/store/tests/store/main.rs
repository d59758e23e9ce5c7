//! Tests of the store on all three databases. The tests start and stop the database servers; when
//! a server is not installed, its tests fail and name the package.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

#[macro_use]
mod support;

mod authorities;
mod certificate_leases;
mod certificates;
mod clusters;
mod containers;
mod demo;
mod dhcp_leases;
mod dns_records;
mod domains;
mod env;
mod filters;
mod generations;
mod hosts;
mod images;
mod invitations;
mod job_leases;
mod job_retention;
mod jobs;
mod lists;
mod migrations;
mod names;
mod observations;
mod open;
mod races;
mod rate_limits;
mod reschedule;
mod schema;
mod services;
mod sessions;
mod sign_ins;
mod sites;
mod users;
