//! The rows of the server functions.

mod infrastructure;

use serde_json::{Value, json};

use super::Access::{
    self, Administrator, Anyone, Member, Own, OwnerOrAdministrator, OwnerOrOperator,
};

/// A server function below `/api/ui`, its access, the action of the table of permissions that it
/// performs, and a valid body.
pub type Row = (&'static str, Access, &'static str, Value);

/// All server functions.
pub fn table() -> Vec<Row> {
    [
        infrastructure::hosts(),
        infrastructure::authorities(),
        infrastructure::certificates(),
        infrastructure::clusters(),
        containers(),
        infrastructure::domains(),
        jobs(),
        infrastructure::providers(),
        infrastructure::sites(),
        users(),
        account(),
        invitations(),
        // Returns the signed-in user.
        vec![("session/me", Anyone, "", json!({}))],
    ]
    .concat()
}

fn containers() -> Vec<Row> {
    let sort = json!({ "key": "name", "down": false });
    let query = json!({ "site": null, "status": null, "q": "", "sort": sort, "page": 1 });
    let get = json!({ "site": "lab", "name": "web", "with_jobs": true });
    let form = json!({
        "site": "1",
        "name": "new",
        "source": "debian-13-standard_13.1-2_amd64.tar.zst",
        "cores": "1",
        "memory": "512",
        "disk": "4",
    });
    let edit = json!({ "id": 1, "version": 1, "form": form, "restart": false });
    vec![
        (
            "containers/create-options",
            Member,
            "ContainerCreate",
            json!({}),
        ),
        (
            "containers/list",
            Member,
            "ContainerList",
            json!({ "query": query }),
        ),
        (
            "containers/create",
            Member,
            "ContainerCreate",
            json!({ "form": form }),
        ),
        ("containers/get", OwnerOrOperator, "ContainerRead", get),
        ("containers/edit", OwnerOrOperator, "ContainerManage", edit),
        (
            "containers/power",
            OwnerOrOperator,
            "ContainerManage",
            json!({ "id": 1, "power": "stop" }),
        ),
        (
            "containers/set-filters",
            OwnerOrOperator,
            "ContainerManage",
            json!({ "id": 1, "on": true }),
        ),
        (
            "containers/delete",
            OwnerOrOperator,
            "ContainerManage",
            json!({ "id": 1, "confirm": "other" }),
        ),
    ]
}

fn jobs() -> Vec<Row> {
    let query = json!({ "state": null, "container": null, "q": "", "page": 1 });
    vec![
        ("jobs/list", Member, "JobList", json!({ "query": query })),
        ("jobs/list-active", Member, "JobList", json!({})),
        ("jobs/summarize-active", Member, "JobList", json!({})),
        ("jobs/get", OwnerOrOperator, "JobRead", json!({ "id": 1 })),
        (
            "jobs/has-ended",
            OwnerOrOperator,
            "JobRead",
            json!({ "id": 1 }),
        ),
        (
            "jobs/log",
            OwnerOrOperator,
            "JobRead",
            json!({ "id": 1, "after": 0 }),
        ),
        (
            "jobs/cancel",
            OwnerOrOperator,
            "JobManage",
            json!({ "id": 1 }),
        ),
        (
            "jobs/retry",
            OwnerOrOperator,
            "JobManage",
            json!({ "id": 1, "confirm": "web" }),
        ),
    ]
}

fn account() -> Vec<Row> {
    let form = json!({ "current": "wrong horse", "new": "battery staple" });
    vec![
        ("account/get", Own, "AccountRead", json!({})),
        (
            "account/change-password",
            Own,
            "PasswordChange",
            json!({ "form": form }),
        ),
        (
            "account/change-profile",
            Own,
            "ProfileChange",
            json!({ "form": { "full_name": "Ann", "email": "ann@example.org" } }),
        ),
        ("account/list-sessions", Own, "SessionManage", json!({})),
        (
            "account/end-session",
            Own,
            "SessionManage",
            json!({ "id": "0123456789abcdef" }),
        ),
        (
            "account/end-other-sessions",
            Own,
            "SessionManage",
            json!({}),
        ),
    ]
}

fn invitations() -> Vec<Row> {
    let form = json!({ "email": "eve@example.org", "role": "member" });
    let acceptance = json!({ "name": "eve", "password": "correct horse" });
    vec![
        (
            "invitations/list",
            Administrator,
            "InvitationManage",
            json!({ "page": 1 }),
        ),
        (
            "invitations/create",
            Administrator,
            "InvitationManage",
            json!({ "form": form }),
        ),
        (
            "invitations/delete",
            Administrator,
            "InvitationManage",
            json!({ "id": 9 }),
        ),
        // The token of an invitation takes the place of a session.
        ("invitations/get", Anyone, "", json!({ "token": "other" })),
        (
            "invitations/accept",
            Anyone,
            "",
            json!({ "token": "other", "form": acceptance }),
        ),
    ]
}

fn users() -> Vec<Row> {
    let form = json!({
        "name": "eve",
        "email": "eve@example.org",
        "role": "member",
        "password": "correct horse",
    });
    vec![
        (
            "users/list",
            Administrator,
            "UserList",
            json!({ "q": "", "state": "", "page": 1 }),
        ),
        (
            "users/change-state",
            Administrator,
            "UserManage",
            json!({ "id": 9, "state": "suspended" }),
        ),
        (
            "users/get",
            OwnerOrAdministrator,
            "AccountRead",
            json!({ "name": "ann" }),
        ),
        (
            "users/create",
            Administrator,
            "UserManage",
            json!({ "form": form }),
        ),
        (
            "users/update",
            Administrator,
            "UserManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "users/delete",
            Administrator,
            "UserManage",
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}
