//! `/nodes/{node}/aplinfo`: the appliance list.

use serde_json::{Value, json};

use super::storage::content_storage;
use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::downloads::APPLIANCES;
use crate::cluster::state::Kind;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{lxc, named, text};
use crate::tasks;
use crate::tasks::download::{self, Download};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let template = with_node(vec![
        text("storage").format(named::STORAGE).required(),
        text("template").length(0, 255).required(),
    ]);
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/aplinfo",
            vec![lxc::node()],
            appliances,
        ),
        Route::new("POST", "/nodes/{node}/aplinfo", template, fetch_appliance)
            .every("/storage/{storage}", &["Datastore.AllocateTemplate"]),
    ]
}

/// `GET /nodes/{node}/aplinfo`.
fn appliances(_: &Call) -> Result<ApiResponse> {
    let entry = |(file, system, version, package, _): (&str, &str, &str, &str, u64)| {
        json!({
            "template": file, "type": "lxc", "os": system, "version": version,
            "package": package, "section": "system", "architecture": "amd64",
            "headline": format!("{package} (standard)"),
            "description": format!("A small {system} system."),
            "infopage": format!("https://www.proxmox.com/{package}"),
            "location": format!("http://download.proxmox.com/images/system/{file}"),
            "maintainer": "Proxmox Support Team <support@proxmox.com>",
            "source": "http://download.proxmox.com/images",
            "sha512sum": format!("{:0>128}", version.len()),
        })
    };
    Ok(Value::from(APPLIANCES.map(entry).to_vec()).into())
}

/// `POST /nodes/{node}/aplinfo`. An existing template is not overwritten.
fn fetch_appliance(call: &Call) -> Result<ApiResponse> {
    let requested = call.params.text("template");
    let mut all = APPLIANCES.into_iter();
    let appliance = all.find(|(file, ..)| *file == requested);
    let (file, system, _, _, mib) =
        appliance.ok_or_else(|| ApiError::parameter("template", "no such template"))?;
    let storage = content_storage(call, "vztmpl")?;
    let download = Download {
        storage: storage.name.clone(),
        name: format!("vztmpl/{file}"),
        size: mib << 20,
        kind: Kind::Template {
            ostype: system.to_owned(),
        },
        problem: None,
    };
    let spec = call.spec("download", file);
    Ok(tasks::start(&call.core, &spec, |run| download::work(run, download)).into())
}
