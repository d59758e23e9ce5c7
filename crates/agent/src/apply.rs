//! Applies a rendered tree: afterwards the tree is live and the programs have read it, or the
//! previous state is unchanged and the outcome says why.
//!
//! The steps: compare with the files on disk, write a candidate, check it, move the link, reload
//! the programs, and record that they read it. The process may be killed between any two steps. The
//! next start continues from the state on disk, and its first run makes the programs read the live
//! files.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use edge::{Effect, File, Layout, SiteConfig, Tree};
use model::ServiceId;

use crate::{
    check::{CheckError, Checker, Refusal, files_in},
    disk::{DiskError, Files},
    generations::Generations,
    programs::{Control, Name, Program, ProgramError},
    quarantine::{QuarantinedService, quarantine_refused},
    steps::Steps,
};

/// How often services are quarantined in one run because a program could not use their files.
const ROUNDS: usize = 8;

/// Why a tree could not be applied. The live files are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A program could not be run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A template could not be rendered.
    #[error("The site's files could not be made: {0}")]
    Render(#[from] askama::Error),
    /// A file operation was canceled.
    #[error("Work on the disk was broken off.")]
    BrokenOff,
}

/// The outcome of applying a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tree was live already, byte for byte.
    Unchanged,
    /// The tree is live, and the programs have read it.
    Applied {
        /// The generation of the tree.
        generation: u64,
    },
    /// A checker refused the tree. It was never live.
    Refused(Refusal),
    /// A program could not use the tree after it went live, so the previous generation was
    /// restored.
    RolledBack {
        /// The program's message.
        refusal: Refusal,
        /// The live generation; none if there was none before.
        generation: Option<u64>,
        /// The program's message about the restored generation, if that failed too.
        also: Option<String>,
    },
    /// The tree was live and valid before, but a program cannot use it now. It stays live.
    ReloadFailed(Refusal),
}

/// The outcome of applying a site configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The outcome for the files of all services that are not quarantined.
    pub outcome: Outcome,
    /// The quarantined services.
    pub quarantined: Vec<QuarantinedService>,
}

/// Applies trees to this host, one at a time.
#[derive(Debug)]
pub struct Applier {
    generations: Arc<Generations>,
    checker: Checker,
    nginx: Program,
    dnsmasq: Program,
    steps: Steps,
    /// Whether the programs may not have read the live files.
    is_unread: bool,
}

impl Applier {
    /// Opens the directory that contains `layout.live`. `control` says how nginx and dnsmasq are
    /// controlled, in this order.
    ///
    /// # Errors
    /// If the directory cannot be opened, or another process uses it.
    pub async fn open(layout: &Layout, control: [Control; 2], steps: Steps) -> Result<Self, Error> {
        let base = Path::new(layout.live.as_str()).parent();
        let base = base.unwrap_or(Path::new("/")).to_owned();
        let [nginx, dnsmasq] = control;
        let watch = steps.clone();
        let generations = on_disk(move || Generations::open(&base, watch)).await?;
        Ok(Self {
            generations: Arc::new(generations),
            checker: Checker::new(layout),
            nginx: Program::nginx(layout, nginx),
            dnsmasq: Program::dnsmasq(layout, dnsmasq),
            steps,
            is_unread: true,
        })
    }

    /// Makes this tree live. Manual changes to the live files are reverted.
    ///
    /// # Errors
    /// If the attempt failed before anything was replaced. The live files are unchanged.
    pub async fn apply(&mut self, tree: &Tree) -> Result<Outcome, Error> {
        let outcome = self.replace(tree).await;
        let is_kept = matches!(outcome, Ok(Outcome::Refused(_)) | Err(_));
        if self.is_unread && is_kept && self.disk(|generations| generations.live()).await?.is_some()
        {
            // The new tree was not applied, but the programs may not have read the live one.
            let read = self.perform(&everything()).await;
            self.is_unread = read.is_err();
        }
        outcome
    }

    /// Makes a site configuration live. Services that a program refuses are quarantined, and the
    /// others are published.
    ///
    /// # Errors
    /// If the attempt failed before anything was replaced. The live files are unchanged.
    pub async fn publish(
        &mut self,
        site: &SiteConfig,
        layout: &Layout,
    ) -> Result<Published, Error> {
        let (mut rest, mut quarantined) = (site.clone(), Vec::new());
        for _ in 0..ROUNDS {
            let outcome = self.apply(&edge::render(&rest, layout)?).await?;
            let (without, more) = match &outcome {
                Outcome::Refused(refusal) if refusal.program == Name::Nginx => {
                    let check = |site| self.check_site(site, layout);
                    match quarantine_refused(&rest, check).await {
                        Ok(found) => found,
                        Err(CheckError::Refused(_)) => (rest.clone(), Vec::new()),
                        Err(CheckError::Program(error)) => return Err(error.into()),
                        Err(CheckError::Candidate(error)) => return Err(*error),
                    }
                }
                Outcome::RolledBack { refusal, .. } => quarantine_named(&rest, refusal),
                _ => (rest.clone(), Vec::new()),
            };
            if more.is_empty() {
                return Ok(Published {
                    outcome,
                    quarantined,
                });
            }
            tracing::warn!(services = ?more, "set quarantined");
            (rest, quarantined) = (without, [quarantined, more].concat());
        }
        let outcome = self.apply(&edge::render(&rest, layout)?).await?;
        Ok(Published {
            outcome,
            quarantined,
        })
    }

