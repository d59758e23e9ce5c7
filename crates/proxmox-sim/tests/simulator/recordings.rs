//! Compares the simulator with recordings of a real node's API, in their original order.
//!
//! The recordings are not part of this project. They are read from the directory in
//! `HOLDFAST_PVE_REFERENCE`, or from a directory beside the project. If they are missing, the test
//! reports that nothing was checked.

use std::ops::RangeInclusive;

use test_servers::report;

use crate::replay::{Replay, Row};

/// Minimum number of compared rows, so that truncated recordings fail the test.
const LEAST: u32 = 821;

/// Rows that are skipped, with the reason: requests that a control plane for containers does not
/// need, and features that the recorded machine lacked.
const LEFT_OUT: &[(RangeInclusive<u64>, &str)] = &[
    (
        93..=93,
        "the HTTP client of the test cannot send a chunked body without a stream",
    ),
    (104..=104, "pve2 had no node"),
    (3074..=3074, "SPICE consoles are for virtual machines"),
    (
        3113..=3113,
        "a rootfs without a volume prevented the destruction of the recorded container",
    ),
    (4021..=4021, "apparmor on the recorded machine"),
    (
        4100..=4100,
        "the recorded machine had no access to a registry",
    ),
    (4194..=4194, "virtual machines are not simulated"),
    (4195..=4195, "node certificates are not simulated"),
    (4196..=4196, "node capabilities for virtual machines"),
    (4212..=4212, "metrics are read per container and node"),
    (4214..=4214, "notifications are not simulated"),
    (4215..=4217, "the node's own logs and report"),
    (4218..=4219, "the node's packages"),
    (4220..=4220, "the node's disks"),
    (4221..=4221, "shutdown of nodes is not simulated"),
    (6002..=6006, "pve2 had no node"),
];

#[tokio::test]
async fn simulator_responds_like_recorded_node() {
    let Some(rows) = crate::replay::recordings() else {
        return;
    };
    let left_out = |row: &Row| {
        let mut ranges = LEFT_OUT.iter();
        ranges.any(|(range, _)| range.contains(&row.n))
    };
    let mut replay = Replay::new().await;
    let (mut agreed, mut compared, mut skipped) = (0_u32, 0_u32, 0_u32);
    for row in &rows {
        replay.begin_block(row.n).await;
        if row.n == 1301 {
            replay.forget_grants().await;
        }
        if left_out(row) {
            skipped += 1;
            continue;
        }
        compared += 1;
        match replay.differs(row).await {
            None => agreed += 1,
            Some(why) => println!(
                "differs n={} {} {} {}: {why}",
                row.n, row.cat, row.method, row.path
            ),
        }
    }
    report(&format!(
        "recordings: {agreed} of {compared} agree; {skipped} of {} are left out",
        rows.len()
    ));
    assert!(compared >= LEAST, "too few rows were compared");
    assert_eq!(agreed, compared, "all compared rows must agree");
}
