//! The actions on a container, used on several pages.

use leptos_router::hooks::use_navigate;
use model::{
    ContainerId, Error, JobId,
    containers::{ContainerRow, Power, RunningJob, Status},
    names::Label,
};

use crate::{
    browser,
    components::{
        dialog::{ConfirmedAction, DeleteDialog},
        noun::Noun,
    },
    pages::prelude::*,
};

/// Whether `power` applies in a state; never while a job is running.
pub fn is_available(power: Power, status: Status, activity: Option<RunningJob>) -> bool {
    let fits_status = match power {
        Power::Start => status == Status::Stopped,
        Power::Stop | Power::Restart => status == Status::Running,
    };
    fits_status && activity.is_none()
}

/// Starts, stops or restarts the container; offers to undo where that is possible.
pub fn power(toasts: Toasts, id: ContainerId, name: Label, power: Power) {
    spawn_local(async move {
        match server_fns::containers::power(id, power).await {
            Ok(job) => offer_undo(toasts, (id, job), &name, power),
            Err(failure) => toasts.warn(format!("{name}: {failure}")),
        }
    });
}

fn offer_undo(toasts: Toasts, started: (ContainerId, JobId), name: &Label, power: Power) {
    let (message, inverse) = match power {
        Power::Start => (format!("Starting {name}."), Power::Stop),
        Power::Stop => (format!("Stopping {name}."), Power::Start),
        Power::Restart => return toasts.notify(format!("Restarting {name}.")),
    };
    let name = name.clone();
    toasts.undoable(
        message,
        Callback::new(move |()| undo(toasts, started, name.clone(), inverse)),
    );
}

/// Undoes the action once the running job has ended, because a container has one running job at a
/// time.
fn undo(toasts: Toasts, (id, job): (ContainerId, JobId), name: Label, inverse: Power) {
    const ATTEMPTS: u32 = 60;
    const PAUSE_MS: i32 = 500;
    spawn_local(async move {
        let mut is_running = true;
        for _ in 0..ATTEMPTS {
            if is_running && let Ok(ended) = server_fns::jobs::has_ended(job).await {
                is_running = !ended;
            }
            if !is_running {
                match server_fns::containers::power(id, inverse).await {
                    Ok(_) => return toasts.notify(format!("Undo started for {name}.")),
                    // The result of the job may not have been observed yet.
                    Err(RequestError(Error::Conflict { .. })) => {}
                    Err(failure) => return toasts.warn(format!("{name}: {failure}")),
                }
            }
            browser::pause(PAUSE_MS).await;
        }
        toasts.warn(format!("Undo failed for {name}: another job is running."));
    });
}

/// The dialog that deletes a container; requires its name to be typed.
pub fn delete_dialog(deletion: ConfirmedAction, row: Memo<Option<ContainerRow>>) -> AnyView {
    let name = Signal::derive(move || {
        let name = row.with(|row| row.as_ref().map(|row| row.name.to_string()));
        name.unwrap_or_default()
    });
    let consequences =
        Signal::derive(move || row.with(|row| row.as_ref().map(consequences).unwrap_or_default()));
    let id = Signal::derive(move || row.with(|row| row.as_ref().map(|row| row.id)));
    let delete = delete(deletion, id);
    let noun = Noun::of(Kind::Container);
    view! { <DeleteDialog action=deletion noun name consequences on_confirm=delete /> }.erase()
}

/// Deletes the container and navigates to the job that does so.
fn delete(deletion: ConfirmedAction, id: Signal<Option<ContainerId>>) -> Callback<String> {
    let navigate = use_navigate();
    Callback::new(move |typed: String| {
        let Some(id) = id.get_untracked() else { return };
        let navigate = navigate.clone();
        deletion.send(server_fns::containers::delete(id, typed), move |job| {
            navigate(&format!("/jobs/{job}"), Default::default());
        });
    })
}

/// The objects that are deleted along with a container. One that was not created has no disk.
fn consequences(row: &ContainerRow) -> Vec<String> {
    let has_disk = !matches!(
        row.status,
        Status::Creating | Status::Failed | Status::Missing
    );
    let disk = has_disk.then(|| "All data on the disk".to_owned());
    let name = format!("The name {} and the address {}", row.name, row.address);
    let link = row.link.iter().map(|link| format!("The link {link}"));
    let ports = row
        .has_external_ports
        .then(|| "The external ports of the services".to_owned());
    disk.into_iter()
        .chain([name])
        .chain(link)
        .chain(ports)
        .collect()
}
