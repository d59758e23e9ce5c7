//! Invariants after the end of a job: cluster and database are consistent, or the job reported the
//! discrepancy in a plain sentence.

use control::{Actor, jobs};
use model::jobs::{JobKind, JobState, JobView, StepState};
use proxmox_sim::{ContainerView, TEST_SECRET};
use store::containers::ContainerRecord;

use crate::kinds::Scenario;

/// Discrepancies that cannot be avoided: job kind, discrepancy and reason. The first two are
/// allowed only if the failed job reported its leftovers.
const ALLOWED_DISCREPANCIES: [(JobKind, Discrepancy, &str); 3] = [
    (
        JobKind::Delete,
        Discrepancy::RecordWithoutContainer,
        "The container is deleted, but the cluster became unreachable before that could be verified. \
         Releasing the IP address without verification could assign it twice.",
    ),
    (
        JobKind::Create,
        Discrepancy::ContainerWithoutRecord,
        "The cluster became unreachable, or a restart of the node left a lock that only root can \
        remove, so that the created container cannot be rolled back.",
    ),
    (
        JobKind::Stop,
        Discrepancy::StartedByNode,
        "A node that lost power starts all its containers, including one that was stopped just \
        before and whose job only had to verify that.",
    ),
];

/// A kind of inconsistency between cluster and database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Discrepancy {
    RecordWithoutContainer,
    ContainerWithoutRecord,
    StartedByNode,
}

/// The state of cluster and database at one time.
pub struct ActualState {
    pub record: Option<ContainerRecord>,
    pub real: Vec<ContainerView>,
}

impl Scenario {
    /// Asserts all invariants that hold after any end of a job.
    pub async fn assert_consistent(&mut self, job: &JobView) {
        self.assert_messages(job).await;
        self.leftovers.extend(job.leftovers.iter().cloned());
        let actual = self.actual_state().await;
        for unmanaged in &self.unmanaged {
            let current = self.app.sim.handle().container(unmanaged.vmid);
            assert_eq!(
                current.as_ref(),
                Some(unmanaged),
                "an unmanaged container was changed"
            );
        }
        Self::assert_container_exists(job, &actual);
        self.assert_no_leftovers(job, &actual);
        if job.row.state == JobState::Done {
            self.assert_done(job, &actual);
        }
    }

    /// A container that the database marks as created exists on the cluster.
    fn assert_container_exists(job: &JobView, actual: &ActualState) {
        let Some(record) = actual.record.as_ref().filter(|r| r.provisioned.is_some()) else {
            return;
        };
        let exists = actual
            .real
            .iter()
            .any(|real| is_same_container(record, real));
        assert!(
            exists || is_reported_loss(job),
            "CT {} is in the database and not on the cluster: {job:?}",
            record.vmid
        );
    }

    /// Every container and volume on the cluster is in the database or was reported as left behind.
    fn assert_no_leftovers(&self, job: &JobView, actual: &ActualState) {
        let ours = actual
            .record
            .as_ref()
            .filter(|record| record.provisioned.is_some());
        let unreported = self
            .managed_containers(actual)
            .filter(|real| !ours.is_some_and(|record| is_same_container(record, real)));
        for unreported_container in unreported {
            assert!(
                self.reports_leftover(unreported_container.vmid),
                "unreported {unreported_container:?} after {job:?}; database record: {:?}",
                actual.record
            );
        }
        if let Some(record) = &actual.record {
            let same_mac = actual.real.iter().filter(|real| has_mac(record, real));
            assert!(
                same_mac.count() <= 1,
                "duplicate MAC address: {:?}",
                actual.real
            );
        }
        for node in ["pve1", "pve2"] {
            for volume in self.app.sim.handle().volumes(node) {
                let Some(vmid) = owner(&volume) else { continue };
                let exists = actual.real.iter().any(|real| real.vmid == vmid);
                assert!(
                    exists || self.reports_leftover(vmid),
                    "{volume} is left on {node}"
                );
            }
        }
    }