    /// Compares, checks, installs, and reloads.
    async fn replace(&mut self, tree: &Tree) -> Result<Outcome, Error> {
        let found = self.disk(|generations| generations.files()).await?;
        let before = as_tree(found, tree);
        let (is_same, changed) = (before == *tree, tree.effects_after(&before));
        let was_unread = self.is_unread;
        let ended = self.ended().await;
        if is_same && !was_unread && ended.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        if !is_same {
            let tree = tree.clone();
            let candidate = self
                .disk(move |generations| generations.write(&tree))
                .await?;
            if let Err(error) = self.check(candidate.path(), &changed).await {
                self.disk(Generations::discard).await?;
                return match error {
                    CheckError::Refused(refusal) => Ok(Outcome::Refused(refusal)),
                    CheckError::Program(error) => Err(error.into()),
                    CheckError::Candidate(error) => Err(*error),
                };
            }
            self.steps.done("checked");
            let number = candidate.number();
            self.is_unread |= !changed.is_empty();
            let installed = self.disk(move |generations| {
                let installed = generations.install(&candidate);
                if installed.is_err() {
                    let _ = generations.discard();
                }
                installed
            });
            if let Err(error) = installed.await {
                // The link may have been moved although the operation failed.
                let live = self.disk(|generations| generations.live()).await?;
                self.is_unread = was_unread || live == Some(number);
                return Err(error);
            }
        }
        let effects = if was_unread {
            everything()
        } else {
            &changed | &ended
        };
        match self.perform(&effects).await {
            Ok(()) => self.confirm().await,
            Err(error) => self.go_back(&effects, error, tree, &before).await,
        }
    }

    /// Records success. Failing to record it does not undo the change.
    async fn confirm(&mut self) -> Result<Outcome, Error> {
        self.is_unread = false;
        if let Err(error) = self.disk(|generations| generations.confirm()).await {
            tracing::warn!(%error, "recording applied generation failed");
        }
        let live = self.disk(|generations| generations.live());
        let generation = live.await?.unwrap_or_default();
        tracing::info!(generation, "generation applied");
        Ok(Outcome::Applied { generation })
    }

    /// Restores the generation that the programs last read, and reloads them.
    async fn go_back(
        &mut self,
        effects: &BTreeSet<Effect>,
        error: ProgramError,
        tree: &Tree,
        before: &Tree,
    ) -> Result<Outcome, Error> {
        let refusal = self.refusal(error, tree, before);
        tracing::warn!(program = %refusal.program, error = refusal.message, "reload failed");
        let (live, read) = self
            .disk(|generations| Ok((generations.live()?, generations.read()?)))
            .await?;
        if live == read {
            return Ok(Outcome::ReloadFailed(refusal));
        }
        let generation = self.disk(|generations| generations.roll_back()).await?;
        let again = match generation {
            Some(_) => self.perform(effects).await,
            None => Ok(()),
        };
        self.is_unread = again.is_err();
        Ok(Outcome::RolledBack {
            refusal,
            generation,
            also: again.err().map(|error| error.to_string()),
        })
    }

    /// Converts a program's error about live files into a refusal. Files that did not change are
    /// not the cause, unless no other file is named.
    fn refusal(&self, error: ProgramError, tree: &Tree, before: &Tree) -> Refusal {
        let (program, message) = match error {
            ProgramError::Run { name, source } => (name, source.to_string()),
            ProgramError::Failed { name, message } => (name, message),
        };
        let mut files = files_in(&message, &[self.checker.live()]);
        files.extend(files_of_ports(&message));
        files.retain(|path| tree.get(path).is_some());
        let is_new = |path: &String| before.get(path) != tree.get(path);
        if files.iter().any(is_new) {
            files.retain(is_new);
        }
        Refusal {
            program,
            message,
            files,
        }
    }

    /// The effects that start programs that have exited.
    async fn ended(&self) -> BTreeSet<Effect> {
        let mut ended = BTreeSet::new();
        if !self.nginx.has_process().await {
            ended.insert(Effect::ReloadNginx);
        }
        if !self.dnsmasq.has_process().await {
            ended.insert(Effect::RestartDnsmasq);
        }
        ended
    }

