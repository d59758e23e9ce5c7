//! Private mounts for the files that a host writes. The files of the machine are never changed.

use anyhow::Context as _;

use crate::program;

/// Mounts an empty /run, a writable copy of /etc, and tmpfs for state and logs.
const MOUNT_SCRIPT: &str = r#"set -e
mount -t tmpfs run /run
mkdir /run/etc
for name in "$@"; do
  if [ -e "/etc/$name" ]; then cp -a "/etc/$name" /run/etc/; fi
done
mount --bind /run/etc /etc
: >/etc/fstab
: >/etc/resolv.conf
mount -t tmpfs lib /var/lib
mount -t tmpfs log /var/log
mkdir -p /var/lib/dhcp /var/lib/nginx /var/log/nginx
ip link set lo up
"#;

/// The entries of /etc that programs of a host read.
const ETC: [&str; 14] = [
    "alternatives",
    "dhcp",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nginx",
    "nsswitch.conf",
    "passwd",
    "protocols",
    "services",
    "shells",
    "ssl",
];

/// Mounts private directories in the current mount namespace and writes `/etc/hosts`.
///
/// # Errors
/// If mounting is not permitted.
pub async fn isolate() -> anyhow::Result<()> {
    let mut line = vec!["sh", "-c", MOUNT_SCRIPT, "mount"];
    line.extend(ETC);
    program::run(&line).await?;
    let hosts = format!(
        "127.0.0.1 localhost\n{} {}\n",
        crate::addresses::LAB,
        crate::addresses::MANAGER
    );
    tokio::fs::write("/etc/hosts", hosts)
        .await
        .context("/etc/hosts")
}
