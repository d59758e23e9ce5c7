//! `/access`: users, tokens, groups, roles, realms, permissions and login.

mod acl;
mod domains;
mod groups;
mod password;
mod permissions;
mod roles;
mod ticket;
mod users;
mod vncticket;

use crate::route::Route;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(acl::routes());
    routes.extend(domains::routes());
    routes.extend(groups::routes());
    routes.extend(password::routes());
    routes.extend(permissions::routes());
    routes.extend(roles::routes());
    routes.extend(ticket::routes());
    routes.extend(users::routes());
    routes.extend(vncticket::routes());
    routes
}
