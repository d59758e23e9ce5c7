//! The access table: the required role for each server function, with a valid body, and for each
//! page.
//!
//! The rows refer to container 1 and job 1, which belong to the member `ann`. Other objects do not
//! exist, except the site `lab`, so permitted calls may return 404.

use serde_json::{Value, json};

/// The required role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anonymous users as well.
    Anyone,
    /// Every signed-in user.
    Member,
    /// Operators and administrators.
    Operator,
    /// Administrators only.
    Administrator,
    /// The object's owner, operators and administrators; for others it does not exist.
    OwnerOrOperator,
    /// The object's owner and administrators; for others it does not exist.
    OwnerOrAdministrator,
}

use Access::{Administrator, Anyone, Member, Operator, OwnerOrAdministrator, OwnerOrOperator};

/// A server function below `/api/ui`, its access, and a valid body.
pub type Row = (&'static str, Access, Value);

/// All server functions.
pub fn table() -> Vec<Row> {
    [
        hosts(),
        authorities(),
        certificates(),
        clusters(),
        containers(),
        domains(),
        jobs(),
        providers(),
        sites(),
        users(),
        account(),
        vec![("session/me", Anyone, json!({}))],
    ]
    .concat()
}

/// A path of each page with its access.
pub const PAGES: &[(&str, Access)] = &[
    ("/", Anyone),
    ("/sign-in", Anyone),
    ("/account", Member),
    ("/containers", Member),
    ("/containers/new", Member),
    ("/sites/lab/containers", Anyone),
    ("/sites/lab/containers/web", OwnerOrOperator),
    ("/sites/lab/containers/web/services", OwnerOrOperator),
    ("/sites/lab/containers/web/environment", OwnerOrOperator),
    ("/sites/lab/containers/web/jobs", OwnerOrOperator),
    ("/sites/lab/containers/web/settings", OwnerOrOperator),
    ("/jobs", Member),
    ("/jobs/1", OwnerOrOperator),
    ("/clusters", Administrator),
    ("/clusters/new", Administrator),
    ("/clusters/test", Administrator),
    ("/clusters/test/import", Administrator),
    ("/clusters/test/settings", Administrator),
    ("/nodes", Operator),
    ("/sites", Operator),
    ("/sites/new", Administrator),
    ("/sites/lab", Administrator),
    ("/sites/lab/settings", Administrator),
    ("/domains", Operator),
    ("/domains/new", Operator),
    ("/domains/1", Operator),
    ("/domains/1/certificates", Operator),
    ("/domains/1/settings", Operator),
    ("/certificates", Operator),
    ("/certificates/new", Operator),
    ("/certificates/9", Operator),
    ("/authorities", Operator),
    ("/authorities/new", Administrator),
    ("/authorities/other", Operator),
    ("/providers", Operator),
    ("/providers/new", Administrator),
    ("/providers/other", Operator),
    ("/hosts", Operator),
    ("/hosts/new", Operator),
    ("/sites/lab/hosts/edge-1", Operator),
    ("/sites/lab/hosts/edge-1/files", Operator),
    ("/sites/lab/hosts/edge-1/settings", Operator),
    ("/users", Administrator),
    ("/users/new", Administrator),
    ("/users/ann", Administrator),
];

fn hosts() -> Vec<Row> {
    let files = json!({ "site": "lab", "name": "edge-1", "query": {}, "path": "" });
    vec![
        ("hosts/list", Operator, json!({})),
        (
            "hosts/get",
            Operator,
            json!({ "site": "lab", "name": "edge-1" }),
        ),
        ("hosts/browse-files", Operator, files),
        (
            "hosts/create",
            Operator,
            json!({ "form": { "site": "1", "name": "edge-2" } }),
        ),
        ("hosts/renew-join-token", Operator, json!({ "id": 9 })),
        ("hosts/hand-over-dhcp", Operator, json!({ "id": 9 })),
        (
            "hosts/force-dhcp",
            Operator,
            json!({ "id": 9, "confirm": "edge-1" }),
        ),
        (
            "hosts/delete",
            Operator,
            json!({ "id": 9, "confirm": "edge-1" }),
        ),
    ]
}

fn authorities() -> Vec<Row> {
    let form = json!({ "name": "ca", "directory": "https://ca.example.org/directory" });
    vec![
        ("authorities/list", Operator, json!({})),
        ("authorities/get", Operator, json!({ "name": "other" })),
        ("authorities/create", Administrator, json!({ "form": form })),
        (
            "authorities/update",
            Administrator,
            json!({ "id": 9, "form": form }),
        ),
        (
            "authorities/delete",
            Administrator,
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}

fn certificates() -> Vec<Row> {
    let query = json!({ "q": "", "state": "", "page": 1 });
    let form = json!({
        "domain": "9",
        "chain": "-----BEGIN CERTIFICATE-----",
        "key": "-----BEGIN PRIVATE KEY-----",
    });
    vec![
        ("certificates/list", Operator, json!({ "of": null })),
        ("certificates/find", Operator, json!({ "query": query })),
        ("certificates/get", Operator, json!({ "key": "9" })),
        ("certificates/upload", Operator, json!({ "form": form })),
        ("certificates/retry", Operator, json!({ "id": 9 })),
        ("certificates/renew", Operator, json!({ "id": 9 })),
        (
            "certificates/revoke",
            Operator,
            json!({ "id": 9, "confirm": "www" }),
        ),
        (
            "certificates/delete",
            Operator,
            json!({ "id": 9, "confirm": "www" }),
        ),
    ]
}

fn clusters() -> Vec<Row> {
    let import = json!({ "site": "1", "owner": "ann", "vmids": [100] });
    // No server listens on this port.
    let url = "http://127.0.0.1:1";
    let form = json!({ "name": "home", "url": url, "account": "root@pam", "secret": "secret" });
    vec![
        ("clusters/list", Operator, json!({})),
        ("clusters/get", Administrator, json!({ "name": "other" })),
        ("clusters/check", Administrator, json!({ "id": 9 })),
        (
            "clusters/fetch-certificate",
            Administrator,
            json!({ "url": url }),
        ),
        ("clusters/create", Administrator, json!({ "form": form })),
        (
            "clusters/update",
            Administrator,
            json!({ "id": 9, "form": form }),
        ),
        (
            "clusters/delete",
            Administrator,
            json!({ "id": 9, "confirm": "other" }),
        ),
        (
            "clusters/import",
            Administrator,
            json!({ "id": 9, "import": import }),
        ),
    ]
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
        ("containers/create-options", Member, json!({})),
        ("containers/list", Member, json!({ "query": query })),
        ("containers/create", Member, json!({ "form": form })),
        ("containers/get", OwnerOrOperator, get),
        ("containers/edit", OwnerOrOperator, edit),
        (
            "containers/power",
            OwnerOrOperator,
            json!({ "id": 1, "power": "stop" }),
        ),
        (
            "containers/delete",
            OwnerOrOperator,
            json!({ "id": 1, "confirm": "other" }),
        ),
    ]
}

fn domains() -> Vec<Row> {
    let form = json!({
        "site": "1",
        "name": "shop.example.net",
        "hsts": "off",
        "publishers": "all-users",
    });
    vec![
        ("domains/list", Operator, json!({})),
        ("domains/create-options", Operator, json!({})),
        (
            "domains/get",
            Operator,
            json!({ "key": "9", "tab": "overview" }),
        ),
        ("domains/create", Operator, json!({ "form": form })),
        ("domains/update", Operator, json!({ "id": 9, "form": form })),
        (
            "domains/delete",
            Operator,
            json!({ "id": 9, "confirm": "shop.example.net" }),
        ),
    ]
}

fn jobs() -> Vec<Row> {
    let query = json!({ "state": null, "container": null, "q": "", "page": 1 });
    vec![
        ("jobs/list", Member, json!({ "query": query })),
        ("jobs/list-active", Member, json!({})),
        ("jobs/summarize-active", Member, json!({})),
        ("jobs/get", OwnerOrOperator, json!({ "id": 1 })),
        ("jobs/has-ended", OwnerOrOperator, json!({ "id": 1 })),
        ("jobs/log", OwnerOrOperator, json!({ "id": 1, "after": 0 })),
        ("jobs/cancel", OwnerOrOperator, json!({ "id": 1 })),
        (
            "jobs/retry",
            OwnerOrOperator,
            json!({ "id": 1, "confirm": "web" }),
        ),
    ]
}

fn providers() -> Vec<Row> {
    let form = json!({ "name": "dns", "kind": "cloudflare", "secret": "secret" });
    vec![
        ("providers/list", Operator, json!({})),
        ("providers/get", Operator, json!({ "name": "other" })),
        ("providers/create", Administrator, json!({ "form": form })),
        (
            "providers/update",
            Administrator,
            json!({ "id": 9, "form": form }),
        ),
        (
            "providers/test",
            Operator,
            json!({ "id": 9, "domain": "example.net" }),
        ),
        (
            "providers/delete",
            Administrator,
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}

fn sites() -> Vec<Row> {
    let form = json!({
        "name": "annex",
        "domain": "annex.example.org",
        "cluster": "1",
        "bridge": "vmbr0",
        "network": "10.30.0.0/16",
        "gateway": "10.30.0.1",
        "range": "10.30.0.100-10.30.0.200",
        "template_storage": "local",
        "volume_storage": "local-lvm",
        "vmids": "3000-3999",
        "ports": "3000-3999",
    });
    vec![
        ("sites/list", Operator, json!({})),
        ("sites/list-names", Operator, json!({})),
        ("sites/get", Operator, json!({ "name": "lab" })),
        ("sites/create", Administrator, json!({ "form": form })),
        (
            "sites/update",
            Administrator,
            json!({ "id": 9, "form": form }),
        ),
        (
            "sites/delete",
            Administrator,
            json!({ "id": 9, "confirm": "annex" }),
        ),
    ]
}

fn account() -> Vec<Row> {
    let form = json!({ "current": "wrong horse", "new": "battery staple" });
    vec![
        ("account/get", Member, json!({})),
        ("account/change-password", Member, json!({ "form": form })),
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
        ("users/list", Administrator, json!({ "q": "", "page": 1 })),
        ("users/get", OwnerOrAdministrator, json!({ "name": "ann" })),
        ("users/create", Administrator, json!({ "form": form })),
        (
            "users/update",
            Administrator,
            json!({ "id": 9, "form": form }),
        ),
        (
            "users/delete",
            Administrator,
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}
