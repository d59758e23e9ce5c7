//! The overview of a container: its state, its links and its details.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use model::{
    ServiceId,
    containers::{ContainerDetail, ContainerSource, Drift, ResourceUsage, Status},
    events::{Event, Topic},
    jobs::JobView,
    services::{PublishingStatus, ServiceKind, ServiceView},
    time::format_duration,
};

use super::actions;
use crate::{
    components::{
        badge::{Tone, ago, badge},
        icon::icon,
        live_resource::{LiveResource, live_resource_within},
        page::{Copy, usage_bar},
        steps::{job_failure, job_steps},
        toast::Toasts,
    },
    server_fns,
};

/// The tab.
pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    view! {
        {work(container)}
        {notices(container)}
        <div class="columns">
            {links(container)}
            {resources(container)}
            {facts(container)}
            {description(container)}
        </div>
    }
    .erase()
}

/// The running job with its steps.
fn work(container: LiveResource<ContainerDetail>) -> AnyView {
    let job = container.part(|view| {
        view.row
            .activity
            .map(|activity| (activity.job, activity.kind))
    });
    let panel = reactive(move || {
        let (job, kind) = job.get()?;
        let initial = container.peek(|container| container.work.clone());
        let steps = live_resource_within(
            initial.filter(|initial| initial.row.id == job),
            Signal::from(job),
            server_fns::jobs::get,
            |job: &JobView| vec![Event::of(Topic::Job, job.row.id.0)],
            || view! { <div class="skeleton skeleton-card"></div> }.erase(),
            |job| view! { {job_failure(job)} {job_steps(job)} }.erase(),
        );
        let title = format!(
            "{} {}",
            kind.verb(),
            container.peek(|view| view.row.name.to_string())
        );
        Some(
            view! {
                <section class="card work">
                    <h2 class="card-title">
                        <span class="grow">{title}</span>
                        <a class="btn btn-small" href=format!("/jobs/{job}")>"View log"</a>
                    </h2>
                    {steps}
                </section>
            }
            .erase(),
        )
    });
    view! { <div class="work-place">{panel}</div> }.erase()
}

/// Problems of the container.
fn notices(container: LiveResource<ContainerDetail>) -> AnyView {
    let failure = container.part(|view| view.failure.clone());
    let failed = reactive(move || {
        failure.get().map(|(job, sentence)| {
            view! {
                <section class="panel panel-danger">
                    <p class="panel-title">{icon("circle-alert")} {sentence}</p>
                    <a class="btn btn-small" href=format!("/jobs/{job}")>"View job"</a>
                </section>
            }
            .erase()
        })
    });
    let last_error = container.part(|view| {
        view.last_error
            .clone()
            .map(|last_error| (last_error, view.observed_at))
    });
    let silent = reactive(move || {
        last_error.get().map(|(last_error, at)| {
            let last_seen = at.map(|at| view! { <p class="muted">"Last update " {ago(at)} "."</p> }.erase());
            view! { <section class="panel panel-warning"><p class="panel-title">{icon("unplug")} {last_error}</p>{last_seen}</section> }.erase()
        })
    });
    view! { {failed} {silent} {differs(container)} {address_mismatch(container)} {drifted(container)} {restart(container)} }
        .erase()
}

/// A difference between desired and observed state while no job is running.
fn differs(container: LiveResource<ContainerDetail>) -> AnyView {
    let message =
        container.part(
            |view| match (view.row.activity, view.desired_running, view.row.status) {
                (None, true, Status::Stopped) => {
                    Some("Desired state: running. Observed state: stopped.")
                }
                (None, false, Status::Running) => {
                    Some("Desired state: stopped. Observed state: running.")
                }
                (None, _, Status::Missing) => {
                    Some("The container is missing in Proxmox. It may have been deleted there.")
                }
                _ => None,
            },
        );

    reactive(move || {
        message.get().map(|message| {
            view! { <section class="panel panel-warning"><p class="panel-title">{icon("triangle-alert")} {message}</p></section> }.erase()
        })
    })
}

/// The container has another address than the reserved one.
fn address_mismatch(container: LiveResource<ContainerDetail>) -> AnyView {
    let message = container.part(|view| {
        let leased = view.leased_address?;
        Some(model::dhcp_leases::address_mismatch_message(
            leased,
            view.row.address,
        ))
    });
    reactive(move || {
        message.get().map(|message| {
            view! { <section class="panel panel-warning"><p class="panel-title">{icon("triangle-alert")} {message}</p></section> }.erase()
        })
    })
}

