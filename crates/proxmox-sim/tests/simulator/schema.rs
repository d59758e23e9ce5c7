//! Compares the parameters of all simulated routes with Proxmox's API schema.
//!
//! The schema is not part of this project. It is read from the directory in
//! `HOLDFAST_PVE_REFERENCE`, or from a directory beside the project. If it is missing, the test
//! reports that nothing was checked.

use std::collections::BTreeSet;

use proxmox_sim::{PropertyView, RouteView};
use serde_json::{Map, Value};
use test_servers::{reference, report};

/// Routes that a control plane for containers needs.
const NEEDED: &[&str] = &[
    "POST /access/ticket",
    "GET /access/users/{userid}/token",
    "POST /access/users/{userid}/token/{tokenid}",
    "PUT /access/users/{userid}/token/{tokenid}",
    "DELETE /access/users/{userid}/token/{tokenid}",
    "GET /access/users",
    "POST /access/users",
    "GET /access/users/{userid}",
    "PUT /access/users/{userid}",
    "DELETE /access/users/{userid}",
    "GET /access/groups",
    "POST /access/groups",
    "DELETE /access/groups/{groupid}",
    "GET /access/roles",
    "POST /access/roles",
    "GET /access/acl",
    "PUT /access/acl",
    "GET /access/permissions",
    "GET /access/domains",
    "POST /access/domains/{realm}/sync",
    "GET /pools",
    "POST /pools",
    "PUT /pools",
    "DELETE /pools",
    "GET /version",
    "GET /cluster/status",
    "GET /cluster/resources",
    "GET /cluster/nextid",
    "GET /cluster/tasks",
    "GET /nodes",
    "GET /nodes/{node}/status",
    "GET /nodes/{node}/network",
    "GET /nodes/{node}/storage",
    "GET /nodes/{node}/storage/{storage}/status",
    "GET /nodes/{node}/storage/{storage}/content",
    "DELETE /nodes/{node}/storage/{storage}/content/{volume}",
    "GET /nodes/{node}/aplinfo",
    "POST /nodes/{node}/aplinfo",
    "POST /nodes/{node}/storage/{storage}/download-url",
    "POST /nodes/{node}/storage/{storage}/oci-registry-pull",
    "GET /nodes/{node}/query-oci-repo-tags",
    "GET /nodes/{node}/lxc",
    "POST /nodes/{node}/lxc",
    "DELETE /nodes/{node}/lxc/{vmid}",
    "POST /nodes/{node}/lxc/{vmid}/clone",
    "GET /nodes/{node}/lxc/{vmid}/config",
    "PUT /nodes/{node}/lxc/{vmid}/config",
    "GET /nodes/{node}/lxc/{vmid}/pending",
    "GET /nodes/{node}/lxc/{vmid}/status/current",
    "POST /nodes/{node}/lxc/{vmid}/status/start",
    "POST /nodes/{node}/lxc/{vmid}/status/stop",
    "POST /nodes/{node}/lxc/{vmid}/status/shutdown",
    "POST /nodes/{node}/lxc/{vmid}/status/reboot",
    "PUT /nodes/{node}/lxc/{vmid}/resize",
    "GET /nodes/{node}/lxc/{vmid}/interfaces",
    "GET /cluster/firewall/options",
    "GET /nodes/{node}/firewall/options",
    "GET /nodes/{node}/lxc/{vmid}/firewall/options",
    "PUT /nodes/{node}/lxc/{vmid}/firewall/options",
    "GET /nodes/{node}/lxc/{vmid}/firewall/ipset",
    "POST /nodes/{node}/lxc/{vmid}/firewall/ipset",
    "DELETE /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
    "GET /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
    "POST /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
    "DELETE /nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
    "GET /nodes/{node}/lxc/{vmid}/firewall/rules",
    "POST /nodes/{node}/lxc/{vmid}/firewall/rules",
    "DELETE /nodes/{node}/lxc/{vmid}/firewall/rules/{pos}",
    "GET /nodes/{node}/lxc/{vmid}/snapshot",
    "POST /nodes/{node}/lxc/{vmid}/snapshot",
    "DELETE /nodes/{node}/lxc/{vmid}/snapshot/{snapname}",
    "POST /nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback",
    "POST /nodes/{node}/lxc/{vmid}/migrate",
    "POST /nodes/{node}/lxc/{vmid}/termproxy",
    "POST /nodes/{node}/vzdump",
    "GET /nodes/{node}/tasks",
    "GET /nodes/{node}/tasks/{upid}/status",
    "GET /nodes/{node}/tasks/{upid}/log",
    "DELETE /nodes/{node}/tasks/{upid}",
];

