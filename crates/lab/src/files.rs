//! A place of its own for what a host writes: the machine's own files are never changed.

use anyhow::Context as _;

use crate::program;

/// /run is empty, /etc a copy, and what programs keep is kept in memory.
const OWN: &str = r#"set -e
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

/// What programs of a host read in /etc.
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

/// Gives this set of namespaces a place of its own.
///
/// # Errors
/// When mounting is not allowed here.
pub async fn own() -> anyhow::Result<()> {
    let mut line = vec!["sh", "-c", OWN, "own"];
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
