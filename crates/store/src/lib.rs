//! Database access with Diesel on SQLite, PostgreSQL or MySQL (MariaDB), selected by the scheme of
//! the database URL. Each aggregate has one module of queries. Diesel types must not leave this
//! crate, and this crate must not check permissions.
//!
//! A caller passes a closure to [`Store::read`] or [`Store::write`]; the closure passes its
//! [`Conn`] to the functions of the modules. Timestamps come from the clock of the database, in
//! milliseconds.

mod dialect;
pub mod domains;
mod error;
mod lease;
mod listener;
mod migrations;
pub mod observations;
mod pool;
mod rows;
mod schema;
mod secret;
mod url;

pub mod authorities;
pub mod certificates;
pub mod challenges;
pub mod clusters;
pub mod containers;
pub mod demo;
pub mod dhcp_leases;
pub mod dns_records;
pub mod hosts;
pub mod images;
pub mod invitations;
pub mod jobs;
pub mod names;
pub mod nodes;
pub mod providers;
pub mod rate_limits;
pub mod sessions;
pub mod sign_ins;
pub mod sites;
pub mod users;

pub use error::{Error, Unique};
pub use listener::ChangeListener;
pub use pool::{Conn, OpenError, Options, Store};
pub use secret::{KeyError, SecretKey};
pub use url::{DatabaseUrl, UrlError};

use model::Timestamp;

/// Returns the current time of the database.
///
/// # Errors
/// When the database is unavailable.
pub fn now(c: &mut Conn) -> Result<Timestamp, Error> {
    use diesel::RunQueryDsl;
    let now = dialect::now(&c.0);
    Ok(Timestamp(diesel::select(now).get_result(&mut c.0)?))
}