/// Drift: changes that were made in Proxmox.
fn drifted(container: LiveResource<ContainerDetail>) -> AnyView {
    let message = container.part(|view| {
        let message = |drift: &Drift| match drift {
            Drift::Moved { to } => {
                format!("The container was migrated to {to} in Proxmox. Holdfast manages it there.")
            }
            Drift::Renamed { to } => format!(
                "The container was renamed to {to} in Proxmox. Holdfast keeps the name {} and its links.",
                view.row.name
            ),
        };
        view.drift.iter().map(message).collect::<Vec<_>>()
    });
    reactive(move || {
        let each = message.get().into_iter().map(|message| {
            view! { <section class="panel panel-info"><p class="panel-title">{icon("info")} {message}</p></section> }.erase()
        });
        each.collect::<Vec<_>>()
    })
}

fn restart(container: LiveResource<ContainerDetail>) -> AnyView {
    let toasts = Toasts::here();
    let needed = container.part(|view| view.restart_needed && view.row.activity.is_none());
    let now = move |_| {
        let (id, name) = container.peek(|view| (view.row.id, view.row.name.clone()));
        actions::switch(toasts, id, name, model::containers::Power::Restart);
    };

    reactive(move || {
        needed.get().then(|| {
            view! {
                <section class="panel panel-info">
                    <p class="panel-title">{icon("info")} "Some changes take effect after a restart."</p>
                    <button class="btn btn-small" on:click=act(now)>{icon("rotate-cw")} "Restart now"</button>
                </section>
            }.erase()
        })
    })
}

fn links(container: LiveResource<ContainerDetail>) -> AnyView {
    let services = container.part(|view| view.services.clone());
    let domain = container.peek(|view| view.row.domain.clone());
    let own = container.peek(|view| super::href(&view.row.site, &view.row.name));
    let items = reactive(move || {
        let services = services.get();
        if services.is_empty() {
            return view! {
                <p class="muted">"No services yet."</p>
                <p><a class="link" href=format!("{own}/services")>"Add service"</a></p>
            }
            .erase();
        }
        services
            .iter()
            .map(|service| {
                let state = published(container, service.id);
                view! { <div class="stack-tight">{place(service, &domain)} {state}</div> }.erase()
            })
            .collect::<Vec<_>>()
            .erase()
    });
    view! { <section class="card"><h2 class="card-title">"Links"</h2><div class="stack">{items}</div></section> }.erase()
}

/// How a service is published, and why it is blocked.
pub fn published(container: LiveResource<ContainerDetail>, id: ServiceId) -> AnyView {
    let state = container.part(move |view| {
        let mut all = view.publications.iter();
        let publication = all.find(|(service, _)| *service == id);
        let publication = publication.map(|(_, publication)| publication.clone());
        (publication, view.row.status)
    });
    let shown = reactive(move || match state.get() {
        (None, _) => ().erase(),
        (Some(PublishingStatus::Publishing), _) => badge("publishing", Tone::Info, "circle-dashed"),
        (Some(PublishingStatus::Live), Status::Running) => {
            badge("live", Tone::Good, "circle-check")
        }
        (Some(PublishingStatus::Live), _) => {
            badge("container not running", Tone::Plain, "circle-stop")
        }
        (Some(PublishingStatus::Blocked { reason }), _) => {
            let reason = view! { <span class="row-note">{reason}</span> }.erase();
            view! { {badge("blocked", Tone::Danger, "ban")} {reason} }.erase()
        }
    });
    view! { <div class="publication">{shown}</div> }.erase()
}

/// The address of a service, as a link or to copy.
pub fn place(service: &ServiceView, domain: &model::names::Domain) -> AnyView {
    let place = service.public_address(domain);
    // Port 22 is SSH.
    let login = (service.kind() == ServiceKind::Tcp && service.port.get() == 22)
        .then(|| {
            service
                .published
                .external()
                .map(|port| format!("ssh -p {port} root@{domain}"))
        })
        .flatten();
    let text = login.unwrap_or_else(|| place.clone());
    let shown = if service.kind() == ServiceKind::Http {
        view! { <a class="link grow" href=place rel="external">{text.clone()}</a> }.erase()
    } else {
        view! { <span class="grow mono">{text.clone()}</span> }.erase()
    };
    view! { <div class="code">{shown} <Copy text=text what="address" /></div> }.erase()
}

