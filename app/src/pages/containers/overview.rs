//! The overview of a container: its state, its links and its details.

use model::{
    ServiceId,
    containers::{
        ContainerDetail, ContainerSource, CreationFailure, Drift, Power, ResourceUsage, Status,
    },
    dhcp_leases::address_mismatch_message,
    jobs::JobView,
    names::Domain,
    services::{ServiceKind, ServicePublishingState, ServiceView},
    sizes::Bytes,
};

use super::actions;
use crate::{
    components::{
        dialog::ConfirmedAction,
        job_view::retry_button,
        steps::{job_failure, job_steps},
    },
    pages::prelude::*,
};

pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let details = card("Details", container.view(facts));
    view! {
        {running_job(container)}
        {notices(container)}
        <div class="columns">{links(container)} {resources(container)} {details} {description(container)}</div>
    }
    .erase()
}

/// The running job with its steps.
fn running_job(container: LiveResource<ContainerDetail>) -> AnyView {
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
        let title = container.peek(|view| format!("{} {}", kind.verb(), view.row.name));
        Some(
            view! {
                <section class="card current-job">
                    <h2 class="card-title">
                        <span class="grow">{title}</span>
                        <a class="btn btn-small" href=format!("/jobs/{job}")>"View job"</a>
                    </h2>
                    {steps}
                </section>
            }
            .erase(),
        )
    });
    view! { <div>{panel}</div> }.erase()
}

/// Problems of the container.
fn notices(container: LiveResource<ContainerDetail>) -> AnyView {
    let failure = container.part(|view| view.creation_failure.clone());
    let retried = Callback::new(move |()| container.refresh());
    let deletion = ConfirmedAction::default();
    let failed = reactive_option(
        failure,
        move |CreationFailure {
                  job,
                  message,
                  can_retry,
              }| {
            let retry = can_retry.then(|| {
                view! {
                    {retry_button(job, retried)}
                    <button class="btn btn-danger" on:click=act(move |_| deletion.open.set(true))>{icon("trash-2")} "Delete"</button>
                }
                .erase()
            });
            let actions = view! {
                <div class="actions">
                    {retry}
                    <a class="btn" href=format!("/jobs/{job}")>"View job"</a>
                </div>
            };
            panel(
                Tone::Danger,
                "circle-alert",
                message.erase(),
                actions.erase(),
            )
        },
    );
    let last_error = container.part(|view| Some((view.last_error.clone()?, view.observed_at)));
    let unreachable = reactive_option(last_error, move |(last_error, at)| {
        let last_seen =
            at.map(|at| view! { <p class="muted">"Last seen " {ago(at)} "."</p> }.erase());
        panel(
            Tone::Warning,
            "unplug",
            last_error.erase(),
            last_seen.erase(),
        )
    });
    let state_drift = panels(Tone::Warning, "triangle-alert", container.part(state_drift));
    let drift = panels(Tone::Info, "info", container.part(drift));
    let dialog = actions::delete_dialog(deletion, container.part(|view| Some(view.row.clone())));
    view! { {failed} {unreachable} {state_drift} {drift} {restart(container)} {dialog} }.erase()
}

/// Differences between desired and observed state while no job is running, and an address other
/// than the reserved address.
fn state_drift(view: &ContainerDetail) -> Vec<String> {
    let state = match (view.row.activity, view.desired_running, view.row.status) {
        (None, true, Status::Stopped) => Some("Desired state: running. Observed state: stopped."),
        (None, false, Status::Running) => Some("Desired state: stopped. Observed state: running."),
        (None, _, Status::Missing) => {
            Some("The container is missing in Proxmox. It may have been deleted there.")
        }
        _ => None,
    };
    let leased = view.leased_address;
    let address = leased.map(|leased| address_mismatch_message(leased, view.row.address));
    state
        .map(str::to_owned)
        .into_iter()
        .chain(address)
        .collect()
}