/// Parameters that the simulator does not support, with route and reason.
const NOT_KNOWN: &[(&str, &[&str], &str)] = &[
    (
        "POST /storage",
        &["authsupported", "base", "iscsiprovider", "portal", "target"],
        "options of iSCSI and Ceph storages",
    ),
    ("POST /storage", OF_OTHER_STORAGES, OTHER_STORAGES),
    ("PUT /storage/{storage}", OF_OTHER_STORAGES, OTHER_STORAGES),
];

const OTHER_STORAGES: &str = "options of storage types that are not simulated: Ceph, iSCSI, LVM without thin volumes, Btrfs, ESXi and ZFS over iSCSI";
const OF_OTHER_STORAGES: &[&str] = &[
    "comstar_hg",
    "comstar_tg",
    "data-pool",
    "fs-name",
    "fuse",
    "keyring",
    "krbd",
    "lio_tpg",
    "monhost",
    "nocow",
    "nowritecache",
    "saferemove",
    "saferemove-stepsize",
    "saferemove_throughput",
    "skip-cert-verification",
    "tagged_only",
    "zfs-base-path",
];

/// Minimum number of compared routes, so that a truncated schema fails the test.
const LEAST_CALLS: u32 = 154;
/// Minimum number of compared parameters, including the properties of property strings.
const LEAST_PARAMETERS: u32 = 923;

fn reference(file: &str) -> Option<Value> {
    let text = reference::read(file)?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The comparison of a simulated route with the schema.
struct Comparison<'a> {
    formats: &'a Value,
    call: String,
    /// The number of compared parameters and properties.
    compared: u32,
    found: Vec<String>,
}

