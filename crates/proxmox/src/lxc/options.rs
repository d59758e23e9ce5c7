//! Parameters to create, change, shut down and delete containers, and their serialization. Rejects
//! values that Proxmox would interpret differently; does not judge whether values are sensible.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use crate::{
    Vmid,
    error::Error,
    net::Net,
    params::{Params, PropertyPart, joined, one_line, property_string, unsendable},
};

/// Settings of a container, for creation and changes. `None` leaves a setting unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LxcOptions {
    /// The hostname.
    pub hostname: Option<String>,
    /// CPU cores.
    pub cores: Option<u32>,
    /// Memory, in MiB; at least 16.
    pub memory_mib: Option<u32>,
    /// Swap space, in MiB.
    pub swap_mib: Option<u32>,
    /// The first network interface.
    pub net0: Option<Net>,
    /// The DNS servers; an empty list means those of the node.
    pub nameserver: Option<Vec<IpAddr>>,
    /// The DNS search domain.
    pub searchdomain: Option<String>,
    /// Additional features.
    pub features: Option<Features>,
    /// Whether the container starts when its node boots.
    pub onboot: Option<bool>,
    /// Whether the container is protected from deletion.
    pub protection: Option<bool>,
    /// The notes, in Markdown. Proxmox returns them with a line break at the end.
    pub description: Option<String>,
    /// The tags; Proxmox returns them sorted, in lower case and without duplicates.
    pub tags: Option<Vec<String>>,
    /// The command that replaces `/sbin/init`.
    pub entrypoint: Option<String>,
    /// All environment variables of the command; variables that are left out are removed.
    pub env: Option<BTreeMap<String, String>>,
    /// The console mode.
    pub cmode: Option<ConsoleMode>,
}

/// Additional features of a container. API tokens, including those of `root@pam`, may change only
/// `nesting`; the others require a ticket of `root@pam`: see [`crate::Client::is_root_ticket`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Nested containers.
    pub nesting: bool,
    /// The keyctl system call, which Docker requires.
    pub keyctl: bool,
    /// FUSE file systems. They can block backups of the container.
    pub fuse: bool,
}

impl Features {
    /// Leaves out disabled features, because a token may not send them.
    fn property(self) -> Result<String, Error> {
        let nesting = u8::from(self.nesting).to_string();
        let mut parts = vec![PropertyPart::Pair("nesting", &nesting)];
        for (key, on) in [("keyctl", self.keyctl), ("fuse", self.fuse)] {
            if on {
                parts.push(PropertyPart::Pair(key, "1"));
            }
        }
        property_string("features", &parts)
    }
}

/// The console mode of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleMode {
    /// A terminal with a login prompt.
    Tty,
    /// The output of the first process.
    Console,
    /// A shell without a login prompt.
    Shell,
}

impl ConsoleMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tty => "tty",
            Self::Console => "console",
            Self::Shell => "shell",
        }
    }
}

/// The root disk to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rootfs {
    /// The storage.
    pub storage: String,
    /// The size in GiB.
    pub size_gib: u32,
}

/// A container to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateLxc {
    /// The VMID.
    pub vmid: Vmid,
    /// The volume ID of the template or image, such as `local:vztmpl/nginx_1.27.tar`.
    pub ostemplate: String,
    /// The root disk.
    pub rootfs: Rootfs,
    /// Whether the container is unprivileged, which is more secure.
    pub unprivileged: bool,
    /// The pool to add the container to.
    pub pool: Option<String>,
    /// Public SSH keys for root, one per entry; no comment lines.
    pub ssh_public_keys: Vec<String>,
    /// The other settings.
    pub options: LxcOptions,
}

/// A change of a container's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// The settings to set.
    pub options: LxcOptions,
    /// The settings to remove, by Proxmox's names, such as `net1`.
    pub delete: Vec<String>,
    /// The digest of the configuration that the change is based on. If the configuration has
    /// another digest, nothing is changed.
    pub digest: Option<String>,
}

/// How to shut a container down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The timeout.
    pub timeout: Duration,
    /// Whether to stop the container after the timeout. Otherwise the task fails and the container
    /// keeps running.
    pub force_stop: bool,
}

/// How to delete a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteLxc {
    /// Whether to stop a running container first.
    pub force: bool,
    /// Whether to remove the container from backup, replication and high-availability jobs.
    /// Otherwise a container in such a job cannot be deleted.
    pub purge: bool,
}

/// A disk of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// The root disk.
    Rootfs,
    /// A mount point, 0 to 255.
    Mount(u8),
}

/// A new size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Grow by this many GiB.
    GrowGib(u32),
    /// Grow to this many GiB, at least the present size. Idempotent.
    ToGib(u32),
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rootfs => f.write_str("rootfs"),
            Self::Mount(index) => write!(f, "mp{index}"),
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GrowGib(gib) => write!(f, "+{gib}G"),
            Self::ToGib(gib) => write!(f, "{gib}G"),
        }
    }
}

