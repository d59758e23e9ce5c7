//! The context of a step: its container, the client of the cluster, its persistent notes and the
//! job's log.

use std::collections::BTreeSet;

use model::{
    JobId, UserId,
    events::{Event, Topic},
    jobs::{Progress, StepState},
    names::NodeName,
};
use proxmox::{Client, Upid, Vmid};
use serde::{Deserialize, Serialize};
use store::{
    containers::ContainerRecord,
    jobs::{JobRecord, StepRecord},
    sites::SiteRecord,
};

use super::failure::{Failure, JobStoreResultExt as _};
use crate::{Control, background::Lease, jobs::Step, observer::Power};

/// Persistent notes of a step, saved before it waits, so that another worker can resume it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Notes {
    /// The running Proxmox task.
    #[serde(default)]
    pub(super) upid: Option<String>,
    /// VMIDs that are used by other guests.
    #[serde(default)]
    pub(super) tried: BTreeSet<u32>,
    /// Why the step failed permanently.
    #[serde(default)]
    pub(super) failure: Option<Failure>,
}

/// The context of one job.
pub(super) struct Context {
    pub(super) control: Control,
    pub(super) job: JobId,
    pub(super) client: Client,
    pub(super) container: ContainerRecord,
    pub(super) site: SiteRecord,
    pub(super) notes: Notes,
    /// What could not be undone, one sentence each.
    pub(super) leftovers: Vec<String>,
    owner: UserId,
    lease: Lease,
    position: u32,
}

impl Context {
    /// Loads the context of a job. Returns `None` when its container or cluster no longer exists.
    pub(super) async fn load(
        control: &Control,
        job: &JobRecord,
        lease: &Lease,
    ) -> Result<Option<Self>, Failure> {
        let Some(id) = job.row.container else {
            return Ok(None);
        };
        let rows = control
            .store()
            .read(move |c| {
                let Some(container) = store::containers::get(c, id)? else {
                    return Ok(None);
                };
                Ok(store::sites::get(c, container.site)?.map(|site| (container, site)))
            })
            .await
            .for_job(job.row.id)?;
        let Some((container, site)) = rows else {
            return Ok(None);
        };
        let client = control.client(container.cluster).await;
        let client = client.map_err(|error| Failure::new(error.to_string()))?;
        let Some(client) = client else {
            return Ok(None);
        };
        let mut context = Self {
            control: control.clone(),
            client,
            container,
            site,
            notes: Notes::default(),
            leftovers: Vec::new(),
            job: job.row.id,
            owner: job.owner,
            lease: lease.clone(),
            position: 0,
        };
        context.follow_migration().await?;
        Ok(Some(context))
    }

    /// Follows a container that was migrated to another node in Proxmox. The observed state may be
    /// outdated, so the container's configuration is read on the new node first.
    async fn follow_migration(&mut self) -> Result<(), Failure> {
        let (id, cluster, vmid) = (
            self.container.id,
            self.container.cluster,
            self.container.vmid,
        );
        let observed = self.control.observer().container(cluster, vmid);
        let Some(node) = observed
            .filter(|_| self.container.provisioned.is_some())
            .and_then(|guest| guest.node.parse::<NodeName>().ok())
            .filter(|node| *node != self.container.node)
        else {
            return Ok(());
        };
        let on_node = self.client.lxc_config(node.as_str(), self.vmid()?).await;
        if !on_node.is_ok_and(|config| self.has_reserved_mac(&config)) {
            return Ok(());
        }
        let (from, to) = (self.container.node.clone(), node.clone());
        self.control
            .store()
            .write(move |c| store::containers::set_node(c, id, &to))
            .await
            .for_job(self.job)?;
        self.log(format!(
            "The container was migrated in Proxmox from {from} to {node}."
        ))
        .await;
        self.container.node = node;
        Ok(())
    }

    /// The VMID in the client's type.
    pub(super) fn vmid(&self) -> Result<Vmid, Failure> {
        Ok(Vmid::try_from(self.container.vmid).map_err(proxmox::Error::from)?)
    }

    /// The node's name in the client's type.
    pub(super) fn node(&self) -> String {
        self.container.node.to_string()
    }

    /// Why a step failed in an earlier run of the job.
    pub(super) fn stored_failure(step: &StepRecord) -> Option<Failure> {
        if step.view.state != StepState::Failed {
            return None;
        }
        let notes: Notes = serde_json::from_str(step.data.as_deref()?).ok()?;
        notes.failure
    }

    /// The task that a step was waiting for when it was interrupted.
    pub(super) fn stored_task(step: &StepRecord) -> Option<Upid> {
        let notes: Notes = serde_json::from_str(step.data.as_deref()?).ok()?;
        notes.upid?.parse().ok()
    }

