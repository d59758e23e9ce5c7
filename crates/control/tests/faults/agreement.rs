//! What must hold after a job has ended, whatever went wrong: cluster and database say the same,
//! and where they cannot, the job said so in plain words.

use control::{Actor, jobs};
use model::jobs::{JobKind, JobState, JobView, StepState};
use proxmox_sim::{ContainerView, TEST_SECRET};
use store::containers::ContainerRecord;

use crate::kinds::Stage;

/// Where cluster and database cannot agree by nature: the kind of job, what may be so, and why. The
/// first two only after a failure that said what is left.
const BY_NATURE: [(JobKind, Differs, &str); 3] = [
    (
        JobKind::Delete,
        Differs::BooksWithoutContainer,
        "The container is gone, but the cluster stopped answering before that could be seen. \
         Giving back its address on a guess could give it to two.",
    ),
    (
        JobKind::Create,
        Differs::ContainerWithoutBooks,
        "The cluster stopped answering, or a restart of the node left a lock that only root may \
         take away, so that what was made cannot be taken back.",
    ),
    (
        JobKind::Stop,
        Differs::RunsAgain,
        "A node that lost power starts all its containers, also one that was stopped just before \
         and whose job only had to read that it was.",
    ),
];

/// How cluster and database differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Differs {
    BooksWithoutContainer,
    ContainerWithoutBooks,
    RunsAgain,
}

/// Cluster and database at a moment.
pub struct Found {
    pub record: Option<ContainerRecord>,
    pub real: Vec<ContainerView>,
}

impl Stage {
    /// Asserts all that holds after any end of a job.
    pub async fn assert_agreement(&mut self, job: &JobView) {
        self.assert_words(job).await;
        self.left.extend(job.left.iter().cloned());
        let found = self.found().await;
        for theirs in &self.theirs {
            let now = self.house.sim.handle().container(theirs.vmid);
            assert_eq!(now.as_ref(), Some(theirs), "somebody else's container");
        }
        Self::assert_books(job, &found);
        self.assert_nothing_else(job, &found);
        if job.row.state == JobState::Done {
            self.assert_done(job, &found);
        }
    }

    /// What the database calls made is there.
    fn assert_books(job: &JobView, found: &Found) {
        let Some(record) = found.record.as_ref().filter(|r| r.provisioned.is_some()) else {
            return;
        };
        let there = found.real.iter().any(|real| is(record, real));
        assert!(
            there || may_be_gone(job),
            "CT {} is in the books and not on the cluster: {job:?}",
            record.vmid
        );
    }

    /// What is there is in the database, or was named as left behind.
    fn assert_nothing_else(&self, job: &JobView, found: &Found) {
        let ours = found
            .record
            .as_ref()
            .filter(|record| record.provisioned.is_some());
        let strays = self
            .real_of_ours(found)
            .filter(|real| !ours.is_some_and(|record| is(record, real)));
        for stray in strays {
            assert!(
                self.names(stray.vmid),
                "nobody knows of {stray:?} after {job:?}; in the books: {:?}",
                found.record
            );
        }
        if let Some(record) = &found.record {
            let same_mac = found.real.iter().filter(|real| has_mac(record, real));
            assert!(
                same_mac.count() <= 1,
                "one hardware address twice: {:?}",
                found.real
            );
        }
        for node in ["pve1", "pve2"] {
            for volume in self.house.sim.handle().volumes(node) {
                let Some(vmid) = owner(&volume) else { continue };
                let known = found.real.iter().any(|real| real.vmid == vmid);
                assert!(known || self.names(vmid), "{volume} is left on {node}");
            }
        }
    }

    /// A job that is done did all that it is for.
    fn assert_done(&self, job: &JobView, found: &Found) {
        let finished = |state| matches!(state, StepState::Done | StepState::Skipped);
        assert!(job.steps.iter().all(|step| finished(step.state)), "{job:?}");
        if job.row.kind == JobKind::Delete {
            assert!(found.record.is_none(), "deleted, but in the books");
            return;
        }
        let record = found.record.as_ref().expect("it is in the books");
        assert!(record.provisioned.is_some(), "done, but not made: {job:?}");
        let real = found
            .real
            .iter()
            .find(|real| is(record, real))
            .expect("it is there");
        assert_eq!(real.lock, None, "nothing holds it");
        let as_should = Some(real.running) == self.kind.runs();
        let again = self.restarted && excused(job.row.kind, Differs::RunsAgain);
        assert!(as_should || again, "it runs: {}; {job:?}", real.running);
    }

    async fn assert_words(&self, job: &JobView) {
        let mut sentences: Vec<&str> = job.left.iter().map(String::as_str).collect();
        match job.row.state {
            JobState::Failed => sentences.push(job.row.error.as_deref().expect("why it failed")),
            JobState::Done => assert!(job.row.error.is_none() && job.left.is_empty(), "{job:?}"),
            _ => {}
        }
        for sentence in sentences {
            assert!(is_plain(sentence), "not a plain sentence: {sentence:?}");
        }
        let lines = jobs::log(&self.house.control, &Actor::System, job.row.id, 0).await;
        let told = format!("{job:?} {lines:?}");
        assert!(!told.contains(TEST_SECRET), "the secret is told");
    }

    /// Whether what ended jobs said names this number.
    fn names(&self, vmid: u32) -> bool {
        let name = format!("CT {vmid} ");
        self.may_leave() && self.left.iter().any(|left| left.contains(&name))
    }

    fn may_leave(&self) -> bool {
        self.kind.creates() && excused(JobKind::Create, Differs::ContainerWithoutBooks)
    }

    /// Everything on the cluster but what was there before us.
    pub fn real_of_ours<'a>(&self, found: &'a Found) -> impl Iterator<Item = &'a ContainerView> {
        let theirs: Vec<u32> = self.theirs.iter().map(|theirs| theirs.vmid).collect();
        found
            .real
            .iter()
            .filter(move |real| !theirs.contains(&real.vmid))
    }
}

fn excused(kind: JobKind, how: Differs) -> bool {
    BY_NATURE
        .iter()
        .any(|(of, differs, _)| *of == kind && *differs == how)
}

/// Whether what is in the books may be gone, and the job said so.
fn may_be_gone(job: &JobView) -> bool {
    job.row.state == JobState::Failed
        && !job.left.is_empty()
        && excused(job.row.kind, Differs::BooksWithoutContainer)
}

fn is(record: &ContainerRecord, real: &ContainerView) -> bool {
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

/// One line in words for people, with an end and without the machine's own notation.
fn is_plain(sentence: &str) -> bool {
    let notation = ["\n", "::", "{", "}", "Some(", "None", "Error", "UPID", "  "];
    sentence.ends_with('.')
        && !sentence.ends_with("..")
        && !notation.iter().any(|notation| sentence.contains(notation))
}