    /// Reloads or restarts the programs.
    async fn perform(&self, effects: &BTreeSet<Effect>) -> Result<(), ProgramError> {
        for effect in effects {
            match effect {
                Effect::ReloadNginx => self.nginx.reload().await?,
                Effect::ReloadDnsmasq => self.dnsmasq.reload().await?,
                Effect::RestartDnsmasq => self.dnsmasq.restart().await?,
                Effect::None => continue,
            }
            self.steps.done("an effect");
        }
        Ok(())
    }

    /// Checks the candidate with those programs whose files changed.
    async fn check(&self, candidate: &Path, changed: &BTreeSet<Effect>) -> Result<(), CheckError> {
        if changed.contains(&Effect::ReloadNginx) {
            self.checker.nginx(candidate).await?;
        }
        let dnsmasq = [Effect::ReloadDnsmasq, Effect::RestartDnsmasq];
        if dnsmasq.iter().any(|effect| changed.contains(effect)) {
            self.checker.dnsmasq(candidate).await?;
        }
        Ok(())
    }

    /// Checks a site configuration with nginx without making it live.
    async fn check_site(&self, site: SiteConfig, layout: &Layout) -> Result<(), CheckError> {
        let tree = edge::render(&site, layout).map_err(candidate_error)?;
        let draft = self.disk(move |generations| generations.draft(&tree)).await;
        let checked = self
            .checker
            .nginx(draft.map_err(candidate_error)?.path())
            .await;
        self.disk(Generations::discard)
            .await
            .map_err(candidate_error)?;
        checked
    }

    /// Runs a blocking file operation outside the event loop.
    async fn disk<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Generations) -> Result<T, DiskError> + Send + 'static,
    {
        let generations = Arc::clone(&self.generations);
        on_disk(move || work(&generations)).await
    }
}

async fn on_disk<T, W>(work: W) -> Result<T, Error>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, DiskError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Error::BrokenOff),
    }
}

/// An error that occurred before a candidate could be checked.
fn candidate_error(error: impl Into<Error>) -> CheckError {
    CheckError::Candidate(Box::new(error.into()))
}

/// The effects that make both programs read all their files.
fn everything() -> BTreeSet<Effect> {
    BTreeSet::from([Effect::ReloadNginx, Effect::RestartDnsmasq])
}

/// Converts the files on disk into a tree that can be compared with a new one. A file that the new
/// tree lacks gets the strongest effect of its folder.
fn as_tree(found: Files, new: &Tree) -> Tree {
    let file = |(path, bytes): (String, Vec<u8>)| {
        let effect = match new.get(&path) {
            Some(file) => file.effect,
            None if path.starts_with("dnsmasq/") => Effect::RestartDnsmasq,
            None => Effect::ReloadNginx,
        };
        // No rendered file is empty, so a file that is not UTF-8 differs from every rendered file.
        let text = String::from_utf8(bytes).unwrap_or_default();
        (path, File { text, effect })
    };
    found.into_iter().map(file).collect()
}

/// The files of the ports that nginx could not listen on, from messages such as `bind() to
/// 0.0.0.0:2000 failed`. The messages do not name the protocol.
fn files_of_ports(message: &str) -> Vec<String> {
    let ports = message.split("bind() to ").skip(1).filter_map(|rest| {
        let (address, _) = rest.split_once(" failed")?;
        let (_, port) = address.rsplit_once(':')?;
        port.parse::<u16>().ok()
    });
    let ports: BTreeSet<u16> = ports.collect();
    let files = ports.into_iter().flat_map(|port| {
        ["tcp", "udp"].map(|protocol| format!("nginx/streams/{protocol}-{port}.conf"))
    });
    files.collect()
}

/// Removes the services whose files a refusal names.
fn quarantine_named(site: &SiteConfig, refusal: &Refusal) -> (SiteConfig, Vec<QuarantinedService>) {
    let files = refusal.files.iter();
    let named: BTreeSet<ServiceId> = files.filter_map(|path| site.service_of(path)).collect();
    let quarantined = named.iter().map(|service| QuarantinedService {
        service: *service,
        message: refusal.message.clone(),
    });
    let quarantined = quarantined.collect();
    (site.without(&named), quarantined)
}

#[cfg(test)]
mod tests {
    use super::files_of_ports;

    #[test]
    fn ports_are_extracted_from_bind_errors() {
        let message = "bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
                     bind() to [::]:2000 failed (98: Address already in use)\nstill could not bind()";
        let files = ["nginx/streams/tcp-2000.conf", "nginx/streams/udp-2000.conf"];
        assert_eq!(files_of_ports(message), files);
        assert!(files_of_ports("still could not bind()").is_empty());
    }
}
