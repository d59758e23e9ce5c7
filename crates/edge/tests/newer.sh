#!/bin/sh
# Runs the `real` tests of edge and agent in a chroot with a newer Debian release (nginx with `http2 on;`
# and HTTP/3, curl with HTTP/3, a newer dnsmasq). The host system is not changed.
# Needs root and deb.debian.org, so `cargo xtask test` does not run it.
#
#   sh crates/edge/tests/newer.sh FOLDER [SUITE]
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
suite=${2:-trixie}
here=$(cd "$(dirname "$0")/../../.." && pwd)
root=$folder/root

if [ ! -x "$root/usr/sbin/nginx" ]; then
    mkdir -p "$folder/state/lists/partial" "$folder/cache/archives/partial" "$root"
    : > "$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" \
        > "$folder/sources.list"
    get() {
        apt-get -q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State="$folder/state" -o Dir::State::status="$folder/status" \
            -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root "$@"
    }
    get update
    get install -y --download-only --no-install-recommends \
        nginx libnginx-mod-stream curl dnsmasq-base base-files base-passwd libc-bin ca-certificates \
        iproute2 util-linux mount bind9-dnsutils isc-dhcp-client procps hostname openssl \
        dash bash coreutils findutils grep sed gawk
    # Packages are unpacked, not installed, so no maintainer scripts run.
    for package in "$folder"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$root"
        rm "$package"
    done
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    mkdir -p "$root/etc/ssl/certs" "$root/var/log/nginx"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi

cd "$here"
rm -f "$folder/failed"
cargo test -p edge -p agent --test real --no-run 2>&1 | tee "$folder/built" | tail -n 1
grep -o '([^ ]*/real-[0-9a-f]*)' "$folder/built" | tr -d '()' | while read -r tests; do
    case $tests in
    /*) ;;
    *) tests=$here/$tests ;;
    esac
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --propagation private sh -c '
        root=$1 here=$2 tests=$3
        # The root must be a mount point, so that tests can create namespaces in it.
        mount --bind "$root" "$root"
        cd "$root"
        for path in dev proc sys; do mount --rbind "/$path" "$root/$path"; done
        for path in "$here" "$(dirname "$tests")/.."; do
            path=$(cd "$path" && pwd)
            mkdir -p "$root$path" && mount --bind "$path" "$root$path"
        done
        chroot "$root" /usr/sbin/nginx -v
        # The root has no compiler, which the clock tests need, and no systemd.
        exec chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin "$tests" --include-ignored --skip clock:: --skip systemd_accepts_units
    ' sh "$root" "$here" "$tests" < /dev/null || touch "$folder/failed"
done
[ ! -e "$folder/failed" ]
