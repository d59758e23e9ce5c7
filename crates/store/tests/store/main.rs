//! The store on all three databases. The servers are started by the tests themselves and end with
//! them; where one is not installed, its tests fail and name the package.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

#[macro_use]
mod lab;

mod again;
mod agents;
mod certificates;
mod clusters;
mod containers;
mod demo;
mod domains;
mod jobs;
mod leases;
mod lent;
mod lists;
mod observations;
mod open;
mod published;
mod races;
mod schema;
mod sessions;
mod sites;
mod users;
