//! A rendered tree comes in; it is live and read by the programs afterwards, or everything is as it
//! was and the words say why.
//!
//! The steps: compare with what is on disk, write a candidate, have it checked, move the link, have
//! the programs read it, remember that they did. The process may be killed between any two of them:
//! the next one goes on from what is on disk, and its first run makes the programs read what is
//! live, whatever happened before.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use edge::{Effect, File, Layout, Snapshot, Tree};
use model::ServiceId;

use crate::{
    aside::{Aside, set_aside},
    check::{CheckError, Checker, Refusal, files_in},
    disk::{DiskError, Files},
    generations::Generations,
    programs::{Control, Name, Program, ProgramError},
    steps::Steps,
};

/// How often services are set aside in one run because a program could not use their files once
/// they were live.
const ROUNDS: usize = 8;

/// Why a tree could not be applied. What is live is what it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk did not allow it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A program could not be asked.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A template could not be written.
    #[error("The site's files could not be made: {0}")]
    Render(#[from] askama::Error),
    /// Work on the disk was broken off.
    #[error("Work on the disk was broken off.")]
    BrokenOff,
}

/// What became of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was live already, every byte of it.
    Nothing,
    /// It is live, and the programs have read it.
    Applied {
        /// Its generation.
        generation: u64,
    },
    /// A checker refuses it. It was never live.
    Refused(Refusal),
    /// A program could not use it once it was live, so the generation before is live again.
    WentBack {
        /// Why.
        refusal: Refusal,
        /// What is live now; none when there was nothing before.
        generation: Option<u64>,
        /// What a program said of that, when it could not use it either.
        also: Option<String>,
    },
    /// It is what was live and good, and a program cannot use it now. It stays.
    Unread(Refusal),
}

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What became of the files of all services that were not set aside.
    pub outcome: Outcome,
    /// The services that are not published, and why.
    pub aside: Vec<Aside>,
}

/// Applies trees to this host, one after the other.
#[derive(Debug)]
pub struct Applier {
    generations: Arc<Generations>,
    checker: Checker,
    nginx: Program,
    dnsmasq: Program,
    steps: Steps,
    /// Whether it is not known that the programs have read what is live.
    is_unread: bool,
}

impl Applier {
    /// Opens the folder in which `layout.live` lies. How nginx and dnsmasq are controlled is told in
    /// this order.
    ///
    /// # Errors
    /// When the disk does not allow it.
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

    /// Makes what is live be this tree. What was changed by hand is put right.
    ///
    /// # Errors
    /// When it could not be tried. What is live is what it was.
    pub async fn apply(&mut self, tree: &Tree) -> Result<Outcome, Error> {
        let outcome = self.replace(tree).await;
        let is_kept = matches!(outcome, Ok(Outcome::Refused(_)) | Err(_));
        if self.is_unread && is_kept && self.disk(|generations| generations.live()).await?.is_some()
        {
            // Not the new one, but what is live may still not have been read.
            let read = self.perform(&everything()).await;
            self.is_unread = read.is_err();
        }
        outcome
    }

    /// Makes this site live on this host; services that a program refuses are set aside, and the
    /// others are published.
    ///
    /// # Errors
    /// When it could not be tried. What is live is what it was.
    pub async fn publish(&mut self, site: &Snapshot, layout: &Layout) -> Result<Published, Error> {
        let (mut rest, mut aside) = (site.clone(), Vec::new());
        for _ in 0..ROUNDS {
            let outcome = self.apply(&edge::render(&rest, layout)?).await?;
            let (without, more) = match &outcome {
                Outcome::Refused(refusal) if refusal.program == Name::Nginx => {
                    let check = |site| self.check_site(site, layout);
                    match set_aside(&rest, check).await {
                        Ok(found) => found,
                        Err(CheckError::Refused(_)) => (rest.clone(), Vec::new()),
                        Err(CheckError::Program(error)) => return Err(error.into()),
                        Err(CheckError::Candidate(error)) => return Err(*error),
                    }
                }
                Outcome::WentBack { refusal, .. } => named_aside(&rest, refusal),
                _ => (rest.clone(), Vec::new()),
            };
            if more.is_empty() {
                return Ok(Published { outcome, aside });
            }
            tracing::warn!(services = ?more, "set aside");
            (rest, aside) = (without, [aside, more].concat());
        }
        let outcome = self.apply(&edge::render(&rest, layout)?).await?;
        Ok(Published { outcome, aside })
    }

