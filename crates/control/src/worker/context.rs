//! The context of a step: its container, the client of the cluster, its persistent notes and the
//! job's log.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{
    JobId, UserId,
    events::{Event, Topic},
    jobs::{Progress, StepState},
    names::NodeName,
};
use proxmox::{Client, Purpose, RequestGuard, Upid, Vmid};
use serde::{Deserialize, Serialize};
use store::{
    containers::ContainerRecord,
    jobs::{JobRecord, StepRecord},
    sites::SiteRecord,
};

use super::{
    failure::{JobStoreResultExt as _, StepFailure},
    log_limit,
};
use crate::{
    Control,
    background::{Lease, LeaseObject, StoreRenewal},
    jobs::Step,
    observer::Power,
};

/// The persistent data of a step, saved before it waits, so that another worker can resume it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StepData {
    /// The running Proxmox task.
    #[serde(default)]
    pub(super) upid: Option<String>,
    /// VMIDs that are used by other guests.
    #[serde(default)]
    pub(super) tried: BTreeSet<u32>,
    /// Why the step failed permanently.
    #[serde(default)]
    pub(super) failure: Option<StepFailure>,
}

/// The context of one job.
pub(super) struct Context {
    pub(super) control: Control,
    pub(super) job: JobId,
    pub(super) client: Client,
    pub(super) container: ContainerRecord,
    pub(super) site: SiteRecord,
    pub(super) notes: StepData,
    /// What could not be undone, one sentence each.
    pub(super) leftovers: Vec<String>,
    owner: UserId,
    lease: Lease,
    position: u32,
    /// How many lines this run of the job has logged.
    logged_lines: AtomicUsize,
}

impl Context {
    /// Loads the context of a job. Returns `None` when its container or cluster no longer exists.
    pub(super) async fn load(
        control: &Control,
        job: &JobRecord,
        lease: &Lease,
    ) -> Result<Option<Self>, StepFailure> {
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
        let client = control.get_client(container.cluster).await;
        let client = client.map_err(|error| StepFailure::new(error.to_string()))?;
        let Some(client) = client else {
            return Ok(None);
        };
        let mut context = Self {
            control: control.clone(),
            client: client.with_guard(request_guard(control, job.row.id, lease)),
            container,
            site,
            notes: StepData::default(),
            leftovers: Vec::new(),
            job: job.row.id,
            owner: job.owner,
            lease: lease.clone(),
            position: 0,
            logged_lines: AtomicUsize::new(0),
        };
        context.follow_migration().await?;
        Ok(Some(context))
    }

    /// Follows a container that was migrated to another node in Proxmox. The observed state may be
    /// outdated, so the container's configuration is read on the new node first.
    async fn follow_migration(&mut self) -> Result<(), StepFailure> {
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
        self.write(move |c| store::containers::set_node(c, id, &to))
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
    pub(super) fn vmid(&self) -> Result<Vmid, StepFailure> {
        Ok(Vmid::try_from(self.container.vmid).map_err(proxmox::Error::from)?)
    }

    /// The node's name in the client's type.
    pub(super) fn node(&self) -> String {
        self.container.node.to_string()
    }

    /// Why a step failed in an earlier run of the job.
    pub(super) fn stored_failure(step: &StepRecord) -> Option<StepFailure> {
        if step.view.state != StepState::Failed {
            return None;
        }
        let notes: StepData = serde_json::from_str(step.data.as_deref()?).ok()?;
        notes.failure
    }

    /// The task that a step was waiting for when it was interrupted.
    pub(super) fn stored_task(step: &StepRecord) -> Option<Upid> {
        let notes: StepData = serde_json::from_str(step.data.as_deref()?).ok()?;
        notes.upid?.parse().ok()
    }

    /// Begins a step with the notes of an earlier run.
    pub(super) async fn begin(
        &mut self,
        step: Step,
        record: &StepRecord,
    ) -> Result<(), StepFailure> {
        self.position = record.position;
        self.notes = record
            .data
            .as_deref()
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or_default();
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let write = move |c: &mut store::Conn| store::jobs::start_step(c, job, &owner, position);
        self.write_step(write).await?;
        self.log(format!("{}.", step.title())).await;
        self.publish_job();
        Ok(())
    }

    /// Saves the step's notes. Call this before waiting for anything they refer to.
    pub(super) async fn save(&self) -> Result<(), StepFailure> {
        let (job, owner, position) = (self.job, self.lease.owner(), self.position);
        let data = self.data();
        let write =
            move |c: &mut store::Conn| store::jobs::save_step_data(c, job, &owner, position, &data);
        self.write_step(write).await
    }

    /// Ends a step.
    pub(super) async fn end(
        &mut self,
        state: StepState,
        note: Option<String>,
    ) -> Result<(), StepFailure> {
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
        self.write_step(write).await?;
        self.publish_job();
        Ok(())
    }

    /// Ends a step that failed permanently. Saves the failure in the notes so that a crash during
    /// the undo does not lose it.
    pub(super) async fn fail(&mut self, failure: &StepFailure) {
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
            tracing::warn!(job = %self.job, state = "failed", error = error.sentence, "job step write failed");
        }
    }

