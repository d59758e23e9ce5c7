//! Routes of `/access` and `/pools`: users, tokens, groups, roles, access control entries, realms
//! and pools.

use super::{Permit, Route};
use crate::api::access::{acl, groups, index, pools, realms, tickets, tokens, users};
use crate::schema::{Property, boolean, integer, named, people, realm, text};

fn user() -> Property {
    text("userid")
        .format(named::USERID)
        .length(0, 64)
        .required()
}

fn about() -> Vec<Property> {
    vec![
        text("comment").length(0, 2048),
        text("email").format(named::EMAIL).length(0, 254),
        boolean("enable"),
        integer("expire").min(0),
        text("firstname").length(0, 1024),
        text("groups").list(named::GROUP),
        text("keys").pattern("[0-9a-zA-Z!=]{0,4096}"),
        text("lastname").length(0, 1024),
    ]
}

fn with(first: Vec<Property>, more: Vec<Property>) -> Vec<Property> {
    first.into_iter().chain(more).collect()
}

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new("GET", "/", vec![], index)];
    routes.extend(sign_in());
    routes.extend(accounts());
    routes.extend(api_tokens());
    routes.extend(names());
    routes.extend(realm_routes());
    routes.extend(pool_routes());
    routes
}

fn sign_in() -> Vec<Route> {
    let ticket = vec![
        text("username").length(0, 64).required(),
        text("password").required(),
        text("realm").format(named::REALM).length(0, 32),
        text("otp"),
        text("path").requires("privs").length(0, 64),
        text("privs")
            .list(named::PRIVILEGE)
            .requires("path")
            .length(0, 64),
        text("tfa-challenge"),
        boolean("new-format"),
    ];
    let password = vec![
        user(),
        text("password").length(8, 64).required(),
        text("confirmation-password").length(5, 64),
    ];
    let grants = vec![
        text("path").required(),
        text("roles").list(named::ROLE).required(),
        text("users").list(named::USERID),
        text("groups").list(named::GROUP),
        text("tokens").list(named::TOKEN),
        boolean("propagate"),
        boolean("delete"),
    ];
    let permissions = vec![text("userid").pattern(people::WHO), text("path")];
    vec![
        Route::new("GET", "/access/ticket", vec![], tickets::show).permit(Permit::World),
        Route::new("POST", "/access/ticket", ticket, tickets::sign_in)
            .permit(Permit::World)
            .ticket_only(),
        Route::new("PUT", "/access/password", password, tickets::change)
            .permit(Permit::Judged(users::own_or_modify))
            .ticket_only(),
        Route::new("GET", "/access/acl", vec![], acl::list),
        Route::new("PUT", "/access/acl", grants, acl::update)
            .permit(Permit::Judged(acl::may_modify)),
        Route::new("GET", "/access/permissions", permissions, acl::permissions),
    ]
}

fn accounts() -> Vec<Route> {
    let list = vec![boolean("enabled"), boolean("full")];
    let create = with(vec![user(), text("password").length(8, 64)], about());
    let update = with(vec![user(), boolean("append").requires("groups")], about());
    let one = "/access/users/{userid}";
    let modify = Permit::Judged(users::may_modify);
    vec![
        Route::new("GET", "/access/users", list, users::list),
        Route::new("POST", "/access/users", create, users::create)
            .permit(Permit::Judged(users::may_make)),
        Route::new("GET", one, vec![user()], users::show).permit(modify),
        Route::new("PUT", one, update, users::update).permit(modify),
        Route::new("DELETE", one, vec![user()], users::delete).permit(modify),
    ]
}

fn api_tokens() -> Vec<Route> {
    let id = || {
        vec![
            user(),
            text("tokenid").pattern(people::TOKEN_NAME).required(),
        ]
    };
    let set = || {
        vec![
            text("comment"),
            integer("expire").min(0),
            boolean("privsep"),
        ]
    };
    let all = "/access/users/{userid}/token";
    let one = "/access/users/{userid}/token/{tokenid}";
    let regenerate = with(
        set(),
        vec![text("delete").list(named::CONFIG_ID), boolean("regenerate")],
    );
    let own = Permit::Judged(users::own_or_modify);
    vec![
        Route::new("GET", all, vec![user()], tokens::list).permit(own),
        Route::new("GET", one, id(), tokens::show).permit(own),
        Route::new("POST", one, with(id(), set()), tokens::create).permit(own),
        Route::new("PUT", one, with(id(), regenerate), tokens::update).permit(own),
        Route::new("DELETE", one, id(), tokens::delete).permit(own),
    ]
}