    /// A job with state "done" reached its desired state.
    fn assert_done(&self, job: &JobView, actual: &ActualState) {
        let finished = |state| matches!(state, StepState::Done | StepState::Skipped);
        assert!(job.steps.iter().all(|step| finished(step.state)), "{job:?}");
        if job.row.kind == JobKind::Delete {
            assert!(
                actual.record.is_none(),
                "deleted, but still in the database"
            );
            return;
        }
        let record = actual.record.as_ref().expect("a database record");
        assert!(
            record.provisioned.is_some(),
            "done, but not created: {job:?}"
        );
        let real = actual
            .real
            .iter()
            .find(|real| is_same_container(record, real))
            .expect("a container on the cluster");
        assert_eq!(real.lock, None, "no lock is left");
        if job.row.kind == JobKind::Filters {
            self.assert_open(record);
        }
        let as_desired = Some(real.running) == self.kind.runs();
        let restarted = self.restarted && is_allowed(job.row.kind, Discrepancy::StartedByNode);
        assert!(
            as_desired || restarted,
            "running: {}; {job:?}",
            real.running
        );
    }

    /// The container's firewall is that of a site whose ports are open.
    fn assert_open(&self, record: &ContainerRecord) {
        let firewall = self.app.sim.handle().firewall(record.vmid);
        assert!(record.filters.are_set(), "{record:?}");
        assert_eq!(firewall.options["policy_in"], "ACCEPT");
        assert_eq!(firewall.rules.len(), 2, "{firewall:?}");
    }

    async fn assert_messages(&self, job: &JobView) {
        let mut sentences: Vec<&str> = job.leftovers.iter().map(String::as_str).collect();
        match job.row.state {
            JobState::Failed => sentences.push(job.row.error.as_deref().expect("an error message")),
            JobState::Done => assert!(
                job.row.error.is_none() && job.leftovers.is_empty(),
                "{job:?}"
            ),
            _ => {}
        }
        for sentence in sentences {
            assert!(
                is_plain_sentence(sentence),
                "not a plain sentence: {sentence:?}"
            );
        }
        let lines = jobs::get_log(&self.app.control, &Actor::System, job.row.id, 0).await;
        let output = format!("{job:?} {lines:?}");
        assert!(
            !output.contains(TEST_SECRET),
            "the secret is in the job or its log"
        );
    }

    /// Returns whether a finished job reported this VMID as left behind.
    fn reports_leftover(&self, vmid: u32) -> bool {
        let name = format!("CT {vmid} ");
        self.may_leave_container() && self.leftovers.iter().any(|left| left.contains(&name))
    }

    fn may_leave_container(&self) -> bool {
        self.kind.creates() && is_allowed(JobKind::Create, Discrepancy::ContainerWithoutRecord)
    }

    /// Containers on the cluster, without those that existed before the test.
    pub fn managed_containers<'a>(
        &self,
        actual: &'a ActualState,
    ) -> impl Iterator<Item = &'a ContainerView> {
        let unmanaged: Vec<u32> = self
            .unmanaged
            .iter()
            .map(|unmanaged| unmanaged.vmid)
            .collect();
        actual
            .real
            .iter()
            .filter(move |real| !unmanaged.contains(&real.vmid))
    }
}

fn is_allowed(kind: JobKind, how: Discrepancy) -> bool {
    ALLOWED_DISCREPANCIES
        .iter()
        .any(|(of, differs, _)| *of == kind && *differs == how)
}

/// Returns whether the container may be missing because the failed job reported that.
fn is_reported_loss(job: &JobView) -> bool {
    job.row.state == JobState::Failed
        && !job.leftovers.is_empty()
        && is_allowed(job.row.kind, Discrepancy::RecordWithoutContainer)
}

fn is_same_container(record: &ContainerRecord, real: &ContainerView) -> bool {
    record.vmid == real.vmid && has_mac(record, real)
}

fn has_mac(record: &ContainerRecord, real: &ContainerView) -> bool {
    let mac = record.mac.to_string();
    real.options
        .get("net0")
        .is_some_and(|net| net.contains(&mac))
}

/// The container that a volume such as `local-lvm:vm-100-disk-0` belongs to.
fn owner(volume: &str) -> Option<u32> {
    let (_, name) = volume.split_once(":vm-")?;
    name.split('-').next()?.parse().ok()
}

/// Returns whether this is a single sentence for users, without debug notation.
fn is_plain_sentence(sentence: &str) -> bool {
    let notation = ["\n", "::", "{", "}", "Some(", "None", "Error", "UPID", "  "];
    sentence.ends_with('.')
        && !sentence.ends_with("..")
        && !notation.iter().any(|notation| sentence.contains(notation))
}
