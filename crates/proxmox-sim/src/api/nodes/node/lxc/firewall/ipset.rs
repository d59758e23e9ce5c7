//! `/nodes/{node}/lxc/{vmid}/firewall/ipset`.

use serde_json::{Value, json};

use super::{edit, read};
use crate::api::nodes::node::lxc::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::{IpSet, to_json};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{boolean, firewall, lxc};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let all = "/nodes/{node}/lxc/{vmid}/firewall/ipset";
    let set = "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}";
    let entry = "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}";
    let (vms, audit): (&str, &[&str]) = ("/vms/{vmid}", &["VM.Audit"]);
    let change: &[&str] = &["VM.Config.Network"];
    let name = || firewall::ip_set_name("name").required();
    let deletion = with_address(vec![boolean("force"), name()]);
    let new_entry = with_address(firewall::ip_set_entry());
    let address = with_address(firewall::ip_set_address());
    vec![
        Route::new("GET", all, lxc::address(), list).every(vms, audit),
        Route::new("POST", all, with_address(firewall::ip_set()), create).every(vms, change),
        Route::new("GET", set, with_address(vec![name()]), show).every(vms, audit),
        Route::new("POST", set, new_entry, add).every(vms, change),
        Route::new("DELETE", set, deletion, delete).every(vms, change),
        Route::new("DELETE", entry, address, remove).every(vms, change),
    ]
}

fn missing(name: &str) -> ApiError {
    ApiError::Failed(format!("no such IPSet '{name}'"))
}

/// `GET …/ipset`.
fn list(call: &Call) -> Result<ApiResponse> {
    Ok(read(call, |firewall| {
        let digest = firewall.digest();
        let rows = firewall.ip_sets.iter().map(|(name, set)| {
            let mut row = json!({ "name": name, "digest": digest });
            if let (Some(row), Some(comment)) = (row.as_object_mut(), &set.comment) {
                row.insert("comment".into(), comment.as_str().into());
            }
            row
        });
        Value::from(rows.collect::<Vec<_>>()).into()
    }))
}

/// `POST …/ipset`. Renaming is not simulated.
fn create(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("name").to_owned();
    if call.params.get("rename").is_some() {
        return Err(ApiError::parameter("rename", "not simulated"));
    }
    let comment = call.params.get("comment").map(str::to_owned);
    edit(call, |firewall| {
        if firewall.ip_sets.contains_key(&name) {
            let problem = format!("IPSet '{name}' already exists");
            return Err(ApiError::parameter("name", problem));
        }
        let set = IpSet {
            comment,
            ..IpSet::default()
        };
        firewall.ip_sets.insert(name, set);
        Ok(ApiResponse::null())
    })
}

/// `DELETE …/ipset/{name}`.
fn delete(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("name");
    edit(call, |firewall| {
        let set = firewall.ip_sets.get(name).ok_or_else(|| missing(name))?;
        if !set.entries.is_empty() && !call.params.flag("force") {
            return Err(ApiError::Failed(format!("IPSet '{name}' is not empty")));
        }
        firewall.ip_sets.remove(name);
        Ok(ApiResponse::null())
    })
}

/// `GET …/ipset/{name}`.
fn show(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("name");
    read(call, |firewall| {
        let set = firewall.ip_sets.get(name).ok_or_else(|| missing(name))?;
        let rows = set.entries.iter().map(|(address, settings)| {
            let mut row = to_json(settings);
            row.insert("cidr".into(), address.as_str().into());
            row.insert("digest".into(), firewall.digest().into());
            Value::Object(row)
        });
        Ok(Value::from(rows.collect::<Vec<_>>()).into())
    })
}

/// `POST …/ipset/{name}`.
fn add(call: &Call) -> Result<ApiResponse> {
    let (name, address) = (call.params.text("name"), call.params.text("cidr"));
    let settings = ["comment", "nomatch"].into_iter().filter_map(|name| {
        let value = call.params.get(name)?;
        Some((name.to_owned(), value.to_owned()))
    });
    edit(call, |firewall| {
        let set = firewall.ip_sets.get_mut(name);
        let set = set.ok_or_else(|| missing(name))?;
        if set.entries.contains_key(address) {
            let problem = format!("address '{address}' already exists");
            return Err(ApiError::parameter("cidr", problem));
        }
        set.entries.insert(address.to_owned(), settings.collect());
        Ok(ApiResponse::null())
    })
}

/// `DELETE …/ipset/{name}/{cidr}`.
fn remove(call: &Call) -> Result<ApiResponse> {
    let (name, address) = (call.params.text("name"), call.params.text("cidr"));
    edit(call, |firewall| {
        let set = firewall.ip_sets.get_mut(name);
        set.ok_or_else(|| missing(name))?.entries.remove(address);
        Ok(ApiResponse::null())
    })
}