    /// Compares, checks, installs, and has it read.
    async fn replace(&mut self, tree: &Tree) -> Result<Outcome, Error> {
        let found = self.disk(|generations| generations.files()).await?;
        let before = as_tree(found, tree);
        let (is_same, changed) = (before == *tree, tree.effects_after(&before));
        let was_unread = self.is_unread;
        let ended = self.ended().await;
        if is_same && !was_unread && ended.is_empty() {
            return Ok(Outcome::Nothing);
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
                // The link may have been moved all the same.
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

    /// All is done. What is only for the next time does not undo that when it fails.
    async fn confirm(&mut self) -> Result<Outcome, Error> {
        self.is_unread = false;
        if let Err(error) = self.disk(|generations| generations.confirm()).await {
            tracing::warn!(%error, "applied, but not remembered");
        }
        let live = self.disk(|generations| generations.live());
        let generation = live.await?.unwrap_or_default();
        tracing::info!(generation, "applied");
        Ok(Outcome::Applied { generation })
    }

    /// Puts live again what the programs last read, and has them read it.
    async fn go_back(
        &mut self,
        effects: &BTreeSet<Effect>,
        error: ProgramError,
        tree: &Tree,
        before: &Tree,
    ) -> Result<Outcome, Error> {
        let refusal = self.refusal(error, tree, before);
        tracing::warn!(program = %refusal.program, words = refusal.words, "not read");
        let (live, read) = self
            .disk(|generations| Ok((generations.live()?, generations.read()?)))
            .await?;
        if live == read {
            return Ok(Outcome::Unread(refusal));
        }
        let generation = self.disk(|generations| generations.back()).await?;
        let again = match generation {
            Some(_) => self.perform(effects).await,
            None => Ok(()),
        };
        self.is_unread = again.is_err();
        Ok(Outcome::WentBack {
            refusal,
            generation,
            also: again.err().map(|error| error.to_string()),
        })
    }

    /// What a program said of live files, as a refusal of the files that it names. Those that were
    /// good before are not the cause, unless no other is named.
    fn refusal(&self, error: ProgramError, tree: &Tree, before: &Tree) -> Refusal {
        let (program, words) = match error {
            ProgramError::Run { name, source } => (name, source.to_string()),
            ProgramError::Failed { name, words } => (name, words),
        };
        let mut files = files_in(&words, &[self.checker.live()]);
        files.extend(files_of_ports(&words));
        files.retain(|path| tree.get(path).is_some());
        let is_new = |path: &String| before.get(path) != tree.get(path);
        if files.iter().any(is_new) {
            files.retain(is_new);
        }
        Refusal {
            program,
            words,
            files,
        }
    }

    /// What starts those programs that do not run, as after somebody or the system has ended one.
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

    /// Has the programs read what is live.
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

    /// Has the programs check those files whose change they would notice.
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

    /// What nginx says of a site, without making anything live.
    async fn check_site(&self, site: Snapshot, layout: &Layout) -> Result<(), CheckError> {
        let tree = edge::render(&site, layout).map_err(unmade)?;
        let draft = self.disk(move |generations| generations.draft(&tree)).await;
        let checked = self.checker.nginx(draft.map_err(unmade)?.path()).await;
        self.disk(Generations::discard).await.map_err(unmade)?;
        checked
    }

    /// Works on the disk, beside the event loop.
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

/// Why there is nothing to check.
fn unmade(error: impl Into<Error>) -> CheckError {
    CheckError::Candidate(Box::new(error.into()))
}

/// Everything that makes both programs read all their files.
fn everything() -> BTreeSet<Effect> {
    BTreeSet::from([Effect::ReloadNginx, Effect::RestartDnsmasq])
}

/// What is on disk, as a tree that can be compared with a new one. What the new one does not have
/// asks for the most that its folder could.
fn as_tree(found: Files, new: &Tree) -> Tree {
    let file = |(path, bytes): (String, Vec<u8>)| {
        let effect = match new.get(&path) {
            Some(file) => file.effect,
            None if path.starts_with("dnsmasq/") => Effect::RestartDnsmasq,
            None => Effect::ReloadNginx,
        };
        // No file of ours is empty, so that one that is no text differs from each.
        let text = String::from_utf8(bytes).unwrap_or_default();
        (path, File { text, effect })
    };
    found.into_iter().map(file).collect()
}

/// The files of the ports that nginx could not listen on, as its words name them
/// (`bind() to 0.0.0.0:2000 failed`): they do not say for which protocol.
fn files_of_ports(words: &str) -> Vec<String> {
    let ports = words.split("bind() to ").skip(1).filter_map(|rest| {
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

/// The site without the services whose files a refusal names.
fn named_aside(site: &Snapshot, refusal: &Refusal) -> (Snapshot, Vec<Aside>) {
    let files = refusal.files.iter();
    let named: BTreeSet<ServiceId> = files.filter_map(|path| site.service_of(path)).collect();
    let aside = named.iter().map(|service| Aside {
        service: *service,
        words: refusal.words.clone(),
    });
    let aside = aside.collect();
    (site.without(&named), aside)
}

#[cfg(test)]
mod tests {
    use super::files_of_ports;

    #[test]
    fn words_of_nginx_name_ports() {
        let words = "bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
                     bind() to [::]:2000 failed (98: Address already in use)\nstill could not bind()";
        let files = ["nginx/streams/tcp-2000.conf", "nginx/streams/udp-2000.conf"];
        assert_eq!(files_of_ports(words), files);
        assert!(files_of_ports("still could not bind()").is_empty());
    }
}