impl CreateLxc {
    /// An unprivileged container with Proxmox's defaults.
    pub fn new(vmid: Vmid, ostemplate: impl Into<String>, rootfs: Rootfs) -> Self {
        Self {
            vmid,
            ostemplate: ostemplate.into(),
            rootfs,
            unprivileged: true,
            pool: None,
            ssh_public_keys: Vec::new(),
            options: LxcOptions::default(),
        }
    }

    pub(crate) fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default().with("vmid", self.vmid);
        params.opt_line("ostemplate", Some(&self.ostemplate))?;
        // With the storage's name: tokens may not send a size alone.
        let size = format!("{}:{}", self.rootfs.storage, self.rootfs.size_gib);
        params.set(
            "rootfs",
            property_string("rootfs", &[PropertyPart::Bare(&size)])?,
        );
        params.flag("unprivileged", self.unprivileged);
        params.opt_line("pool", self.pool.as_deref())?;
        if !self.ssh_public_keys.is_empty() {
            for key in &self.ssh_public_keys {
                one_line("ssh-public-keys", key)?;
            }
            params.set("ssh-public-keys", self.ssh_public_keys.join("\n"));
        }
        self.options.write(&mut params)?;
        Ok(params)
    }
}

impl ConfigChange {
    pub(crate) fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default();
        self.options.write(&mut params)?;
        let mut delete = self.delete.clone();
        // An empty environment or list cannot be sent, so the setting is removed instead.
        let empty = [
            (
                "env",
                self.options.env.as_ref().is_some_and(BTreeMap::is_empty),
            ),
            (
                "tags",
                self.options.tags.as_ref().is_some_and(Vec::is_empty),
            ),
            (
                "nameserver",
                self.options.nameserver.as_ref().is_some_and(Vec::is_empty),
            ),
        ];
        delete.extend(
            empty
                .iter()
                .filter(|(_, empty)| *empty)
                .map(|(name, _)| (*name).to_owned()),
        );
        delete.sort();
        delete.dedup();
        if !delete.is_empty() {
            params.set("delete", joined("delete", &delete, ',')?);
        }
        params.opt_line("digest", self.digest.as_deref())?;
        Ok(params)
    }
}

impl LxcOptions {
    fn write(&self, params: &mut Params) -> Result<(), Error> {
        params.opt_line("hostname", self.hostname.as_deref())?;
        params.opt("cores", self.cores);
        params.opt("memory", self.memory_mib);
        params.opt("swap", self.swap_mib);
        if let Some(net) = &self.net0 {
            params.set("net0", net.property("net0")?);
        }
        params.opt_line("searchdomain", self.searchdomain.as_deref())?;
        if let Some(features) = self.features {
            params.set("features", features.property()?);
        }
        params.opt_flag("onboot", self.onboot);
        params.opt_flag("protection", self.protection);
        params.opt_line("entrypoint", self.entrypoint.as_deref())?;
        params.opt("cmode", self.cmode.map(ConsoleMode::as_str));
        params.opt_text("description", self.description.as_deref())?;
        self.write_lists(params)
    }

    /// Settings that cannot be sent when they are empty.
    fn write_lists(&self, params: &mut Params) -> Result<(), Error> {
        if let Some(servers) = self
            .nameserver
            .as_ref()
            .filter(|servers| !servers.is_empty())
        {
            let servers: Vec<_> = servers.iter().map(IpAddr::to_string).collect();
            params.set("nameserver", servers.join(" "));
        }
        if let Some(tags) = self.tags.as_ref().filter(|tags| !tags.is_empty()) {
            params.set("tags", joined("tags", tags, ';')?);
        }
        if let Some(env) = self.env.as_ref().filter(|env| !env.is_empty()) {
            params.set("env", env_text(env)?);
        }
        Ok(())
    }
}

/// `NAME=value`, separated by NUL. Since release 9.2 a value cannot contain line breaks.
fn env_text(env: &BTreeMap<String, String>) -> Result<String, Error> {
    let mut pairs = Vec::with_capacity(env.len());
    for (name, value) in env {
        let field = format!("env.{}", name.escape_default());
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(word) {
            return Err(unsendable(
                &field,
                "a name can contain letters, digits and _",
            ));
        }
        if value.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
            return Err(unsendable(
                &field,
                "the value contains a line break or another control character",
            ));
        }
        pairs.push(format!("{name}={value}"));
    }
    Ok(pairs.join("\0"))
}

impl Shutdown {
    pub(crate) fn params(self) -> Params {
        let mut params = Params::default().with("timeout", self.timeout.as_secs());
        params.flag("forceStop", self.force_stop);
        params
    }
}

impl DeleteLxc {
    pub(crate) fn params(self) -> Params {
        let mut params = Params::default();
        params.flag("force", self.force);
        params.flag("purge", self.purge);
        params
    }
}

#[cfg(test)]
mod tests;
