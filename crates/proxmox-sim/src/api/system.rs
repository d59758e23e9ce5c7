//! System information of a node, and bulk start and stop of its containers.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::power;
use crate::cluster::container::Container;
use crate::cluster::core::now;
use crate::cluster::usage;
use crate::error::Result;
use crate::routes::{ApiResponse, Call};
use crate::schema::format::split_list;
use crate::tasks::{self, Run};

/// `GET /nodes/{node}/time`.
pub(crate) fn time(_: &Call) -> Result<ApiResponse> {
    let seconds = now().as_secs();
    Ok(json!({ "timezone": "UTC", "time": seconds, "localtime": seconds }).into())
}

/// `GET /nodes/{node}/dns`.
pub(crate) fn dns(_: &Call) -> Result<ApiResponse> {
    Ok(json!({ "dns1": "10.255.255.53" }).into())
}

/// `GET /nodes/{node}/hosts`.
pub(crate) fn hosts(call: &Call) -> Result<ApiResponse> {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for node in &call.core.config.scenario.nodes {
        text.push_str(&format!("{} {}\n", node.address, node.name));
    }
    let digest = "bfcee1833b5ceeceedaccb77b5c3a026508225a7";
    Ok(json!({ "data": text, "digest": digest }).into())
}

/// `GET /nodes/{node}/config`: always empty.
pub(crate) fn config(_: &Call) -> Result<ApiResponse> {
    Ok(Value::Object(Map::new()).into())
}

/// `GET /nodes/{node}/subscription`: no subscription.
pub(crate) fn subscription(_: &Call) -> Result<ApiResponse> {
    Ok(json!({
        "status": "notfound",
        "message": "There is no subscription key",
        "serverid": null,
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    })
    .into())
}

/// `GET /nodes/{node}/netstat`: traffic in bytes per network interface of each running container.
pub(crate) fn netstat(call: &Call) -> Result<ApiResponse> {
    let entries: Vec<Value> = call.core.read(|state| {
        let containers = state.containers.values().filter(|c| c.node == call.node());
        let running = containers.filter(|container| container.is_running());
        let entries = running.flat_map(|container| {
            let (received, sent) = usage::container_usage(container).network;
            container.networks().map(move |(option, _)| {
                json!({
                    "vmid": container.vmid.to_string(), "dev": option,
                    "in": received.to_string(), "out": sent.to_string(),
                })
            })
        });
        entries.collect()
    });
    Ok(Value::from(entries).into())
}

/// The containers on the node in the URL that match and that the caller may start and stop.
fn select_containers(call: &Call, requested: impl Fn(&Container) -> bool) -> Vec<u32> {
    let named: Option<BTreeSet<&str>> = call.params.get("vms").map(|vms| split_list(vms).collect());
    call.core.read(|state| {
        let containers = state.containers.values().filter(|c| c.node == call.node());
        containers
            .filter(|container| requested(container))
            .map(|container| container.vmid)
            .filter(|vmid| {
                named
                    .as_ref()
                    .is_none_or(|named| named.contains(vmid.to_string().as_str()))
            })
            .filter(|vmid| call.has_privilege(state, &format!("/vms/{vmid}"), "VM.PowerMgmt"))
            .collect()
    })
}

/// `POST /nodes/{node}/startall`: starts the containers with `onboot`, or with `force` all.
pub(crate) fn start_all(call: &Call) -> Result<ApiResponse> {
    let all = call.params.flag("force");
    let vmids = select_containers(call, |container| {
        !container.is_running() && !container.flag("template") && (all || container.flag("onboot"))
    });
    let caller = call.caller.clone();
    let work = |run: Run| async move {
        for vmid in vmids {
            run.log(format!("Starting CT {vmid}"));
            power::start_later(&run, &caller, vmid);
            run.pause(run.core.config.delays.start).await?;
        }
        Ok(())
    };
    Ok(tasks::start(&call.core, &call.spec("startall", ""), work).into())
}

/// `POST /nodes/{node}/stopall`.
pub(crate) fn stop_all(call: &Call) -> Result<ApiResponse> {
    let vmids = select_containers(call, Container::is_running);
    let caller = call.caller.clone();
    let work = |run: Run| async move {
        for vmid in vmids {
            run.log(format!("Stopping CT {vmid}"));
            power::stop_later(&run, &caller, vmid);
        }
        run.pause(run.core.config.delays.shutdown).await
    };
    Ok(tasks::start(&call.core, &call.spec("stopall", ""), work).into())
}
