//! `/nodes/{node}/lxc/{vmid}/firewall/rules`.

use serde_json::Value;

use super::{edit, read};
use crate::api::nodes::node::lxc::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::{Rule, to_json};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{firewall, lxc};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let all = "/nodes/{node}/lxc/{vmid}/firewall/rules";
    let item = "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}";
    let (vms, change): (&str, &[&str]) = ("/vms/{vmid}", &["VM.Config.Network"]);
    let position = with_address(firewall::rule_position());
    vec![
        Route::new("GET", all, lxc::address(), list).every(vms, &["VM.Audit"]),
        Route::new("POST", all, with_address(firewall::rule()), create).every(vms, change),
        Route::new("DELETE", item, position, delete).every(vms, change),
    ]
}

/// `GET …/rules`.
fn list(call: &Call) -> Result<ApiResponse> {
    Ok(read(call, |firewall| {
        let rows = firewall.rules.iter().enumerate().map(|(position, rule)| {
            let mut row = to_json(rule);
            row.insert("pos".into(), position.into());
            row.insert("digest".into(), firewall.digest().into());
            Value::Object(row)
        });
        Value::from(rows.collect::<Vec<_>>()).into()
    }))
}

/// `POST …/rules`: the new rule is the first one, and is off unless the request turns it on.
fn create(call: &Call) -> Result<ApiResponse> {
    const OTHERS: [&str; 4] = ["digest", "node", "pos", "vmid"];
    let named = call
        .params
        .iter()
        .filter(|(name, _)| !OTHERS.contains(name));
    let mut rule: Rule = named
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    rule.entry("enable".to_owned())
        .or_insert_with(|| "0".to_owned());
    check(&rule)?;
    edit(call, |firewall| {
        firewall.rules.insert(0, rule);
        Ok(ApiResponse::null())
    })
}

fn check(rule: &Rule) -> Result<()> {
    let is_group = rule.get("type").is_some_and(|kind| kind == "group");
    let action = rule.get("action").map(String::as_str).unwrap_or_default();
    if !is_group && !["ACCEPT", "DROP", "REJECT"].contains(&action) {
        let problem = format!("unknown action '{action}'");
        return Err(ApiError::parameter("action", problem));
    }
    for port in ["dport", "sport"] {
        if rule.contains_key(port) && !rule.contains_key("proto") {
            let problem = format!("missing property - '{port}' requires this property");
            return Err(ApiError::parameter("proto", problem));
        }
    }
    Ok(())
}

/// `DELETE …/rules/{pos}`.
fn delete(call: &Call) -> Result<ApiResponse> {
    let position = call.params.number("pos").unwrap_or_default();
    edit(call, |firewall| {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        if position >= firewall.rules.len() {
            return Err(ApiError::parameter("pos", "no rule at position"));
        }
        firewall.rules.remove(position);
        Ok(ApiResponse::null())
    })
}
