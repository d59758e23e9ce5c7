//! The simulator held to recordings of a real node's API, in the order in which they were made.
//!
//! The recordings are not part of this project. They are looked for in the folder that
//! `HOLDFAST_PVE_REFERENCE` names, else beside the project; where they are missing, nothing is
//! checked and the test says so.

use std::ops::RangeInclusive;

use test_servers::report;

use crate::replay::{Replay, Row};

/// So many rows at the least: recordings that are empty or cut short are not agreed with.
const LEAST: u32 = 817;

/// Rows that are left out, each with its reason: calls of which a control plane of containers has
/// no use, and what the recorded machine was not able to do.
const LEFT_OUT: &[(RangeInclusive<u64>, &str)] = &[
    (
        93..=93,
        "the HTTP client of the test sends no chunked body without a stream",
    ),
    (104..=104, "pve2 was a name without a node behind it"),
    (2017..=2019, "the firewall is not simulated"),
    (3074..=3074, "consoles by SPICE are for virtual machines"),
    (
        3113..=3113,
        "a rootfs without a volume kept the recorded container from being destroyed",
    ),
    (4021..=4021, "apparmor on the recorded machine"),
    (
        4100..=4100,
        "no registry could be reached from the recorded machine",
    ),
    (4194..=4194, "virtual machines are not simulated"),
    (4195..=4195, "there are no certificates to look at"),
    (4196..=4196, "what the node can do for virtual machines"),
    (4211..=4211, "the firewall is not simulated"),
    (4212..=4212, "metrics are read by container and node"),
    (4214..=4214, "notifications are the administrator's"),
    (4215..=4217, "the node's own logs and report"),
    (4218..=4219, "the node's packages"),
    (4220..=4220, "the node's disks"),
    (4221..=4221, "nodes are not switched off by their API here"),
    (6002..=6006, "pve2 was a name without a node behind it"),
];

#[tokio::test]
async fn the_simulator_answers_as_the_real_node_did() {
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
    assert!(compared >= LEAST, "too few rows are compared");
    assert_eq!(agreed, compared, "all that is compared must agree");
}
