//! Who may open a page that asks the server for nothing else. The server decides again on what the
//! page then sends.

use model::{Error, session::Me};

use crate::api::{self, Failure};

/// The signed-in person, who must be an administrator.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `Forbidden` for others.
pub async fn administrator() -> Result<Me, Failure> {
    match api::session::me().await? {
        None => Err(Failure(Error::Unauthenticated)),
        Some(me) if me.role.administers() => Ok(me),
        Some(_) => Err(Failure(Error::forbidden("Administrators may do this."))),
    }
}
