//! Applies a rendered tree: afterwards the tree is live and the programs have read it, or the
//! previous state is unchanged and the outcome says why.
//!
//! The steps: compare with the files on disk, write a candidate, check it, move the link, reload
//! the programs, and record that they read it. The process may be killed between any two steps. The
//! next start continues from the state on disk, and its first run makes the programs read the live
//! files.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use super::{
    disk::{DiskError, Files},
    error::{CheckError, Error, ProgramError},
    generations::Generations,
    pace::Pace,
    quarantine::{QuarantinedPart, quarantine_named, quarantine_refused},
    refusal::{Refusal, possible_causes},
    steps::Steps,
    subsystem::{Parts, Subsystem, is_same},
};

/// A part of a subsystem's configuration.
type Part<S> = <<S as Subsystem>::Config as Parts>::Part;

/// How often parts are quarantined in one run because a program could not use their files.
const ROUNDS: usize = 8;

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
        rollback_error: Option<String>,
    },
    /// The tree was live and valid before, but a program cannot use it now. It stays live.
    ReloadFailed(Refusal),
}

/// The outcome of applying a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishOutcome<P> {
    /// The outcome for the files of all parts that are not quarantined.
    pub outcome: Outcome,
    /// The quarantined parts.
    pub quarantined: Vec<QuarantinedPart<P>>,
}

/// Applies trees to this host, one at a time.
#[derive(Debug)]
pub struct Applier<S: Subsystem> {
    generations: Arc<Generations>,
    subsystem: S,
    steps: Steps,
    /// Whether the programs may not have read the live files.
    is_unread: bool,
    pace: Pace<S::Effect>,
}

impl<S: Subsystem> Applier<S> {
    /// Opens the directory of generations `base` for the programs of a subsystem.
    ///
    /// # Errors
    /// If the directory cannot be opened, or another process uses it.
    pub async fn open(base: &Path, subsystem: S, steps: Steps) -> Result<Self, Error> {
        let (base, watch) = (base.to_owned(), steps.clone());
        let generations = on_disk(move || Generations::open(&base, watch)).await?;
        Ok(Self {
            generations: Arc::new(generations),
            subsystem,
            steps,
            is_unread: true,
            pace: Pace::new(|_| Duration::ZERO),
        })
    }

    /// Spaces the effects of changes by minimum intervals.
    #[must_use]
    pub fn with_min_intervals(mut self, min_interval: fn(S::Effect) -> Duration) -> Self {
        self.pace = Pace::new(min_interval);
        self
    }

    /// Makes this tree live. Manual changes to the live files are reverted.
    ///
    /// # Errors
    /// If the attempt failed before anything was replaced. The live files are unchanged.
    pub async fn apply(&mut self, tree: &S::Tree) -> Result<Outcome, Error> {
        let outcome = self.replace(tree).await;
        let is_kept = matches!(outcome, Ok(Outcome::Refused(_)) | Err(_));
        if self.is_unread && is_kept && self.disk(|generations| generations.live()).await?.is_some()
        {
            // The new tree was not applied, but the programs may not have read the live one.
            let all = self.subsystem.all_effects();
            let read = self.perform(&all).await;
            self.is_unread = read.is_err();
        }
        outcome
    }

    /// Makes a configuration live. Parts that a program refuses are quarantined, and the others are
    /// published.
    ///
    /// # Errors
    /// If the attempt failed before anything was replaced. The live files are unchanged.
    pub async fn publish(&mut self, config: &S::Config) -> Result<PublishOutcome<Part<S>>, Error> {
        let (mut rest, mut quarantined) = (config.clone(), Vec::new());
        for _ in 0..ROUNDS {
            let outcome = self.apply(&self.subsystem.render(&rest)?).await?;
            let (without, more) = self.quarantine(&rest, &outcome).await?;
            if more.is_empty() {
                return Ok(PublishOutcome {
                    outcome,
                    quarantined,
                });
            }
            tracing::warn!(parts = ?more, "parts quarantined");
            (rest, quarantined) = (without, [quarantined, more].concat());
        }
        let outcome = self.apply(&self.subsystem.render(&rest)?).await?;
        Ok(PublishOutcome {
            outcome,
            quarantined,
        })
    }

    /// Removes the parts that an outcome blames. Returns the remaining configuration and the
    /// removed parts.
    async fn quarantine(
        &self,
        config: &S::Config,
        outcome: &Outcome,
    ) -> Result<(S::Config, Vec<QuarantinedPart<Part<S>>>), Error> {
        let unchanged = || (config.clone(), Vec::new());
        match outcome {
            Outcome::Refused(refusal) => {
                let effects = self.subsystem.effects_to_search(refusal);
                if effects.is_empty() {
                    return Ok(unchanged());
                }
                let check = |config| self.check_draft(config, &effects);
                match quarantine_refused(config, check).await {
                    Ok(found) => Ok(found),
                    Err(error) => error.into_refusal().map(|_| unchanged()),
                }
            }
            Outcome::RolledBack { refusal, .. } => Ok(quarantine_named(config, refusal)),
            _ => Ok(unchanged()),
        }
    }

