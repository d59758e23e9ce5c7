//! Reports from agents: the outcome of a site configuration, and the files that are live on the
//! host.

use agent_protocol::{LiveFilesUpdate, endpoints};
use model::{
    Error, ServiceId,
    hosts::{ApplyOutcome, DhcpRole, Report},
};

use super::{agent::Agent, publish_all_services, publish_change};
use crate::{Control, failure::StoreResultExt as _};

/// Up to this many affected containers are notified individually.
const MAX_INDIVIDUAL: i64 = 100;

/// Stores an agent's report. When the current DHCP server has applied a configuration without DHCP,
/// the next DHCP server takes over. A report that repeats the last one changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for a generation that the site does not have; [`Error::WrongCredentials`]
/// when the host was deleted.
pub async fn report(control: &Control, agent: &Agent, report: Report) -> Result<(), Error> {
    let (id, site) = (agent.id, agent.site);
    let done = control
        .store()
        .write(move |c| {
            let before = store::hosts::get(c, id)?.ok_or(store::Error::NotFound)?.row;
            if report.generation > before.generation {
                let message = "The site has no such generation.";
                return Ok(Err(Error::invalid_field("generation", message)));
            }
            if before.report.as_ref() == Some(&report) {
                return Ok(Ok(None));
            }
            store::hosts::store_report(c, id, &report)?;
            if before.dhcp == DhcpRole::Ending
                && report.outcome == ApplyOutcome::Live
                && store::hosts::complete_dhcp_handover(c, site, report.generation)?
            {
                store::sites::increment_generation(c, site)?;
            }
            let services = before
                .report
                .iter()
                .chain([&report])
                .flat_map(Report::quarantined_services);
            let services: Vec<ServiceId> = services.collect();
            let after = before.applied_generation.unwrap_or(i64::MIN);
            store::containers::list_affected(c, site, after, &services, MAX_INDIVIDUAL)
                .map(|affected| Ok(Some(affected)))
        })
        .await;
    let affected = match done {
        Err(store::Error::NotFound) => return Err(Error::WrongCredentials),
        done => done.into_model("store agent report")??,
    };
    let Some(affected) = affected else {
        return Ok(());
    };
    publish_change(control, agent.id);
    if i64::try_from(affected.len()).is_ok_and(|count| count < MAX_INDIVIDUAL) {
        for (container, owner) in affected {
            control.notifier().publish_container(container, owner);
        }
    } else {
        publish_all_services(control);
    }
    Ok(())
}

/// Stores which files are live on a host.
///
/// # Errors
/// [`Error::Invalid`] for an invalid path, and for more or larger files than are kept;
/// [`Error::WrongCredentials`] when the host was deleted.
pub async fn report_files(
    control: &Control,
    agent: &Agent,
    update: LiveFilesUpdate,
) -> Result<(), Error> {
    if update.files.len().max(update.removed.len()) > endpoints::MAX_FILES {
        return Err(too_many_files());
    }
    let paths = update.files.keys().chain(&update.removed);
    for path in paths {
        if !is_inside_tree(path) {
            let message = "Enter a path inside the configuration tree, such as nginx/nginx.conf.";
            return Err(Error::invalid_field("files", message));
        }
    }
    if update
        .files
        .values()
        .any(|text| text.len() > endpoints::MAX_FILE_SIZE)
    {
        let message = format!(
            "A file can have at most {} bytes.",
            endpoints::MAX_FILE_SIZE
        );
        return Err(Error::invalid_field("files", message));
    }
    let id = agent.id;
    let done = control
        .store()
        .write(move |c| {
            if update.replace {
                store::hosts::delete_live_files(c, id)?;
            }
            // Files that the update replaces are counted twice: an update is small.
            let (count, size) = store::hosts::measure_live_files(c, id)?;
            let new_size: usize = update.files.values().map(String::len).sum();
            if exceeds(count, update.files.len(), endpoints::MAX_FILES) {
                return Ok(Err(too_many_files()));
            }
            if exceeds(size, new_size, endpoints::MAX_TOTAL_FILE_SIZE) {
                return Ok(Err(too_large()));
            }
            store::hosts::update_live_files(c, id, &update.files, &update.removed)?;
            Ok(Ok(()))
        })
        .await;
    match done {
        Err(store::Error::NotFound) => return Err(Error::WrongCredentials),
        done => done.into_model("store live files")??,
    }
    publish_change(control, agent.id);
    Ok(())
}

fn exceeds(existing: u64, new: usize, limit: usize) -> bool {
    let existing = usize::try_from(existing).unwrap_or(usize::MAX);
    existing.saturating_add(new) > limit
}

fn too_large() -> Error {
    let message = format!(
        "The files of a host can have at most {} bytes together.",
        endpoints::MAX_TOTAL_FILE_SIZE
    );
    Error::invalid_field("files", message)
}

fn too_many_files() -> Error {
    let message = format!("At most {} files can be reported.", endpoints::MAX_FILES);
    Error::invalid_field("files", message)
}

/// Whether a path stays inside the tree and consists of printable characters.
fn is_inside_tree(path: &str) -> bool {
    let is_component = |component: &str| {
        !matches!(component, "" | "." | "..")
            && component.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.len() <= endpoints::MAX_PATH_LEN && path.split('/').all(is_component)
}

#[cfg(test)]
mod tests {
    use super::is_inside_tree;

    #[test]
    fn path_must_stay_inside_the_tree() {
        for path in ["nginx/nginx.conf", "dnsmasq/hosts/wiki", "a"] {
            assert!(is_inside_tree(path), "{path}");
        }
        let long = "a".repeat(401);
        for path in [
            "",
            "/etc/shadow",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            "a b",
            "a\nb",
            &long,
        ] {
            assert!(!is_inside_tree(path), "{path:?}");
        }
    }
}
