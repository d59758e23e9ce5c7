//! Routes of `/access` and `/pools`: users, tokens, groups, roles, access control entries, realms
//! and pools.

use super::{AccessRule, Route};
use crate::api::access::{acl, groups, index, pools, realms, tickets, tokens, users};
use crate::schema::{Property, boolean, identity, integer, named, realm, text};

fn user() -> Property {
    text("userid")
        .format(named::USERID)
        .length(0, 64)
        .required()
}

fn user_attributes() -> Vec<Property> {
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

fn concat(first: Vec<Property>, more: Vec<Property>) -> Vec<Property> {
    first.into_iter().chain(more).collect()
}

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new("GET", "/", vec![], index)];
    routes.extend(login_routes());
    routes.extend(user_routes());
    routes.extend(token_routes());
    routes.extend(group_routes());
    routes.extend(realm_routes());
    routes.extend(pool_routes());
    routes
}

fn login_routes() -> Vec<Route> {
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
    let permissions = vec![
        text("userid").pattern(identity::USER_OR_TOKEN),
        text("path"),
    ];
    vec![
        Route::new("GET", "/access/ticket", vec![], tickets::show).access_rule(AccessRule::World),
        Route::new("POST", "/access/ticket", ticket, tickets::login)
            .access_rule(AccessRule::World)
            .ticket_only(),
        Route::new("PUT", "/access/password", password, tickets::change)
            .access_rule(AccessRule::Custom(users::check_own_or_modify))
            .ticket_only(),
        Route::new("GET", "/access/acl", vec![], acl::list),
        Route::new("PUT", "/access/acl", grants, acl::update)
            .access_rule(AccessRule::Custom(acl::check_modify)),
        Route::new("GET", "/access/permissions", permissions, acl::permissions),
    ]
}

fn user_routes() -> Vec<Route> {
    let list = vec![boolean("enabled"), boolean("full")];
    let create = concat(
        vec![user(), text("password").length(8, 64)],
        user_attributes(),
    );
    let update = concat(
        vec![user(), boolean("append").requires("groups")],
        user_attributes(),
    );
    let item = "/access/users/{userid}";
    let modify = AccessRule::Custom(users::check_modify);
    vec![
        Route::new("GET", "/access/users", list, users::list),
        Route::new("POST", "/access/users", create, users::create)
            .access_rule(AccessRule::Custom(users::check_create)),
        Route::new("GET", item, vec![user()], users::show).access_rule(modify),
        Route::new("PUT", item, update, users::update).access_rule(modify),
        Route::new("DELETE", item, vec![user()], users::delete).access_rule(modify),
    ]
}

fn token_routes() -> Vec<Route> {
    let id = || {
        vec![
            user(),
            text("tokenid").pattern(identity::TOKEN_NAME).required(),
        ]
    };
    let set = || {
        vec![
            text("comment"),
            integer("expire").min(0),
            boolean("privsep"),
        ]
    };
    let list_path = "/access/users/{userid}/token";
    let item = "/access/users/{userid}/token/{tokenid}";
    let regenerate = concat(
        set(),
        vec![text("delete").list(named::CONFIG_ID), boolean("regenerate")],
    );
    let own = AccessRule::Custom(users::check_own_or_modify);
    vec![
        Route::new("GET", list_path, vec![user()], tokens::list).access_rule(own),
        Route::new("GET", item, id(), tokens::show).access_rule(own),
        Route::new("POST", item, concat(id(), set()), tokens::create).access_rule(own),
        Route::new("PUT", item, concat(id(), regenerate), tokens::update).access_rule(own),
        Route::new("DELETE", item, id(), tokens::delete).access_rule(own),
    ]
}

fn group_routes() -> Vec<Route> {
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
    let (list_path, item) = ("/access/domains", "/access/domains/{realm}");
    let sync = "/access/domains/{realm}/sync";
    let name = || vec![realm::id()];
    let path = "/access/realm";
    let allocate: &[&str] = &["Realm.Allocate"];
    vec![
        Route::new("GET", list_path, vec![], realms::list).access_rule(AccessRule::World),
        Route::new("POST", list_path, realm::create(), realms::create).every(path, allocate),
        Route::new("GET", item, name(), realms::show).any(path, &["Realm.Allocate", "Sys.Audit"]),
        Route::new("PUT", item, realm::update(), realms::update).every(path, allocate),
        Route::new("DELETE", item, name(), realms::delete).every(path, allocate),
        Route::new("POST", sync, realm::sync(), realms::sync)
            .access_rule(AccessRule::Custom(realms::check_sync)),
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
    let changed = || concat(vec![id().required()], members());
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
