//! The simulator held to recordings of a real node's API, in the order in which they were made.
//!
//! The recordings are not part of this project. They are looked for in the folder that
//! `HOLDFAST_PVE_REFERENCE` names, else beside the project; where they are missing, nothing is
//! checked and the test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets what it does not expect has failed"
)]

mod replay;
#[allow(unused)]
mod support;

use replay::{Replay, Row};

/// Calls that are not simulated yet. A row of one of these is left out and counted.
const NOT_YET: &[&str] = &[
    r"^(POST|PUT|DELETE) /api2/json/storage",
    r"^GET /api2/json/storage",
    r"/vzdump",
    r"/(termproxy|vncproxy|vncwebsocket|vncticket|spiceproxy)",
    r"/rrd",
    r"/aplinfo",
    r"/download-url",
    r"/status/(suspend|resume)",
    r"^(POST|PUT|DELETE) /api2/json/nodes/[^/]+/network",
    r"/network/",
    r"^GET /api2/json/cluster/(log|tasks|backup|replication|ha|options|config|sdn|acme|jobs)",
    r"^(GET|PUT|POST) /api2/json/cluster$",
    r"/nodes/[^/]+$",
    r"/lxc/[^/]+$ GET",
    r"^GET /api2/json/nodes/[^/]+/lxc/[^/]+(/status)?$",
    r"/extjs/",
    r"/nodes/[^/]+/(dns|time|syslog|journal|services|apt|disks|certificates|subscription|report|netstat|execute|version|hosts|capabilities|hardware|ceph|scan|vzdump|wakeonlan|startall|stopall|suspendall|migrateall|replication|sdn|config)",
    r"/content/.*GET",
    r"^GET .*/content/.",
    r"^POST .*/content",
    r"^PUT .*/content",
    r"/identity|/prunebackups|/upload|/file-restore",
    r"/remote_migrate|/mtunnel",
    r"/firewall",
    r"/qemu",
    r"/query-url-metadata",
    r"/cluster/(metrics|notifications)",
    r"^POST /api2/json/nodes/[^/]+/status$",
    r"^GET /api2/json/nodes/[^/]+/storage/[^/]+$",
];

/// Rows that a replay cannot make, each with its reason.
const NOT_POSSIBLE: &[(u64, &str)] = &[
    (
        93,
        "the HTTP client of the test sends no chunked body without a stream",
    ),
    (104, "pve2 was a name without a node behind it"),
    (
        3113,
        "a rootfs without a volume kept the recorded container from being destroyed",
    ),
    (4021, "apparmor on the recorded machine"),
    (6002, "pve2 was a name without a node behind it"),
    (6003, "pve2 was a name without a node behind it"),
    (6004, "pve2 was a name without a node behind it"),
    (6005, "pve2 was a name without a node behind it"),
    (6006, "pve2 was a name without a node behind it"),
    (
        4100,
        "no registry could be reached from the recorded machine",
    ),
];

/// The share that must agree.
const SHARE: f64 = 0.98;

#[tokio::test]
async fn the_simulator_answers_as_the_real_node_did() {
    let Some(rows) = replay::recordings() else {
        println!("NOT CHECKED: Proxmox recordings (set HOLDFAST_PVE_REFERENCE)");
        return;
    };
    let left_out = |row: &Row| {
        let call = format!("{} {}", row.method, row.path.split('?').next().unwrap());
        NOT_YET
            .iter()
            .any(|pattern| regex::Regex::new(pattern).unwrap().is_match(&call))
            || NOT_POSSIBLE.iter().any(|(n, _)| *n == row.n)
    };
    let mut replay = Replay::new().await;
    let (mut agreed, mut compared, mut skipped) = (0_u32, 0_u32, 0_u32);
    let mut refusals = Vec::new();
    for row in &rows {
        replay.begin_block(row.n);
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
            Some(why) => {
                if row.is_refusal() {
                    refusals.push(row.n);
                }
                println!(
                    "differs n={} {} {} {}: {why}",
                    row.n, row.cat, row.method, row.path
                );
            }
        }
    }
    let share = f64::from(agreed) / f64::from(compared);
    println!(
        "recordings: {agreed} of {compared} agree ({share:.3}); {skipped} of calls that are not simulated"
    );
    assert!(share >= SHARE, "too few agree");
    assert_eq!(refusals, [0; 0], "what is refused must be refused alike");
}