impl Comparison<'_> {
    fn differs(&mut self, parameter: &str, what: &str, ours: &str, theirs: &str) {
        if ours != theirs {
            self.found.push(format!(
                "{}: {parameter}: {what} is {ours} and not {theirs}",
                self.call
            ));
        }
    }

    /// Compares two sets of properties: their names and each property.
    fn properties(&mut self, prefix: &str, ours: &[PropertyView], theirs: &Map<String, Value>) {
        let ours_value: BTreeSet<&str> =
            ours.iter().map(|property| property.name.as_str()).collect();
        for name in theirs
            .keys()
            .filter(|name| !ours_value.contains(name.as_str()))
        {
            let mut entries = NOT_KNOWN.iter();
            let excused = entries
                .any(|(call, names, _)| self.call == *call && names.contains(&name.as_str()));
            let alias = theirs[name].get("alias").is_some();
            if !excused && !alias {
                let call = &self.call;
                self.found
                    .push(format!("{call}: {prefix}{name} is not simulated"));
            }
        }
        for property in ours {
            match theirs.get(&property.name).and_then(Value::as_object) {
                Some(theirs) => {
                    self.compared += 1;
                    self.property(prefix, property, theirs);
                }
                None => {
                    let (call, name) = (&self.call, &property.name);
                    self.found
                        .push(format!("{call}: the schema has no {prefix}{name}"));
                }
            }
        }
    }

    fn property(&mut self, prefix: &str, ours: &PropertyView, theirs: &Map<String, Value>) {
        let name = format!("{prefix}{}", ours.name);
        let text = |key: &str| theirs.get(key).map(plain).unwrap_or_default();
        let optional = matches!(text("optional").as_str(), "1" | "true");
        self.differs(
            &name,
            "optional",
            &ours.optional.to_string(),
            &optional.to_string(),
        );
        self.differs(&name, "type", ours.kind, &text("type"));
        let values = theirs.get("enum").and_then(Value::as_array);
        let values: Vec<String> = values.into_iter().flatten().map(plain).collect();
        self.differs(&name, "enum", &ours.values.join(" "), &values.join(" "));
        for (key, ours_value) in [("minimum", ours.minimum), ("maximum", ours.maximum)] {
            let theirs = text(key).parse::<f64>().ok();
            self.differs(
                &name,
                key,
                &format!("{ours_value:?}"),
                &format!("{theirs:?}"),
            );
        }
        for (key, ours_value) in [
            ("minLength", ours.min_length),
            ("maxLength", ours.max_length),
        ] {
            let theirs = text(key).parse::<usize>().ok();
            self.differs(
                &name,
                key,
                &format!("{ours_value:?}"),
                &format!("{theirs:?}"),
            );
        }
        self.differs(
            &name,
            "requires",
            ours.requires.unwrap_or_default(),
            &text("requires"),
        );
        let portable = theirs.get("x-pattern-portable").or(theirs.get("pattern"));
        let pattern = bare(&portable.map(plain).unwrap_or_default());
        let ours_value = bare(ours.pattern.as_deref().unwrap_or_default());
        self.differs(&name, "pattern", &ours_value, &pattern);
        self.format(&name, ours, theirs.get("format"));
    }

    /// Compares the format by name, or a property string by its properties.
    fn format(&mut self, name: &str, ours: &PropertyView, theirs: Option<&Value>) {
        let named = theirs.and_then(Value::as_str).unwrap_or_default();
        let known = &self.formats[named]["properties"];
        let parts = theirs.filter(|theirs| theirs.is_object()).unwrap_or(known);
        let Some(parts) = parts.as_object().cloned() else {
            self.differs(
                name,
                "format",
                ours.format.as_deref().unwrap_or_default(),
                named,
            );
            return;
        };
        if ours.parts.is_empty() {
            self.differs(name, "format", "no property string", "a property string");
            return;
        }
        let default = parts
            .iter()
            .find(|(_, part)| part.get("default_key").is_some())
            .map(|(name, _)| name.as_str())
            .unwrap_or_default();
        self.differs(
            name,
            "default key",
            ours.default_key.unwrap_or_default(),
            default,
        );
        self.properties(&format!("{name}."), &ours.parts, &parts);
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Normalizes a pattern: removes anchors and groups around the whole pattern, and unnecessary
/// escapes.
fn bare(pattern: &str) -> String {
    let pattern = pattern.replace("\\@", "@");
    let mut text = pattern.as_str();
    loop {
        let anchored = text
            .strip_prefix('^')
            .and_then(|rest| rest.strip_suffix('$'));
        let group = text
            .strip_prefix("(?:")
            .and_then(|rest| rest.strip_suffix(')'))
            .filter(|inner| is_one_group(inner));
        match anchored.or(group) {
            Some(inner) => text = inner,
            None => return text.to_owned(),
        }
    }
}

/// Whether no parenthesis closes that was opened before the text.
fn is_one_group(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut escaped = false;
    let mut in_class = false;
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

fn find_endpoint<'a>(schema: &'a Value, route: &RouteView) -> Option<&'a Map<String, Value>> {
    let mut endpoints = schema["endpoints"].as_array().unwrap().iter();
    let entry =
        endpoints.find(|entry| entry["method"] == route.method && entry["path"] == route.path)?;
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    Some(
        entry["parameters"]["properties"]
            .as_object()
            .unwrap_or(&NONE),
    )
}

#[test]
fn routes_accept_same_parameters_as_real_api() {
    let (Some(schema), Some(formats)) =
        (reference("pve-schema.json"), reference("pve-formats.json"))
    else {
        return;
    };
    let formats = formats.get("formats").unwrap_or(&formats);
    let mut found = Vec::new();
    let (mut calls, mut parameters) = (0, 0);
    for route in proxmox_sim::routes() {
        let Some(theirs) = find_endpoint(&schema, &route) else {
            println!("not in the schema: {} {}", route.method, route.path);
            continue;
        };
        let mut comparison = Comparison {
            formats,
            call: format!("{} {}", route.method, route.path),
            compared: 0,
            found: Vec::new(),
        };
        comparison.properties("", &route.parameters, theirs);
        calls += 1;
        parameters += comparison.compared;
        found.extend(comparison.found);
    }
    report(&format!(
        "schema: {parameters} parameters of {calls} routes compared, {} differences",
        found.len()
    ));
    assert!(calls >= LEAST_CALLS, "only {calls} routes were compared");
    assert!(
        parameters >= LEAST_PARAMETERS,
        "only {parameters} parameters were compared"
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn routes_of_control_plane_are_simulated() {
    let routes = proxmox_sim::routes();
    let simulated: BTreeSet<String> = routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let missing: Vec<&&str> = NEEDED
        .iter()
        .filter(|call| !simulated.contains(**call))
        .collect();
    assert!(missing.is_empty(), "not simulated: {missing:?}");
}
