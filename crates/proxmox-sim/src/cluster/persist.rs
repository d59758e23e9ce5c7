//! The state file: written in the background after changes, read once at startup.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Directory, Token, User};
use crate::clock::now;
use crate::cluster::container::{Container, Power};
use crate::cluster::core::Core;
use crate::cluster::network::Network;
use crate::cluster::state::{Kind, State, Volume};
use crate::cluster::storage::Storage;
use crate::config::{Config, ContainerSpec};
use crate::schema::lxc;

/// Minimum interval between two writes.
const INTERVAL: Duration = Duration::from_millis(200);

/// The state file exists but cannot be read.
pub(crate) struct StateFileError {
    pub(crate) path: PathBuf,
    /// The I/O or parse error.
    pub(crate) source: io::Error,
}

/// The initial state: that of the file if it exists, otherwise that of the scenario.
pub(crate) async fn load(config: &Config) -> Result<State, StateFileError> {
    let mut state = load_or_initial(config).await?;
    add_users(&mut state, config);
    add_storages_and_networks(&mut state, config);
    Ok(state)
}

/// Adds the users and tokens of the scenario, replacing those in the file.
fn add_users(state: &mut State, config: &Config) {
    let scenario = &config.scenario;
    let directory = &mut state.directory;
    let account = |password| User {
        password,
        enabled: true,
        ..User::default()
    };
    for user in &scenario.users {
        let password = Some(user.password.clone());
        directory.users.insert(user.id.clone(), account(password));
    }
    for token in &scenario.tokens {
        let user = Directory::user_of(&token.id).to_owned();
        directory.users.entry(user).or_insert_with(|| account(None));
        let token_record = Token {
            secret: token.secret.clone(),
            ..Token::default()
        };
        directory.tokens.insert(token.id.clone(), token_record);
    }
}

/// Adds storages and networks of the scenario if the file has none.
fn add_storages_and_networks(state: &mut State, config: &Config) {
    let scenario = &config.scenario;
    if state.storages.is_empty() {
        let storages = scenario.storages.iter();
        let storages = storages.map(|spec| (spec.name.clone(), Storage::from(spec)));
        state.storages = storages.collect();
    }
    for node in &scenario.nodes {
        let network = || Network::with_bridges(&scenario.bridges);
        let networks = state.networks.entry(node.name.clone());
        networks.or_insert_with(network);
    }
}

async fn load_or_initial(config: &Config) -> Result<State, StateFileError> {
    let Some(path) = &config.state_file else {
        return Ok(initial(config));
    };
    let failed = |source| StateFileError {
        path: path.clone(),
        source,
    };
    match tokio::fs::read(path).await {
        Ok(bytes) => {
            let state = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
            Ok(after_reboot(state))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(initial(config)),
        Err(error) => Err(failed(error)),
    }
}

/// The state after a reboot: incomplete containers are removed, running ones are restarted.
fn after_reboot(mut state: State) -> State {
    let is_incomplete = |container: &Container| container.option("lock") == Some("create");
    let removed: BTreeSet<u32> = state
        .containers
        .values()
        .filter(|c| is_incomplete(c))
        .map(|c| c.vmid)
        .collect();
    state.containers.retain(|vmid, _| !removed.contains(vmid));
    state.remove_volumes(|volume| match volume.kind {
        Kind::Disk { vmid } => removed.contains(&vmid),
        _ => false,
    });
    let started = now();
    for container in state.containers.values_mut() {
        if let Power::Running { since, .. } = &mut container.power {
            *since = u64::try_from(started.as_millis()).unwrap_or_default();
        }
    }
    state
}

/// The initial state of a scenario.
fn initial(config: &Config) -> State {
    let mut state = State::default();
    let scenario = &config.scenario;
    let created = now().as_secs();
    for node in &scenario.nodes {
        let Some(storage) = scenario.storage_for("vztmpl") else {
            break;
        };
        state
            .volumes
            .extend(scenario.templates.iter().map(|template| {
                let kind = Kind::Template {
                    ostype: template.ostype.clone(),
                };
                let name = format!("vztmpl/{}", template.file);
                Volume::new((&node.name, &storage.name), &name, template.size, kind)
            }));
    }
    if scenario.firewall {
        let options = &mut state.cluster_firewall;
        options.insert("enable".to_owned(), "1".to_owned());
    }
    for spec in &scenario.containers {
        add_container(&mut state, config, spec, created);
    }
    state
}

/// Adds an existing container to the state.
pub(crate) fn add_container(
    state: &mut State,
    config: &Config,
    spec: &ContainerSpec,
    created: u64,
) {
    let storage = config
        .scenario
        .storage_for("rootdir")
        .map(|storage| storage.name.clone());
    let disk = Volume::new(
        (&spec.node, &storage.unwrap_or_default()),
        &format!("vm-{}-disk-0", spec.vmid),
        spec.disk << 30,
        Kind::Disk { vmid: spec.vmid },
    );
    let mut container = Container::new(spec.vmid, &spec.node);
    let net0 = lxc::network()
        .parse("net0", &spec.net0)
        .map(|parts| lxc::network().write(&parts));
    container.options = BTreeMap::from([
        ("arch".to_owned(), "amd64".to_owned()),
        ("cores".to_owned(), spec.cores.to_string()),
        ("hostname".to_owned(), spec.hostname.clone()),
        ("memory".to_owned(), spec.memory.to_string()),
        (
            "net0".to_owned(),
            net0.unwrap_or_else(|_| spec.net0.clone()),
        ),
        ("ostype".to_owned(), "debian".to_owned()),
        (
            "rootfs".to_owned(),
            format!("{},size={}G", disk.id(), spec.disk),
        ),
        ("swap".to_owned(), "512".to_owned()),
        ("unprivileged".to_owned(), "1".to_owned()),
    ]);
    if spec.running {
        container.power = Power::Running {
            since: created * 1000,
            pid: state.next_pid(),
        };
    }
    state.volumes.push(disk);
    state.containers.insert(spec.vmid, container);
}

/// Saves the state after changes until the simulator stops, and once at the end.
pub(crate) async fn save_loop(core: Arc<Core>, path: PathBuf) {
    loop {
        let stopped = tokio::select! {
            () = core.shutdown.cancelled() => true,
            () = core.changed.notified() => false,
        };
        save(&core, &path).await;
        if stopped {
            return;
        }
        tokio::select! {
            () = core.shutdown.cancelled() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

async fn save(core: &Core, path: &Path) {
    let bytes = match core.read(serde_json::to_vec) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "state serialization failed");
            return;
        }
    };
    let target = path.to_owned();
    let written = tokio::task::spawn_blocking(move || replace(&target, &bytes)).await;
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, path = %path.display(), "state file write failed")
        }
        Err(error) => tracing::error!(%error, "state file write failed"),
    }
}

/// Replaces the file atomically: readers see the old or the new content.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    // The file contains passwords and secrets, so only its owner may read it.
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    std::fs::rename(&temporary, path)
}