/// Drift: changes that were made in Proxmox.
fn drift(view: &ContainerDetail) -> Vec<String> {
    let message = |drift: &Drift| match drift {
        Drift::Moved { to } => {
            format!("The container was migrated to {to} in Proxmox. Holdfast manages it there.")
        }
        Drift::Renamed { to } => format!(
            "The container was renamed to {to} in Proxmox. Holdfast keeps the name {} and its links.",
            view.row.name
        ),
    };
    view.drift.iter().map(message).collect()
}

fn restart(container: LiveResource<ContainerDetail>) -> AnyView {
    let toasts = Toasts::here();
    let needed = container.part(|view| view.restart_needed && view.row.activity.is_none());
    let now = move |_| {
        let (id, name) = container.peek(|view| (view.row.id, view.row.name.clone()));
        actions::power(toasts, id, name, Power::Restart);
    };
    reactive_if(needed, move || {
        let title = "Some changes take effect only after a restart.".erase();
        let button = view! { <button class="btn btn-small" on:click=act(now)>{icon("rotate-cw")} "Restart now"</button> };
        panel(Tone::Info, "info", title, button.erase())
    })
}

fn links(container: LiveResource<ContainerDetail>) -> AnyView {
    let services = container.part(|view| view.services.clone());
    let domain = container.peek(|view| view.row.domain.clone());
    let own = container.peek(|view| super::href(&view.row.site, &view.row.name));
    let runs = container.part(|view| view.row.status == Status::Running);
    let items = reactive(move || {
        let services = services.get();
        if services.is_empty() {
            return view! {
                <p class="muted">"No services yet."</p>
                <p><a class="link" href=format!("{own}/services")>"Add service"</a></p>
            }
            .erase();
        }
        let item = |service: &ServiceView| {
            let status = publishing_status(container, service.id);
            let address = public_address(service, &domain, runs.get());
            view! { <div class="stack-tight">{address} {status}</div> }.erase()
        };
        services.iter().map(item).collect::<Vec<_>>().erase()
    });
    card("Links", view! { <div class="stack">{items}</div> }.erase())
}

/// How a service is published, and why it is blocked.
pub fn publishing_status(container: LiveResource<ContainerDetail>, id: ServiceId) -> AnyView {
    let state = container.part(move |view| {
        let mut all = view.publications.iter();
        let publication = all.find(|(service, _)| *service == id);
        let publication = publication.map(|(_, publication)| publication.clone());
        (publication, view.row.status)
    });
    let may_add_host = Session::may::<HostManage>();
    let shown = reactive(move || match state.get() {
        (None, _) => ().erase(),
        (Some(ServicePublishingState::NoHost), _) => {
            let site = container.with(|view| view.row.site.to_string());
            let step = match may_add_host {
                true => {
                    let href = format!("/hosts/new?site={site}");
                    view! { <a class="link" href=href>"Add a host"</a> "." }.erase()
                }
                false => "Ask an operator to add a host.".erase(),
            };
            view! {
                {badge("blocked", Tone::Danger, "ban")}
                <span class="row-note">{format!("No host of the site {site} has joined. ")} {step}</span>
            }
            .erase()
        }
        (Some(ServicePublishingState::Publishing), _) => {
            badge("publishing", Tone::Info, "circle-dashed")
        }
        (Some(ServicePublishingState::Live), Status::Running) => {
            badge("live", Tone::Good, "circle-check")
        }
        (Some(ServicePublishingState::Live), _) => {
            badge("container not running", Tone::Plain, "circle-stop")
        }
        (Some(ServicePublishingState::Blocked { reason }), _) => {
            let reason = view! { <span class="row-note">{reason}</span> }.erase();
            view! { {badge("blocked", Tone::Danger, "ban")} {reason} }.erase()
        }
    });
    let wait = container.part(move |view| {
        let mut waits = view.certificate_waits.iter();
        waits.find(|(service, _)| *service == id).map(|(_, at)| *at)
    });
    let wait = reactive(move || {
        let at = when(wait.get()?);
        Some(view! {
            <span class="row-note">
                "Certificates for too many new names were requested. Until this name has one, browsers warn about a self-signed certificate. Next attempt " {at} "."
            </span>
        }.erase())
    });
    view! { <div class="publication">{shown} {wait}</div> }.erase()
}

