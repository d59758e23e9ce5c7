//! One module per page. A page is a function without arguments that returns its view; parameters
//! come from the URL.

pub mod account;
pub mod authorities;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod domains;
pub mod hosts;
pub mod invitations;
pub mod jobs;
pub mod nodes;
pub mod not_found;
mod prelude;
pub mod providers;
mod require_role;
pub mod sign_in;
pub mod sites;
mod tabbed_page;
pub mod users;
