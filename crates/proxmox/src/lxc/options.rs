//! What can be said about a container when it is created or changed, and how it is written. Values
//! that Proxmox would read as something else are refused; whether they are wise is not asked here.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use crate::{
    Vmid,
    error::Error,
    net::Net,
    params::{Params, Part, joined, one_line, property_string, unsendable},
};

/// What a container can be given at its creation and later. What is `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LxcOptions {
    /// Its name.
    pub hostname: Option<String>,
    /// Processors.
    pub cores: Option<u32>,
    /// Memory, in MiB; at least 16.
    pub memory_mib: Option<u32>,
    /// Swap space, in MiB.
    pub swap_mib: Option<u32>,
    /// The first network interface.
    pub net0: Option<Net>,
    /// Its DNS servers; without any it has those of its node.
    pub nameserver: Option<Vec<IpAddr>>,
    /// The domain in which it looks for names.
    pub searchdomain: Option<String>,
    /// What it may do beyond the usual.
    pub features: Option<Features>,
    /// Whether it starts with its node.
    pub onboot: Option<bool>,
    /// Whether it must not be deleted.
    pub protection: Option<bool>,
    /// Notes for administrators, in Markdown. They come back with a line break at the end.
    pub description: Option<String>,
    /// Its tags; they come back sorted, in lower case and each once.
    pub tags: Option<Vec<String>>,
    /// The command that it runs in place of `/sbin/init`.
    pub entrypoint: Option<String>,
    /// The environment of that command. All of it: what is not given here is gone.
    pub env: Option<BTreeMap<String, String>>,
    /// What its console shows.
    pub cmode: Option<ConsoleMode>,
}

/// What a container may do beyond the usual. An API token can change nothing but `nesting`, not even
/// a token of root@pam; everything else takes root's own login: see
/// [`crate::Client::is_root_ticket`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Containers within it.
    pub nesting: bool,
    /// Keys kept by the kernel, without which Docker does not run in it.
    pub keyctl: bool,
    /// File systems that run as programs within it. They can keep its node from backing it up.
    pub fuse: bool,
}

impl Features {
    /// What is not turned on is left out, so that a token is not refused for what it does not ask.
    fn property(self) -> Result<String, Error> {
        let nesting = u8::from(self.nesting).to_string();
        let mut parts = vec![Part::Pair("nesting", &nesting)];
        for (key, on) in [("keyctl", self.keyctl), ("fuse", self.fuse)] {
            if on {
                parts.push(Part::Pair(key, "1"));
            }
        }
        property_string("features", &parts)
    }
}

/// What the console of a container shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleMode {
    /// A terminal with a login.
    Tty,
    /// What its first process writes.
    Console,
    /// A shell without a login.
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

/// The disk that holds a container's root, to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rootfs {
    /// The storage.
    pub storage: String,
    /// Its size, in GiB.
    pub size_gib: u32,
}

/// A container to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateLxc {
    /// Its number.
    pub vmid: Vmid,
    /// The template or image, such as `local:vztmpl/nginx_1.27.tar`.
    pub ostemplate: String,
    /// Its root disk.
    pub rootfs: Rootfs,
    /// Whether its root is nobody on the node, which is the safe way.
    pub unprivileged: bool,
    /// The pool to put it into.
    pub pool: Option<String>,
    /// Public keys for root's SSH login, one in each entry; no lines with
    /// comments.
    pub ssh_public_keys: Vec<String>,
    /// Everything else.
    pub options: LxcOptions,
}

/// A change of a container's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// What to set.
    pub options: LxcOptions,
    /// What to remove, by Proxmox's names, such as `net1`.
    pub delete: Vec<String>,
    /// The digest of the configuration that the change is made to: if it is another one by now,
    /// nothing is changed.
    pub digest: Option<String>,
}

/// How a container is asked to end its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// How long it may take.
    pub timeout: Duration,
    /// Whether it is stopped after that. Else the task fails and it runs on.
    pub force_stop: bool,
}

/// How a container is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteLxc {
    /// Whether it is stopped first if it runs.
    pub force: bool,
    /// Whether it is also taken out of backup, replication and high-availability jobs. Without it,
    /// one that is in such a job cannot be deleted.
    pub purge: bool,
}

/// A disk of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Its root.
    Rootfs,
    /// A mount point, 0 to 255.
    Mount(u8),
}

/// A new size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Larger by so many GiB.
    GrowGib(u32),
    /// So many GiB, which must not be less than now. Can be repeated without harm.
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
        // With the storage named: a bare size works only for root's own login, not for tokens.
        let size = format!("{}:{}", self.rootfs.storage, self.rootfs.size_gib);
        params.set("rootfs", property_string("rootfs", &[Part::Bare(&size)])?);
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
        // There is no way to write that nothing is in the environment or in a list.
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

    /// Those that cannot be written when they are empty.
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

/// `NAME=value`, parted by NUL. Since release 9.2 a value has no line breaks.
fn env_text(env: &BTreeMap<String, String>) -> Result<String, Error> {
    let mut pairs = Vec::with_capacity(env.len());
    for (name, value) in env {
        let field = format!("env.{}", name.escape_default());
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(word) {
            return Err(unsendable(
                &field,
                "a name consists of letters, digits and _",
            ));
        }
        if value.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
            return Err(unsendable(
                &field,
                "it holds a line break or another control character",
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