    pub(super) async fn mark_undone(&mut self, record: &StepRecord) {
        self.position = record.position;
        self.notes = StepData::default();
        if let Err(error) = self.end(StepState::Undone, record.view.note.clone()).await {
            tracing::warn!(job = %self.job, state = "undone", error = error.sentence, "job step write failed");
        }
    }

    /// Appends a line to the job's log. A failure to write the log does not stop the job.
    pub(super) async fn log(&self, line: impl Into<String>) {
        self.log_all(vec![line.into()]).await;
    }

    /// Appends lines to the job's log.
    pub(super) async fn log_all(&self, lines: Vec<String>) {
        let before = self.logged_lines.fetch_add(lines.len(), Ordering::Relaxed);
        let lines = log_limit::limit_lines(lines, before);
        if lines.is_empty() {
            return;
        }
        let job = self.job;
        let write = move |c: &mut store::Conn| store::jobs::append_log(c, job, &lines);
        if let Err(error) = self.write(write).await {
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
        if let Err(error) = self.write(write).await {
            tracing::warn!(job = %job, %error, "job progress write failed");
        }
        self.publish_job();
    }

    /// Saves the UPID of a task before waiting for it.
    pub(super) async fn save_task(&mut self, upid: &Upid) -> Result<(), StepFailure> {
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

    /// Runs `write` in one transaction with a renewal of the job's lease, so that no other worker
    /// claims the job before the commit. Ends the job's work here when the lease is lost.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl Fn(&mut store::Conn) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let is_held = self.lease_check();
        let write = move |c: &mut store::Conn| match is_held(c)? {
            true => write(c).map(Some),
            false => Ok(None),
        };
        match self.control.store().write(write).await? {
            Some(value) => Ok(value),
            None => self.lease.end().await,
        }
    }

    /// Renews the lease as part of a transaction, which must not write anything if this returns
    /// false.
    pub(super) fn lease_check(
        &self,
    ) -> impl Fn(&mut store::Conn) -> Result<bool, store::Error> + Clone + Send + use<> {
        let (job, owner, term) = (self.job, self.lease.owner(), self.lease.term_ms());
        move |c| Ok(store::jobs::renew_lease(c, job, &owner, term)?.is_held)
    }

    /// Ends the job's work in this process after [`Self::lease_check`] returned false.
    pub(super) async fn end_lost<T>(&self) -> T {
        self.lease.end().await
    }

    async fn write_step(
        &self,
        write: impl Fn(&mut store::Conn) -> Result<bool, store::Error> + Send + 'static,
    ) -> Result<(), StepFailure> {
        match self.write(write).await.for_job(self.job)? {
            true => Ok(()),
            false => self.lease.end().await,
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

/// Lets a request pass only while the lease of the job is held. Before a change, the lease is
/// renewed.
fn request_guard(control: &Control, job: JobId, lease: &Lease) -> RequestGuard {
    let (control, lease) = (control.clone(), lease.clone());
    Arc::new(move |purpose| {
        let (control, lease) = (control.clone(), lease.clone());
        Box::pin(async move {
            if purpose == Purpose::Read {
                return lease.wait_until_usable().await;
            }
            let renewal = StoreRenewal {
                store: control.store(),
                object: LeaseObject::Job(job),
                renew: move |c: &mut store::Conn, owner: &str, term| {
                    Ok(store::jobs::renew_lease(c, job, owner, term)?.is_held)
                },
            };
            lease.confirm(&renewal).await;
        })
    })
}
