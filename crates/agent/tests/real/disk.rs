//! Full disks, leftovers of killed processes, locks, and file modes.

use std::{fs, path::Path};

use agent::core::{DiskError, Error, Generations, Outcome, Steps};
use test_servers::host::{inside, run};

use crate::site::{
    address, apply, block_on, host, list_entries, live, open, prepare, service, site, tree,
    tree_files,
};

#[test]
fn full_disk_leaves_live_generation_unchanged() {
    inside(
        "disk::full_disk_leaves_live_generation_unchanged",
        |folder| {
            let (layout, mut site) = (prepare(folder), site());
            let base = folder.join("agent");
            fs::create_dir(&base).unwrap();
            run(&format!(
                "mount -t tmpfs -o mode=755,size=512k agent {}",
                base.display()
            ));
            block_on(async {
                let mut applier = open(&layout).await;
                apply(&mut applier, &site, &layout).await;
                let (files, before) = (live(&layout), list_entries(&layout));
                let good = site.clone();
                site.domains[0].services = (1..500)
                    .map(|id| service(id, &format!("s{id}"), Default::default()))
                    .collect();
                let full = applier.apply(&tree(&site, &layout)).await.unwrap_err();
                assert!(
                    matches!(full, Error::Disk(DiskError::Full { .. })),
                    "{full:?}"
                );
                assert_eq!(live(&layout), files);
                assert_eq!(list_entries(&layout), before, "no candidate is left");
                assert_eq!(
                    applier.apply(&tree(&good, &layout)).await.unwrap(),
                    Outcome::Unchanged
                );

                // With free space, the next change is applied.
                run(&format!("mount -o remount,size=16m {}", base.display()));
                site.hosts.push(host("new", "10.20.0.101"));
                assert_eq!(apply(&mut applier, &site, &layout).await, 2);
                assert_eq!(live(&layout), tree_files(&tree(&site, &layout)));
                assert_eq!(address("new"), "10.20.0.101\n");
            });
        },
    );
}

#[test]
fn inode_exhaustion_is_reported_as_full_disk() {
    inside(
        "disk::inode_exhaustion_is_reported_as_full_disk",
        |folder| {
            let (layout, site) = (prepare(folder), site());
            let base = folder.join("agent");
            fs::create_dir(&base).unwrap();
            run(&format!(
                "mount -t tmpfs -o mode=755,nr_inodes=24 agent {}",
                base.display()
            ));
            block_on(async {
                let full = open(&layout)
                    .await
                    .apply(&tree(&site, &layout))
                    .await
                    .unwrap_err();
                assert!(
                    matches!(full, Error::Disk(DiskError::Full { .. })),
                    "{full:?}"
                );
                let left = fs::read_dir(base.join("generations")).unwrap().count();
                assert_eq!(left, 0);
            });
        },
    );
}

/// Creates two generations, of which the programs have loaded the first.
fn create_two_generations(base: &Path, layout: &edge::Layout) -> Generations {
    let generations = Generations::open(base, Steps::default()).unwrap();
    let mut site = site();
    for is_loaded in [true, false] {
        let candidate = generations.write(&tree(&site, layout)).unwrap();
        generations.install(&candidate).unwrap();
        if is_loaded {
            generations.mark_loaded().unwrap();
        }
        site.hosts.push(host("new", "10.20.0.101"));
    }
    generations
}

#[test]
fn unchanged_files_are_hard_links() {
    inside("disk::unchanged_files_are_hard_links", |folder| {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let layout = crate::site::layout(folder);
        create_two_generations(&folder.join("agent"), &layout);
        let metadata = |number: u8, name: &str| {
            fs::metadata(folder.join(format!("agent/generations/{number}/{name}"))).unwrap()
        };
        for (path, _) in tree(&site(), &layout).files() {
            let is_same = metadata(1, path).ino() == metadata(2, path).ino();
            assert_eq!(is_same, path != "dnsmasq/hosts", "{path}");
            assert_eq!(metadata(2, path).permissions().mode() & 0o7777, 0o644);
        }
        assert_eq!(
            metadata(2, "nginx/pages").permissions().mode() & 0o7777,
            0o755
        );
    });
}

