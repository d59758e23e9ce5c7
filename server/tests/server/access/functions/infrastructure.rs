//! The rows of clusters, sites, domains, certificates and hosts.

use serde_json::json;

use super::Row;
use crate::access::Access::{Administrator, Operator};

pub fn hosts() -> Vec<Row> {
    let files = json!({ "site": "lab", "name": "edge-1", "query": {}, "path": "" });
    vec![
        ("hosts/list", Operator, "HostRead", json!({})),
        (
            "hosts/get",
            Operator,
            "HostRead",
            json!({ "site": "lab", "name": "edge-1" }),
        ),
        ("hosts/browse-files", Operator, "HostRead", files),
        (
            "hosts/create",
            Operator,
            "HostManage",
            json!({ "form": { "site": "1", "name": "edge-2" } }),
        ),
        (
            "hosts/renew-join-token",
            Operator,
            "HostManage",
            json!({ "id": 9 }),
        ),
        (
            "hosts/hand-over-dhcp",
            Operator,
            "HostManage",
            json!({ "id": 9 }),
        ),
        (
            "hosts/force-dhcp",
            Operator,
            "HostManage",
            json!({ "id": 9, "confirm": "edge-1" }),
        ),
        (
            "hosts/delete",
            Operator,
            "HostManage",
            json!({ "id": 9, "confirm": "edge-1" }),
        ),
    ]
}

pub fn authorities() -> Vec<Row> {
    let form = json!({ "name": "ca", "directory": "https://ca.example.org/directory" });
    vec![
        ("authorities/list", Operator, "AuthorityRead", json!({})),
        (
            "authorities/get",
            Operator,
            "AuthorityRead",
            json!({ "name": "other" }),
        ),
        (
            "authorities/create",
            Administrator,
            "AuthorityManage",
            json!({ "form": form }),
        ),
        (
            "authorities/update",
            Administrator,
            "AuthorityManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "authorities/delete",
            Administrator,
            "AuthorityManage",
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}

pub fn certificates() -> Vec<Row> {
    let query = json!({ "q": "", "state": "", "page": 1 });
    let form = json!({
        "domain": "9",
        "chain": "-----BEGIN CERTIFICATE-----",
        "key": "-----BEGIN PRIVATE KEY-----",
    });
    vec![
        (
            "certificates/list",
            Operator,
            "CertificateRead",
            json!({ "of": null }),
        ),
        (
            "certificates/find",
            Operator,
            "CertificateRead",
            json!({ "query": query }),
        ),
        (
            "certificates/get",
            Operator,
            "CertificateRead",
            json!({ "key": "9" }),
        ),
        (
            "certificates/upload",
            Operator,
            "CertificateManage",
            json!({ "form": form }),
        ),
        (
            "certificates/retry",
            Operator,
            "CertificateManage",
            json!({ "id": 9 }),
        ),
        (
            "certificates/renew",
            Operator,
            "CertificateManage",
            json!({ "id": 9 }),
        ),
        (
            "certificates/revoke",
            Operator,
            "CertificateManage",
            json!({ "id": 9, "confirm": "www" }),
        ),
        (
            "certificates/delete",
            Operator,
            "CertificateManage",
            json!({ "id": 9, "confirm": "www" }),
        ),
    ]
}

pub fn clusters() -> Vec<Row> {
    let import = json!({ "site": "1", "owner": "ann", "vmids": [100] });
    // No server listens on this port.
    let url = "http://127.0.0.1:1";
    let form = json!({ "name": "home", "url": url, "account": "root@pam", "secret": "secret" });
    vec![
        ("clusters/list", Operator, "ClusterRead", json!({})),
        (
            "clusters/get",
            Administrator,
            "ClusterManage",
            json!({ "name": "other" }),
        ),
        (
            "clusters/check",
            Administrator,
            "ClusterManage",
            json!({ "id": 9 }),
        ),
        (
            "clusters/fetch-certificate",
            Administrator,
            "ClusterManage",
            json!({ "url": url }),
        ),
        (
            "clusters/create",
            Administrator,
            "ClusterManage",
            json!({ "form": form }),
        ),
        (
            "clusters/update",
            Administrator,
            "ClusterManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "clusters/delete",
            Administrator,
            "ClusterManage",
            json!({ "id": 9, "confirm": "other" }),
        ),
        (
            "clusters/import",
            Administrator,
            "ContainerImport",
            json!({ "id": 9, "import": import }),
        ),
    ]
}

pub fn domains() -> Vec<Row> {
    let form = json!({
        "site": "1",
        "name": "shop.example.net",
        "hsts": "off",
        "publishers": "all-users",
    });
    vec![
        ("domains/list", Operator, "DomainRead", json!({})),
        ("domains/create-options", Operator, "SiteRead", json!({})),
        (
            "domains/get",
            Operator,
            "DomainRead",
            json!({ "key": "9", "tab": "overview" }),
        ),
        (
            "domains/create",
            Operator,
            "DomainManage",
            json!({ "form": form }),
        ),
        (
            "domains/update",
            Operator,
            "DomainManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "domains/delete",
            Operator,
            "DomainManage",
            json!({ "id": 9, "confirm": "shop.example.net" }),
        ),
    ]
}

pub fn providers() -> Vec<Row> {
    let form = json!({ "name": "dns", "kind": "cloudflare", "secret": "secret" });
    vec![
        ("providers/list", Operator, "ProviderRead", json!({})),
        (
            "providers/get",
            Operator,
            "ProviderRead",
            json!({ "name": "other" }),
        ),
        (
            "providers/create",
            Administrator,
            "ProviderManage",
            json!({ "form": form }),
        ),
        (
            "providers/update",
            Administrator,
            "ProviderManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "providers/test",
            Operator,
            "ProviderTest",
            json!({ "id": 9, "domain": "example.net" }),
        ),
        (
            "providers/delete",
            Administrator,
            "ProviderManage",
            json!({ "id": 9, "confirm": "other" }),
        ),
    ]
}

pub fn sites() -> Vec<Row> {
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
        ("sites/list", Operator, "SiteRead", json!({})),
        ("sites/list-names", Operator, "SiteRead", json!({})),
        ("sites/get", Operator, "SiteRead", json!({ "name": "lab" })),
        (
            "sites/create",
            Administrator,
            "SiteManage",
            json!({ "form": form }),
        ),
        (
            "sites/get-isolation",
            Administrator,
            "SiteManage",
            json!({ "id": 9 }),
        ),
        (
            "sites/set-filters",
            Administrator,
            "SiteManage",
            json!({ "id": 9 }),
        ),
        (
            "sites/update",
            Administrator,
            "SiteManage",
            json!({ "id": 9, "form": form }),
        ),
        (
            "sites/delete",
            Administrator,
            "SiteManage",
            json!({ "id": 9, "confirm": "annex" }),
        ),
    ]
}
