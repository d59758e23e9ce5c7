//! The database. Diesel on SQLite, PostgreSQL or MySQL (MariaDB), chosen by the scheme of the
//! address; one module of queries per aggregate. Nothing outside this crate sees Diesel, and
//! nothing in it decides what somebody may do.
//!
//! A caller hands a closure to [`Store::read`] or [`Store::write`]; in it, the modules' functions
//! take the [`Conn`]. All moments are the database's, in milliseconds.

mod dialect;
pub mod domains;
mod error;
mod follow;
mod migrations;
pub mod observations;
mod pool;
mod rows;
mod schema;
mod secret;
mod url;

pub mod agents;
pub mod authorities;
pub mod certificates;
pub mod challenges;
pub mod clusters;
pub mod containers;
pub mod demo;
pub mod jobs;
pub mod leases;
pub mod nodes;
pub mod providers;
pub mod records;
pub mod sessions;
pub mod sites;
pub mod users;

pub use error::{Error, Unique};
pub use follow::Follower;
pub use pool::{Conn, OpenError, Options, Store};
pub use secret::{KeyError, SecretKey};
pub use url::{DatabaseUrl, UrlError};

use model::Timestamp;

/// The database's clock.
///
/// # Errors
/// When the database does not answer.
pub fn now(c: &mut Conn) -> Result<Timestamp, Error> {
    use diesel::RunQueryDsl;
    let now = dialect::now(&c.0);
    Ok(Timestamp(diesel::select(now).get_result(&mut c.0)?))
}