/// The address of a service, as a link while the container runs, or to copy.
pub fn public_address(service: &ServiceView, domain: &Domain, runs: bool) -> AnyView {
    let address = service.public_address(domain);
    // Port 22 is SSH.
    let is_ssh = service.kind() == ServiceKind::Tcp && service.port.get() == 22;
    let port = service.published.external().filter(|_| is_ssh);
    let text = match port {
        Some(port) => format!("ssh -p {port} root@{domain}"),
        None => address.clone(),
    };
    let shown = match service.kind() {
        ServiceKind::Http if !runs => {
            view! { <span class="link-disabled grow">{text.clone()}</span> }.erase()
        }
        ServiceKind::Http => {
            view! { <a class="link grow" href=address rel="external">{text.clone()}</a> }.erase()
        }
        _ => view! { <span class="grow mono">{text.clone()}</span> }.erase(),
    };
    view! { <div class="code">{shown} <Copy text=text label="address" /></div> }.erase()
}

fn resources(container: LiveResource<ContainerDetail>) -> AnyView {
    let observed = container.part(|view| view.observed.clone());
    let spec = container.part(|view| (view.spec.cores, view.spec.memory, view.spec.disk));
    let bars = reactive(move || {
        let (cores, memory, disk) = spec.get();
        match observed.get() {
            Some(observed) => usage_bars(&observed, cores.get(), memory.get(), disk.get()),
            None => Facts::new()
                .number("Cores", cores)
                .number("Memory", memory)
                .number("Disk", disk)
                .list(),
        }
    });
    card("Resources", bars)
}

fn usage_bars(observed: &ResourceUsage, cores: u32, memory_mib: u32, disk_gib: u32) -> AnyView {
    let of = |used: Bytes, total: u64| format!("{used} of {}", Bytes(total));
    let percent = (observed.cpu.clamp(0.0, 1.0) * 100.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 100"
    )]
    let share = percent as u64;
    let (memory, disk) = (u64::from(memory_mib) << 20, u64::from(disk_gib) << 30);
    let uptime = duration_long(observed.uptime);
    let unit = if cores == 1 { "core" } else { "cores" };
    view! {
        <div class="stack-tight">
            {usage_bar("CPU", share, 100, format!("{share}% of {cores} {unit}"))}
            {usage_bar("Memory", observed.memory.0, memory, of(observed.memory, memory))}
            {usage_bar("Disk", observed.disk.0, disk, of(observed.disk, disk))}
            <p class="muted num">{format!("Uptime: {uptime}")}</p>
        </div>
    }
    .erase()
}

fn duration_long(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn facts(view: &ContainerDetail) -> AnyView {
    let row = &view.row;
    Facts::new()
        .copyable(
            "DNS name",
            format!("{}.{}", row.name, row.domain),
            "DNS name",
        )
        .copyable("Address", row.address, "address")
        .mono(
            source_title(&view.spec.source),
            source_label(&view.spec.source),
        )
        .text(
            "Docker support",
            if view.spec.docker { "yes" } else { "no" },
        )
        .text("Owner", &row.owner)
        .view("Created", ago(row.created))
        .text("Site", &row.site)
        .text("Node", format!("{} in {}", view.node, view.cluster))
        .number("VMID", view.vmid)
        .mono("MAC address", view.mac)
        .list()
}

/// The label of the source: template or image.
pub fn source_title(source: &ContainerSource) -> &'static str {
    match source {
        ContainerSource::Template(_) | ContainerSource::Imported => "Template",
        ContainerSource::Image(_) => "Image",
    }
}

/// The name of the source; an imported container has none.
pub fn source_label(source: &ContainerSource) -> String {
    match source {
        ContainerSource::Imported => "unknown (imported)".to_owned(),
        source => source.to_string(),
    }
}

fn description(container: LiveResource<ContainerDetail>) -> AnyView {
    let text = container.part(|view| view.spec.description.as_ref().map(ToString::to_string));
    let description = |text| card("Description", view! { <p class="prose">{text}</p> }.erase());
    reactive(move || text.get().map(description))
}