fn names() -> Vec<Route> {
    let group = || text("groupid").format(named::GROUP).required();
    let role = || text("roleid").format(named::ROLE).required();
    let privileges = || text("privs").list(named::PRIVILEGE);
    let one_group = "/access/groups/{groupid}";
    let one_role = "/access/roles/{roleid}";
    let allocate: &[&str] = &["Group.Allocate"];
    let modify: &[&str] = &["Sys.Modify"];
    vec![
        Route::new("GET", "/access/groups", vec![], groups::list),
        Route::new(
            "POST",
            "/access/groups",
            vec![group(), text("comment")],
            groups::create,
        )
        .every("/access/groups", allocate),
        Route::new("GET", one_group, vec![group()], groups::show)
            .any("/access/groups", &["Sys.Audit", "Group.Allocate"]),
        Route::new("DELETE", one_group, vec![group()], groups::delete)
            .every("/access/groups", allocate),
        Route::new("GET", "/access/roles", vec![], groups::roles),
        Route::new(
            "POST",
            "/access/roles",
            vec![role(), privileges()],
            groups::set_role,
        )
        .every("/access", modify),
        Route::new("GET", one_role, vec![role()], groups::role),
        Route::new(
            "PUT",
            one_role,
            vec![role(), privileges(), boolean("append").requires("privs")],
            groups::set_role,
        )
        .every("/access", modify),
        Route::new("DELETE", one_role, vec![role()], groups::delete_role).every("/access", modify),
    ]
}

fn realm_routes() -> Vec<Route> {
    let (all, one) = ("/access/domains", "/access/domains/{realm}");
    let sync = "/access/domains/{realm}/sync";
    let name = || vec![realm::id()];
    let place = "/access/realm";
    let allocate: &[&str] = &["Realm.Allocate"];
    vec![
        Route::new("GET", all, vec![], realms::list).permit(Permit::World),
        Route::new("POST", all, realm::create(), realms::create).every(place, allocate),
        Route::new("GET", one, name(), realms::show).any(place, &["Realm.Allocate", "Sys.Audit"]),
        Route::new("PUT", one, realm::update(), realms::update).every(place, allocate),
        Route::new("DELETE", one, name(), realms::delete).every(place, allocate),
        Route::new("POST", sync, realm::sync(), realms::sync)
            .permit(Permit::Judged(realms::may_sync)),
    ]
}

fn pool_routes() -> Vec<Route> {
    let id = || text("poolid").format(named::POOL);
    let members = || {
        vec![
            text("comment"),
            text("vms").list(named::VMID),
            text("storage").list(named::STORAGE),
            boolean("delete"),
            boolean("allow-move"),
        ]
    };
    let kind = || crate::schema::choice("type", &["qemu", "lxc", "storage"]).requires("poolid");
    let allocate: &[&str] = &["Pool.Allocate"];
    let changed = || with(vec![id().required()], members());
    vec![
        Route::new("GET", "/pools", vec![id(), kind()], pools::list),
        Route::new(
            "POST",
            "/pools",
            vec![id().required(), text("comment")],
            pools::create,
        )
        .every("/pool/{poolid}", allocate),
        Route::new("PUT", "/pools", changed(), pools::update).every("/pool/{poolid}", allocate),
        Route::new("DELETE", "/pools", vec![id().required()], pools::delete)
            .every("/pool/{poolid}", allocate),
        Route::new("PUT", "/pools/{poolid}", changed(), pools::update)
            .every("/pool/{poolid}", allocate),
        Route::new(
            "DELETE",
            "/pools/{poolid}",
            vec![id().required()],
            pools::delete,
        )
        .every("/pool/{poolid}", allocate),
    ]
}