#[test]
fn open_removes_leftovers_of_killed_process() {
    let name = "disk::open_removes_leftovers_of_killed_process";
    inside(name, |folder| {
        let (base, layout) = (folder.join("agent"), crate::site::layout(folder));
        create_two_generations(&base, &layout);
        let before = list_entries(&layout);
        fs::create_dir_all(base.join("generations/3/nginx")).unwrap();
        fs::write(base.join("generations/3/nginx/half"), "").unwrap();
        fs::create_dir(base.join("generations/unknown")).unwrap();
        for name in ["live", "loaded"] {
            std::os::unix::fs::symlink("generations/3", base.join(format!("{name}.next"))).unwrap();
        }
        let generations = Generations::open(&base, Steps::default()).unwrap();
        assert_eq!(list_entries(&layout), before);
        assert_eq!(generations.live().unwrap(), Some(2));
        assert_eq!(generations.roll_back().unwrap(), Some(1));
        assert_eq!(live(&layout), tree_files(&tree(&site(), &layout)));
        assert!(!base.join("generations/2").exists());
    });
}

#[test]
fn old_link_to_loaded_generation_is_renamed() {
    let name = "disk::old_link_to_loaded_generation_is_renamed";
    inside(name, |folder| {
        let (base, layout) = (folder.join("agent"), crate::site::layout(folder));
        drop(create_two_generations(&base, &layout));
        fs::rename(base.join("loaded"), base.join("read")).unwrap();
        let generations = Generations::open(&base, Steps::default()).unwrap();
        assert_eq!(generations.last_loaded().unwrap(), Some(1));
        assert!(fs::symlink_metadata(base.join("read")).is_err());
    });
}

#[test]
fn directory_lock_excludes_second_process() {
    inside("disk::directory_lock_excludes_second_process", |folder| {
        let first = Generations::open(folder, Steps::default()).unwrap();
        let second = Generations::open(folder, Steps::default()).unwrap_err();
        assert!(matches!(second, DiskError::InUse { .. }), "{second:?}");
        drop(first);
        Generations::open(folder, Steps::default()).unwrap();
    });
}

#[test]
fn dangling_live_link_is_ignored() {
    inside("disk::dangling_live_link_is_ignored", |folder| {
        let (base, layout) = (folder.join("agent"), crate::site::layout(folder));
        create_two_generations(&base, &layout);
        fs::remove_dir_all(base.join("generations/2")).unwrap();
        let generations = Generations::open(&base, Steps::default()).unwrap();
        assert_eq!(generations.live().unwrap(), None);
        assert!(fs::symlink_metadata(layout.live.as_str()).is_err());
        assert!(generations.files().unwrap().is_empty());
        let candidate = generations.write(&tree(&site(), &layout)).unwrap();
        generations.install(&candidate).unwrap();
        assert_eq!(live(&layout), tree_files(&tree(&site(), &layout)));
    });
}

#[test]
fn unprivileged_programs_can_read_files() {
    let name = "disk::unprivileged_programs_can_read_files";
    inside(name, |folder| {
        let (layout, mut site) = (prepare(folder), site());
        let base = folder.join("agent");
        run(&format!(
            "umask 077 && mkdir -p {}/generations",
            base.display()
        ));
        block_on(async {
            let mut applier = open(&layout).await;
            apply(&mut applier, &site, &layout).await;
            // dnsmasq rereads its lists as an unprivileged user.
            site.hosts.push(host("new", "10.20.0.101"));
            apply(&mut applier, &site, &layout).await;
            let resolved = || (address("new") == "10.20.0.101\n").then_some(());
            test_servers::host::wait_until("the new host", resolved);
        });
        let modes = run(&format!("stat -c %a {0} {0}/state {0}/tls", base.display()));
        assert_eq!(modes, "755\n755\n700\n");
    });
}
