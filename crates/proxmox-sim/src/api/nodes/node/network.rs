//! `/nodes/{node}/network`. Changes are pending until the network is reloaded.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::network::{Iface, Ifaces, Network};
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, lxc, named, network, text};
use crate::tasks::{self, Run};

/// Parameters that are not options of an interface.
const NOT_OPTIONS: [&str; 5] = ["node", "iface", "delete", "address", "netmask"];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let all = "/nodes/{node}/network";
    let item = "/nodes/{node}/network/{iface}";
    let modify: &[&str] = &["Sys.Modify"];
    let type_filter = with_node(vec![network::type_filter()]);
    let name = || with_node(vec![network::iface()]);
    let mut changed = with_node(network::options());
    changed.push(text("delete").list(named::CONFIG_ID));
    let reload_options = with_node(vec![boolean("regenerate-frr")]);
    vec![
        Route::new("GET", all, type_filter, list),
        Route::new("POST", all, with_node(network::options()), create)
            .every("/nodes/{node}", modify),
        Route::new("PUT", all, reload_options, reload).every("/nodes/{node}", modify),
        Route::new("DELETE", all, vec![lxc::node()], revert).every("/nodes/{node}", modify),
        Route::new("GET", item, name(), show).every("/nodes/{node}", &["Sys.Audit"]),
        Route::new("PUT", item, changed, update).every("/nodes/{node}", modify),
        Route::new("DELETE", item, name(), delete).every("/nodes/{node}", modify),
    ]
}

/// `GET /nodes/{node}/network`: the configuration, with the pending changes as a diff.
fn list(call: &Call) -> Result<ApiResponse> {
    let kind = call.params.get("type");
    call.core.read(|state| {
        let Some(network) = state.networks.get(call.node()) else {
            return Ok(Value::Array(Vec::new()).into());
        };
        let entries = network.configured().iter().enumerate();
        let entries = entries.filter(|(_, (_, iface))| matches_type(iface, kind));
        let entries: Vec<Value> = entries
            .map(|(index, (name, iface))| {
                let mut entry = to_json(network, name, iface, index);
                entry.insert("iface".into(), name.as_str().into());
                entry.into()
            })
            .collect();
        Ok(ApiResponse {
            changes: network.changes(),
            ..Value::from(entries).into()
        })
    })
}

fn kind_of(iface: &Iface) -> &str {
    iface.get("type").map_or("unknown", String::as_str)
}

fn matches_type(iface: &Iface, requested: Option<&str>) -> bool {
    let kind = kind_of(iface);
    match requested {
        None | Some("include_sdn") => true,
        Some("any_bridge" | "any_local_bridge") => matches!(kind, "bridge" | "OVSBridge"),
        Some(requested) => requested == kind,
    }
}

fn to_json(network: &Network, name: &str, iface: &Iface, index: usize) -> Map<String, Value> {
    let method = if iface.contains_key("cidr") {
        "static"
    } else {
        "manual"
    };
    let mut entry = Map::new();
    for (option, value) in iface {
        let number = value
            .parse::<u32>()
            .ok()
            .filter(|_| matches!(option.as_str(), "autostart" | "exists" | "mtu"));
        let value = number.map_or_else(|| Value::from(value.as_str()), Value::from);
        entry.insert(option.clone(), value);
    }
    if let Some((address, prefix)) = iface.get("cidr").and_then(|cidr| cidr.split_once('/')) {
        entry.insert("address".into(), address.into());
        entry.insert("netmask".into(), prefix.into());
    }
    entry.insert("method".into(), method.into());
    entry.insert("method6".into(), "manual".into());
    entry.insert("families".into(), json!(["inet"]));
    entry.insert("priority".into(), (index + 3).into());
    if network.applied.contains_key(name) {
        entry.insert("active".into(), 1.into());
    }
    entry
}

fn missing() -> ApiError {
    ApiError::parameter("iface", "interface does not exist")
}

/// `GET /nodes/{node}/network/{iface}`.
fn show(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("iface");
    call.core.read(|state| {
        let network = state.networks.get(call.node()).ok_or_else(missing)?;
        let mut all = network.configured().iter().enumerate();
        let matched = all.find(|(_, (other, _))| other.as_str() == name);
        let (index, (name, iface)) = matched.ok_or_else(missing)?;
        Ok(Value::from(to_json(network, name, iface, index)).into())
    })
}