    /// Begins a step with the notes of an earlier run.
    pub(super) async fn begin(&mut self, step: Step, record: &StepRecord) -> Result<(), Failure> {
        self.position = record.position;
        self.notes = record
            .data
            .as_deref()
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or_default();
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let write = move |c: &mut store::Conn| store::jobs::start_step(c, job, &owner, position);
        let written = self.control.store().write(write).await;
        self.require_lease(written.for_job(self.job)?).await;
        self.log(format!("{}.", step.title())).await;
        self.publish_job();
        Ok(())
    }

    /// Saves the step's notes. Call this before waiting for anything they refer to.
    pub(super) async fn save(&self) -> Result<(), Failure> {
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let data = self.data();
        let write =
            move |c: &mut store::Conn| store::jobs::save_step_data(c, job, &owner, position, &data);
        let written = self.control.store().write(write).await;
        self.require_lease(written.for_job(self.job)?).await;
        Ok(())
    }

    /// Ends a step.
    pub(super) async fn end(
        &mut self,
        state: StepState,
        note: Option<String>,
    ) -> Result<(), Failure> {
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let data = self.data();
        let write = move |c: &mut store::Conn| {
            store::jobs::finish_step(
                c,
                job,
                &owner,
                position,
                state,
                note.as_deref(),
                Some(&data),
            )
        };
        let written = self.control.store().write(write).await;
        self.require_lease(written.for_job(self.job)?).await;
        self.publish_job();
        Ok(())
    }

    /// Ends a step that failed permanently. Saves the failure in the notes so that a crash during
    /// the undo does not lose it.
    pub(super) async fn fail(&mut self, failure: &Failure) {
        let details = failure
            .details
            .as_deref()
            .map(|details| format!(" Proxmox says: {details}"));
        self.log(format!(
            "{}{}",
            failure.sentence,
            details.unwrap_or_default()
        ))
        .await;
        self.notes.failure = Some(failure.clone());
        let note = Some(failure.sentence.clone());
        if let Err(error) = self.end(StepState::Failed, note).await {
            tracing::warn!(job = %self.job, error = error.sentence, "failed job step write failed");
        }
    }

    pub(super) async fn mark_undone(&mut self, record: &StepRecord) {
        self.position = record.position;
        self.notes = Notes::default();
        if let Err(error) = self.end(StepState::Undone, record.view.note.clone()).await {
            tracing::warn!(job = %self.job, error = error.sentence, "undone job step write failed");
        }
    }

    /// Appends a line to the job's log. A failure to write the log does not stop the job.
    pub(super) async fn log(&self, line: impl Into<String>) {
        self.log_all(vec![line.into()]).await;
    }

    /// Appends lines to the job's log.
    pub(super) async fn log_all(&self, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let job = self.job;
        let write = move |c: &mut store::Conn| store::jobs::append_log(c, job, &lines);
        if let Err(error) = self.control.store().write(write).await {
            tracing::warn!(job = %job, %error, "job log write failed");
        }
        self.publish(Event::of(Topic::JobLog, self.job.0));
    }

    /// Stores the progress of the step.
    pub(super) async fn progress(&self, progress: Progress) {
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let write = move |c: &mut store::Conn| {
            store::jobs::update_step_progress(c, job, &owner, position, progress)
        };
        if let Err(error) = self.control.store().write(write).await {
            tracing::warn!(job = %job, %error, "job progress write failed");
        }
        self.publish_job();
    }

    /// Saves the UPID of a task before waiting for it.
    pub(super) async fn save_task(&mut self, upid: &Upid) -> Result<(), Failure> {
        self.notes.upid = Some(upid.to_string());
        self.save().await
    }

    /// Records the power state of the container in the observer.
    pub(super) fn record_power(&self, power: Power) {
        self.control
            .observer()
            .record_power(self.container.cluster, self.container.vmid, power);
        self.publish(Event::of(Topic::Container, self.container.id.0));
    }

    /// Continues only while the lease is held, so that the new owner's work is not disturbed.
    async fn require_lease(&self, is_held: bool) {
        if !is_held {
            self.lease.mark_lost();
            // The lease drops this future.
            std::future::pending::<()>().await;
        }
    }

    fn data(&self) -> String {
        serde_json::to_string(&self.notes).unwrap_or_default()
    }

    fn publish_job(&self) {
        self.publish(Event::of(Topic::Job, self.job.0));
    }

    fn publish(&self, event: Event) {
        self.control.notifier().publish_owned(event, self.owner);
    }
}