    /// Compares, checks, installs, and reloads.
    async fn replace(&mut self, tree: &S::Tree) -> Result<Outcome, Error> {
        let before = self.disk(|generations| generations.files()).await?;
        let is_same = is_same(tree, &before);
        let changed = self.subsystem.effects(tree, &before);
        let was_unread = self.is_unread;
        let exited = self.subsystem.exited().await;
        let was_running = exited.is_empty();
        if is_same && !was_unread && was_running {
            return Ok(Outcome::Unchanged);
        }
        if !is_same && !was_unread && was_running {
            self.pace.wait(&changed).await;
        }
        if !is_same && let Some(refusal) = self.install(tree, &changed).await? {
            return Ok(Outcome::Refused(refusal));
        }
        let effects = if was_unread {
            self.subsystem.all_effects()
        } else {
            &changed | &exited
        };
        match self.perform(&effects).await {
            Ok(()) => self.record_success().await,
            Err(error) => self.roll_back(&effects, error, tree, was_running).await,
        }
    }

    /// Writes a candidate, checks it and makes it live. Returns the refusal if the check failed.
    async fn install(
        &mut self,
        tree: &S::Tree,
        changed: &BTreeSet<S::Effect>,
    ) -> Result<Option<Refusal>, Error> {
        let tree = tree.clone();
        let candidate = self
            .disk(move |generations| generations.write(&tree))
            .await?;
        if let Err(error) = self.subsystem.check(candidate.path(), changed).await {
            self.disk(Generations::discard).await?;
            return error.into_refusal().map(Some);
        }
        self.steps.done("checked");
        let (number, was_unread) = (candidate.number(), self.is_unread);
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
        Ok(None)
    }

    /// Records success. Failing to record it does not undo the change.
    async fn record_success(&mut self) -> Result<Outcome, Error> {
        self.is_unread = false;
        if let Err(error) = self.disk(|generations| generations.mark_loaded()).await {
            tracing::warn!(%error, "applied generation write failed");
        }
        let live = self.disk(|generations| generations.live());
        let generation = live.await?.unwrap_or_default();
        tracing::info!(disk_generation = generation, "configuration live");
        Ok(Outcome::Applied { generation })
    }

    /// Restores the generation that the programs last loaded, and reloads them. `was_running`:
    /// whether all programs ran before the change.
    async fn roll_back(
        &mut self,
        effects: &BTreeSet<S::Effect>,
        error: ProgramError,
        tree: &S::Tree,
        was_running: bool,
    ) -> Result<Outcome, Error> {
        // An unreadable file must not prevent the rollback.
        let files = self.disk(Generations::loaded_files).await;
        let files = files.unwrap_or_default();
        let refusal = self.refusal(error, tree, &files, was_running);
        tracing::warn!(program = %refusal.program, error = refusal.message, "program reload failed");
        let (live, loaded) = self
            .disk(|generations| Ok((generations.live()?, generations.last_loaded()?)))
            .await?;
        if live == loaded {
            return Ok(Outcome::ReloadFailed(refusal));
        }
        let generation = self.disk(|generations| generations.roll_back()).await?;
        let again = match generation {
            Some(_) => self.perform(effects).await,
            None => Ok(()),
        };
        self.is_unread = again.is_err();
        let rollback_error = again.err().map(|error| error.to_string());
        if let Some(error) = &rollback_error {
            tracing::error!(
                error,
                disk_generation = generation,
                "configuration rollback failed"
            );
        }
        Ok(Outcome::RolledBack {
            refusal,
            generation,
            rollback_error,
        })
    }

    /// Converts a program's error about live files into a refusal. `loaded` are the files that the
    /// programs last loaded.
    fn refusal(
        &self,
        error: ProgramError,
        tree: &S::Tree,
        loaded: &Files,
        was_running: bool,
    ) -> Refusal {
        let (program, message) = match error {
            ProgramError::Run { name, source } => (name, source.to_string()),
            ProgramError::Failed { name, message } => (name, message),
        };
        let named = self.subsystem.named_files(&message);
        let files = possible_causes(named, tree, loaded, was_running);
        Refusal {
            program,
            message,
            files,
        }
    }

    /// Reloads or restarts the programs.
    async fn perform(&mut self, effects: &BTreeSet<S::Effect>) -> Result<(), ProgramError> {
        for effect in effects {
            let performed = self.subsystem.perform(*effect).await;
            self.pace.record(*effect);
            performed?;
            self.steps.done("an effect");
        }
        Ok(())
    }

    /// Checks a configuration without making it live.
    async fn check_draft(
        &self,
        config: S::Config,
        effects: &BTreeSet<S::Effect>,
    ) -> Result<(), CheckError> {
        let tree = self.subsystem.render(&config);
        let tree = tree.map_err(CheckError::candidate)?;
        let draft = self.disk(move |generations| generations.draft(&tree)).await;
        let draft = draft.map_err(CheckError::candidate)?;
        let checked = self.subsystem.check(draft.path(), effects).await;
        let discarded = self.disk(Generations::discard).await;
        discarded.map_err(CheckError::candidate)?;
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
        Err(_) => Err(Error::Canceled),
    }
}