/// `POST /nodes/{node}/network`.
fn create(call: &Call) -> Result<ApiResponse> {
    change(call, |ifaces, name| {
        if ifaces.contains_key(name) {
            return Err(ApiError::parameter("iface", "interface already exists"));
        }
        let iface = options(&call.params, Iface::new())?;
        check(ifaces, name, &iface)?;
        ifaces.insert(name.to_owned(), iface);
        Ok(())
    })
}

/// `PUT /nodes/{node}/network/{iface}`.
fn update(call: &Call) -> Result<ApiResponse> {
    change(call, |ifaces, name| {
        let mut iface = ifaces.get(name).cloned().ok_or_else(missing)?;
        for option in split_list(call.params.text("delete")) {
            iface.remove(option);
        }
        let iface = options(&call.params, iface)?;
        check(ifaces, name, &iface)?;
        ifaces.insert(name.to_owned(), iface);
        Ok(())
    })
}

/// `DELETE /nodes/{node}/network/{iface}`.
fn delete(call: &Call) -> Result<ApiResponse> {
    change(call, |ifaces, name| {
        ifaces.remove(name).map(drop).ok_or_else(missing)
    })
}

/// Changes the pending configuration. An error leaves it unchanged.
fn change(
    call: &Call,
    change: impl FnOnce(&mut Ifaces, &str) -> Result<()>,
) -> Result<ApiResponse> {
    let name = call.params.text("iface");
    call.core.edit(|state| {
        let network = state.networks.entry(call.node().to_owned()).or_default();
        let mut ifaces = network.configured().clone();
        change(&mut ifaces, name)?;
        *network.pending_mut() = ifaces;
        Ok(ApiResponse::null())
    })
}

/// Merges the parameters into the options. Address and netmask become one `cidr`.
fn options(params: &Params, mut iface: Iface) -> Result<Iface> {
    let sent = params
        .iter()
        .filter(|(name, _)| !NOT_OPTIONS.contains(name));
    iface.extend(sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let (Some(address), Some(mask)) = (params.get("address"), params.get("netmask")) {
        let prefix = match mask.parse::<Ipv4Addr>() {
            Ok(mask) => mask.to_bits().leading_ones().to_string(),
            Err(_) => mask.to_owned(),
        };
        let cidr = format!("{address}/{prefix}");
        if params.get("cidr").is_some_and(|other| other != cidr) {
            let message = "address conflicts with cidr";
            return Err(ApiError::parameter("address", message));
        }
        iface.insert("cidr".into(), cidr);
    }
    Ok(iface)
}

/// Checks that only one default gateway exists and that its interface has an address.
fn check(ifaces: &Ifaces, name: &str, iface: &Iface) -> Result<()> {
    if !iface.contains_key("gateway") {
        return Ok(());
    }
    if !iface.contains_key("cidr") {
        let message = "gateway needs an address";
        return Err(ApiError::parameter("gateway", message));
    }
    let mut others = ifaces.iter().filter(|(other, _)| other.as_str() != name);
    match others.find(|(_, iface)| iface.contains_key("gateway")) {
        Some((other, _)) => {
            let message = format!("Default gateway already exists on interface '{other}'.");
            Err(ApiError::parameter("gateway", message))
        }
        None => Ok(()),
    }
}

/// `DELETE /nodes/{node}/network`: discards the pending changes.
fn revert(call: &Call) -> Result<ApiResponse> {
    call.core.edit(|state| {
        if let Some(network) = state.networks.get_mut(call.node()) {
            network.staged = None;
        }
    });
    Ok(ApiResponse::null())
}

/// `PUT /nodes/{node}/network`: applies the pending changes.
fn reload(call: &Call) -> Result<ApiResponse> {
    let spec = call.spec("srvreload", "networking");
    let work = |run: Run| async move {
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| {
            if let Some(network) = state.networks.get_mut(&run.node) {
                network.apply();
            }
        });
        Ok(())
    };
    Ok(tasks::start(&call.core, &spec, work).into())
}
