//! Error messages of creation.

use crate::support::api;

/// Parameter, value and expected error.
const PARAMETERS: &[(&str, &str, &str)] = &[
    (
        "vmid",
        "99",
        "invalid format - value does not look like a valid VM ID\n",
    ),
    (
        "vmid",
        "200.5",
        "type check ('integer') failed - got '200.5'",
    ),
    (
        "hostname",
        "a b",
        "invalid format - value does not look like a valid DNS name\n",
    ),
    (
        "hostname",
        "",
        "invalid format - value does not look like a valid DNS name\n",
    ),
    ("memory", "abc", "type check ('integer') failed - got 'abc'"),
    ("memory", "-1", "value must have a minimum value of 16"),
    ("cores", "9000", "value must have a maximum value of 8192"),
    ("cpulimit", "x", "type check ('number') failed - got 'x'"),
    (
        "onboot",
        "true",
        "type check ('boolean') failed - got 'true'",
    ),
    (
        "password",
        "abcd",
        "value must be at least 5 characters long",
    ),
    (
        "nameserver",
        "host",
        "invalid format - value does not look like a valid IP address\n",
    ),
    (
        "startup",
        "",
        "invalid format - unable to parse startup options\n",
    ),
    ("timezone", "", "invalid format - invalid time zone ''\n"),
    (
        "arch",
        "x86",
        "value 'x86' does not have a value in the enumeration \
             'amd64, i386, arm64, armhf, riscv32, riscv64'",
    ),
    ("env", "A", "value does not match the regex pattern"),
    ("env", "A=b\nC=d", "value does not match the regex pattern"),
    ("env", "A-B=c", "value does not match the regex pattern"),
    ("env", "A=b\0", "value does not match the regex pattern"),
    ("entrypoint", "", "value does not match the regex pattern"),
    (
        "pool",
        "a b",
        "invalid format - pool name 'a b' contains invalid characters\n",
    ),
    (
        "mp999",
        "local:1,mp=/x",
        "property is not defined in schema and the schema does not allow additional properties",
    ),
    (
        "node",
        "pve2",
        "duplicate parameter (already defined in URI) with conflicting values!",
    ),
];

/// Parameter, property string and expected error of one of its properties.
const PROPERTY_STRINGS: &[(&str, &str, &str)] = &[
    (
        "net0",
        "bridge=vmbr0",
        "name: property is missing and it is not optional",
    ),
    (
        "net0",
        "name=eth0,ip=1.2.3.4",
        "ip: invalid format - value does not look like a valid ipv4 network configuration\n",
    ),
    (
        "net0",
        "name=eth0,tag=4095",
        "tag: value must have a maximum value of 4094",
    ),
    (
        "net0",
        "name=eth0,firewall=2",
        "firewall: type check ('boolean') failed - got '2'",
    ),
    (
        "net0",
        "name=eth0;bridge=x",
        "name: value does not match the regex pattern",
    ),
    (
        "net0",
        "name=eth0,type=phys",
        "type: value 'phys' does not have a value in the enumeration 'veth'",
    ),
    (
        "rootfs",
        "local-lvm:8,size=abc",
        "size: invalid format - value does not look like a valid disk size: abc\n",
    ),
    (
        "mp0",
        "local-lvm:1,mp=/a/../b",
        "mp: invalid format - /a/../b contains illegal character sequences\n",
    ),
    (
        "rootfs",
        "local-lvm:8,mp=/x",
        "mp: property is not defined in schema and the schema does not allow additional \
             properties",
    ),
];

#[tokio::test]
async fn invalid_parameters_are_rejected_with_messages_of_real_api() {
    let api = api().await;
    for (name, value, problem) in PARAMETERS {
        let reply = api.create(200, &[(name, value)]).await;
        assert_eq!(reply.problem(name), *problem, "{name}={value:?}");
    }
    let unique = api.create(200, &[("unique", "1")]).await;
    assert_eq!(
        unique.problem("restore"),
        "missing property required by 'unique'"
    );
    assert_eq!(api.sim.handle().containers(), []);
}

#[tokio::test]
async fn invalid_property_strings_are_rejected_with_property_error() {
    let api = api().await;
    for (name, value, inner) in PROPERTY_STRINGS {
        let reply = api.create(200, &[(name, value)]).await;
        let problem = format!("invalid format - format error\n{name}.{inner}\n");
        assert_eq!(reply.problem(name), problem, "{name}={value}");
    }
    let twice = api.create(200, &[("net0", "name=eth0,tag=1,tag=2")]).await;
    let problem = "invalid format - duplicate key in comma-separated list property: tag\n";
    assert_eq!(twice.problem("net0"), problem);
}

#[tokio::test]
async fn handler_rejects_same_values_as_real_node_before_task() {
    let api = api().await;
    let only_root = "Only root can pass arbitrary filesystem paths. \
                     at /usr/share/perl5/PVE/Storage.pm line 651.";
    let cases = [
        ("rootfs", "nostore:8", "storage 'nostore' does not exist"),
        ("rootfs", "8", only_root),
        ("rootfs", "local-lvm", only_root),
        (
            "rootfs",
            "local:-1",
            "unable to parse directory volume name '-1'",
        ),
        (
            "ostemplate",
            "nostore:vztmpl/x.tar.gz",
            "storage 'nostore' does not exist",
        ),
        ("ostemplate", "debian-12", only_root),
        (
            "ostemplate",
            "local:iso/x.iso",
            "unable to use volume local:iso/x.iso - content type needs to be 'vztmpl'",
        ),
        (
            "ostemplate",
            "local:vztmpl/x.zip",
            "unable to parse directory volume name 'vztmpl/x.zip'",
        ),
        ("ostemplate", "-", "pipe requires cli environment"),
        (
            "ssh-public-keys",
            "# comment",
            "SSH public key validation error",
        ),
    ];
    for (name, value, message) in cases {
        let reply = api.create(200, &[(name, value)]).await;
        assert_eq!(reply.failure(), message, "{name}={value}");
    }
    let wrong_storage = api.create(200, &[("rootfs", "local:8")]).await;
    let problem = "storage 'local' does not support container directories";
    assert_eq!(wrong_storage.problem("storage"), problem);
    assert_eq!(api.sim.handle().containers(), []);
}

#[tokio::test]
async fn token_of_root_lacks_root_only_options() {
    let api = api().await;
    let cases = [
        (
            "features",
            "nesting=1,keyctl=1",
            "changing feature flags (except nesting) is only allowed for root@pam",
        ),
        (
            "mp0",
            "/host,mp=/data",
            "mount point type bind is only allowed for root@pam",
        ),
        (
            "mp0",
            "/dev/sda,mp=/data",
            "mount point type device is only allowed for root@pam",
        ),
        (
            "dev0",
            "/dev/fuse",
            "configuring device passthrough is only allowed for root@pam",
        ),
        ("pool", "nopool", "pool 'nopool' does not exist"),
    ];
    for (name, value, reason) in cases {
        let reply = api.create(200, &[(name, value)]).await;
        assert_eq!(reply.status, 403, "{reply:?}");
        assert_eq!(reply.reason, format!("Permission check failed ({reason})"));
    }
    api.created(200, &[("features", "nesting=yes")]).await;
    assert_eq!(api.config(200).await["features"], "nesting=1");
}
