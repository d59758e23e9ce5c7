//! One module per page. A page is a function without arguments that gives its view; what it needs
//! it takes from the address.

pub mod agents;
pub mod authorities;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod domains;
pub mod jobs;
pub mod nodes;
pub mod not_found;
pub mod providers;
mod rights;
pub mod sign_in;
pub mod sites;
pub mod users;
