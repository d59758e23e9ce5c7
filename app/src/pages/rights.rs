//! Authorization of pages that fetch no data. The server checks again when the page submits.

use model::{Error, session::CurrentUser};

use crate::server_fns::{self, Failure};

/// The signed-in user, who must be an administrator.
///
/// # Errors
/// `Unauthenticated` without a session, `Forbidden` for other roles.
pub async fn administrator() -> Result<CurrentUser, Failure> {
    match server_fns::session::me().await? {
        None => Err(Failure(Error::Unauthenticated)),
        Some(me) if me.role.is_administrator() => Ok(me),
        Some(_) => Err(Failure(Error::forbidden(
            "Only administrators can do this.",
        ))),
    }
}