fn resources(container: LiveResource<ContainerDetail>) -> AnyView {
    let observed = container.part(|view| view.observed.clone());
    let spec = container.part(|view| (view.spec.cores, view.spec.memory, view.spec.disk));
    let bars = reactive(move || {
        let (cores, memory, disk) = spec.get();
        match observed.get() {
            Some(observed) => used(&observed, cores.get(), memory.get(), disk.get()),
            None => view! {
                <dl class="facts">
                    <dt>"Cores"</dt><dd class="num">{cores.to_string()}</dd>
                    <dt>"Memory"</dt><dd class="num">{memory.to_string()}</dd>
                    <dt>"Disk"</dt><dd class="num">{disk.to_string()}</dd>
                </dl>
            }
            .erase(),
        }
    });
    view! { <section class="card"><h2 class="card-title">"Resources"</h2>{bars}</section> }.erase()
}

fn used(observed: &ResourceUsage, cores: u32, memory_mib: u32, disk_gib: u32) -> AnyView {
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    let total = |amount: u32, unit: u64| u64::from(amount) * unit;
    let of =
        |used: model::sizes::Bytes, total: u64| format!("{used} of {}", model::sizes::Bytes(total));
    let percent = (observed.cpu.clamp(0.0, 1.0) * 100.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 100"
    )]
    let share = percent as u64;
    let (memory, disk) = (total(memory_mib, MIB), total(disk_gib, GIB));
    let uptime = duration_long(observed.uptime);
    view! {
        <div class="stack-tight">
            {usage_bar("CPU", share, 100, format!("{share}% of {cores} {}", if cores == 1 { "core" } else { "cores" }))}
            {usage_bar("Memory", observed.memory.0, memory, of(observed.memory, memory))}
            {usage_bar("Disk", observed.disk.0, disk, of(observed.disk, disk))}
            <p class="muted num">{format!("Uptime: {uptime}")}</p>
        </div>
    }
    .erase()
}

fn duration_long(seconds: u64) -> String {
    match seconds {
        0..3600 => format_duration(i64::try_from(seconds * 1000).unwrap_or(i64::MAX)),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn facts(container: LiveResource<ContainerDetail>) -> AnyView {
    let list = reactive(move || {
        container.with(|view| {
            let row = &view.row;
            let host = format!("{}.{}", row.name, row.domain);
            view! {
                <dl class="facts">
                    <dt>"Name"</dt><dd class="mono">{host.clone()} <Copy text=host what="name" /></dd>
                    <dt>"Address"</dt><dd class="mono">{row.address.to_string()} <Copy text=row.address.to_string() what="address" /></dd>
                    <dt>{source_title(&view.spec.source)}</dt><dd class="mono">{source_label(&view.spec.source)}</dd>
                    <dt>"Docker support"</dt><dd>{if view.spec.docker { "yes" } else { "no" }}</dd>
                    <dt>"Owner"</dt><dd>{row.owner.to_string()}</dd>
                    <dt>"Created"</dt><dd>{ago(row.created)}</dd>
                    <dt>"Site"</dt><dd>{row.site.to_string()}</dd>
                    <dt>"Node"</dt><dd>{format!("{} in {}", view.node, view.cluster)}</dd>
                    <dt>"VMID"</dt><dd class="num">{view.vmid.to_string()}</dd>
                    <dt>"MAC address"</dt><dd class="mono">{view.mac.to_string()}</dd>
                </dl>
            }.erase()
        })
    });
    view! { <section class="card"><h2 class="card-title">"Details"</h2>{list}</section> }.erase()
}

/// The label of the source: template or image.
pub fn source_title(source: &ContainerSource) -> &'static str {
    match source {
        ContainerSource::Template(_) | ContainerSource::TakenOver => "Template",
        ContainerSource::Image(_) => "Image",
    }
}

/// The name of the source; an imported container has none.
pub fn source_label(source: &ContainerSource) -> String {
    match source {
        ContainerSource::TakenOver => "unknown (imported)".to_owned(),
        source => source.to_string(),
    }
}

fn description(container: LiveResource<ContainerDetail>) -> AnyView {
    let text = container.part(|view| view.spec.description.as_ref().map(ToString::to_string));

    reactive(move || {
        text.get().map(|text| {
            view! { <section class="card"><h2 class="card-title">"Description"</h2><p class="prose">{text}</p></section> }.erase()
        })
    })
}
