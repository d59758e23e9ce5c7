//! The named formats of Proxmox that the simulated routes use, with its error messages.

pub(super) type Check = Result<(), String>;

/// Returns `problem` as an error unless `fits`.
pub(super) fn check(valid: bool, problem: &str) -> Check {
    if valid {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

/// The items of a list, separated by commas, semicolons, white space or NUL. Empty items are
/// skipped.
pub(crate) fn split_list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|c: char| matches!(c, ',' | ';' | '\0') || c.is_whitespace())
        .filter(|part| !part.is_empty())
}

/// A VMID: 100 to 999999999, without leading zero or sign.
pub(crate) fn vmid(value: &str) -> Check {
    let name = (3..=9).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    check(
        name && !value.starts_with('0'),
        "value does not look like a valid VM ID",
    )
}

fn is_label(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

/// A node name.
pub(crate) fn node(value: &str) -> Check {
    check(
        is_label(value),
        "value does not look like a valid node name",
    )
}

/// A DNS name: labels separated by dots.
pub(crate) fn dns_name(value: &str) -> Check {
    check(
        value.split('.').all(is_label),
        "value does not look like a valid DNS name",
    )
}

/// A letter, followed by letters, digits and the characters in `others`.
pub(super) fn is_identifier(value: &str, others: &str) -> bool {
    let mut chars = value.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        && value.len() >= 2
}

/// A storage ID.
pub(crate) fn storage(value: &str) -> Check {
    let valid =
        is_identifier(value, "-_.") && value.ends_with(|last: char| last.is_ascii_alphanumeric());
    if valid {
        Ok(())
    } else {
        Err(format!("storage ID '{value}' contains illegal characters"))
    }
}

/// A storage, or a mapping of a source to a target storage.
pub(crate) fn storage_pair(value: &str) -> Check {
    match value.split_once(':') {
        Some((from, to)) => storage(from).and_then(|()| storage(to)),
        None if value == "1" => Ok(()),
        None => storage(value),
    }
}

/// The name of an option or snapshot.
pub(crate) fn config_id(value: &str) -> Check {
    let valid = is_identifier(value, "_-");
    if valid {
        Ok(())
    } else {
        Err(format!("invalid configuration ID '{value}'"))
    }
}

/// A volume ID: storage and volume, separated by a colon.
pub(crate) fn volume_id(value: &str) -> Check {
    let valid = value
        .split_once(':')
        .is_some_and(|(id, volume)| storage(id).is_ok() && !volume.is_empty());
    if valid {
        Ok(())
    } else {
        Err(format!("unable to parse volume ID '{value}'"))
    }
}

/// An absolute path on a node.
pub(crate) fn storage_path(value: &str) -> Check {
    let valid = value.starts_with('/')
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-/_.@".contains(c));
    check(valid, "value does not look like a valid absolute path")
}

/// A block size with an optional unit.
pub(crate) fn block_size(value: &str) -> Check {
    let digits = value.strip_suffix(['k', 'K', 'm', 'M']).unwrap_or(value);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    check(valid, "value does not look like a valid block size")
}

/// A content type and its directory.
pub(crate) fn dir_override(value: &str) -> Check {
    let valid = value.split_once('=').is_some_and(|(kind, folder)| {
        content(kind).is_ok() && !folder.is_empty() && !folder.contains("..")
    });
    if valid {
        Ok(())
    } else {
        Err(format!("invalid override '{value}'"))
    }
}

/// Mount options of a network share.
pub(crate) fn mount_options(value: &str) -> Check {
    let known = |c: char| !c.is_whitespace() && c != ';';
    check(
        !value.is_empty() && value.chars().all(known),
        "invalid mount options",
    )
}

/// A hostname or IP address.
pub(crate) fn address(value: &str) -> Check {
    let valid = dns_name(value).is_ok() || value.parse::<std::net::IpAddr>().is_ok();
    check(valid, "value does not look like a valid address")
}

/// A server as hostname or IP address.
pub(crate) fn server(value: &str) -> Check {
    let valid = dns_name(value).is_ok() || value.parse::<std::net::IpAddr>().is_ok();
    check(
        valid,
        "value does not look like a valid server name or IP address",
    )
}

/// The name of an LVM volume group or thin pool.
pub(crate) fn vgname(value: &str) -> Check {
    let mut chars = value.chars();
    let valid = chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if valid {
        Ok(())
    } else {
        Err(format!("lvm name '{value}' contains illegal characters"))
    }
}

/// A size with an optional unit.
pub(crate) fn disk_size(value: &str) -> Check {
    let number = value.strip_suffix("iB").unwrap_or(value);
    let number = number.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        Ok(())
    } else {
        Err(format!(
            "value does not look like a valid disk size: {value}"
        ))
    }
}

/// The start order of a container.
pub(crate) fn startup(value: &str) -> Check {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |part: &str| match part.split_once('=') {
        Some(("order" | "up" | "down", value)) => number(value),
        Some(_) => false,
        None => number(part),
    };
    check(
        value.split(',').all(part),
        "unable to parse startup options",
    )
}

/// A tag of a container.
pub(crate) fn tag(value: &str) -> Check {
    let mut chars = value.chars();
    let valid = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-+.".contains(c));
    if valid {
        Ok(())
    } else {
        Err(format!("invalid characters in tag '{value}'"))
    }
}

/// A time zone. Only the format is checked, not whether the zone exists.
pub(crate) fn timezone(value: &str) -> Check {
    let zone = value.split_once('/').is_some_and(|(area, location)| {
        area.starts_with(|c: char| c.is_ascii_uppercase())
            && location.starts_with(|c: char| c.is_ascii_uppercase())
            && location
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-/+".contains(c))
    });
    let valid = matches!(value, "host" | "UTC") || zone;
    if valid {
        Ok(())
    } else {
        Err(format!("invalid time zone '{value}'"))
    }
}

/// A volume or a path without dot segments.
pub(crate) fn mount_path(value: &str) -> Check {
    let has_dot_segments = value.contains("/./")
        || value.contains("/../")
        || value.starts_with("../")
        || value.ends_with("/.")
        || value.ends_with("/..");
    if has_dot_segments {
        Err(format!("{value} contains illegal character sequences"))
    } else {
        Ok(())
    }
}

/// A device path of the host.
pub(crate) fn device(value: &str) -> Check {
    if value.starts_with("/dev/") && mount_path(value).is_ok() {
        Ok(())
    } else {
        Err(format!("{value} is not a valid device path"))
    }
}

/// A pool ID of up to three levels.
pub(crate) fn pool(value: &str) -> Check {
    let level = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    };
    if value.split('/').count() <= 3 && value.split('/').all(level) {
        Ok(())
    } else {
        Err(format!("pool name '{value}' contains invalid characters"))
    }
}

/// A content type of a storage.
pub(crate) fn content(value: &str) -> Check {
    const KINDS: [&str; 8] = [
        "rootdir", "images", "vztmpl", "iso", "backup", "snippets", "import", "none",
    ];
    if KINDS.contains(&value) {
        Ok(())
    } else {
        Err(format!("invalid content type '{value}'"))
    }
}

/// A filter for the status of tasks.
pub(crate) fn task_status(value: &str) -> Check {
    let known = matches!(
        value.to_ascii_lowercase().as_str(),
        "ok" | "error" | "warning" | "unknown"
    );
    if known {
        Ok(())
    } else {
        Err(format!("invalid status '{value}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::{ipv4_config, ipv6_config, mac, nameserver};
    use super::*;

    #[test]
    fn formats_accept_and_reject_same_values_as_real_node() {
        type Case<'a> = (fn(&str) -> Check, &'a [&'a str], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (
                vmid,
                &["100", "999999999"],
                &["99", "0100", "1000000000", "+200", ""],
            ),
            (
                dns_name,
                &["a.b.c", "UPPER", "1num"],
                &["a b", "-lead", "trail-", "", "a..b", "a_b"],
            ),
            (
                mac,
                &["BC:24:11:00:00:01"],
                &["bc2411000001", "01:00:00:00:00:00", "BC:24:11:00:00"],
            ),
            (
                ipv4_config,
                &["dhcp", "1.2.3.4/24"],
                &["1.2.3.4", "1.2.3.4/33", "1.2.3.4/7", "auto"],
            ),
            (ipv6_config, &["auto", "fd00::1/64"], &["fd00::1"]),
            (
                nameserver,
                &["1.1.1.1", "fe80::1%eth0"],
                &["example.com", "host", "1.1.1.1%eth0"],
            ),
            (
                startup,
                &["1", "order=1,up=5,down=5"],
                &["", "x=1", "order="],
            ),
            (disk_size, &["8G", "0.5T", "4"], &["abc", "8X", "G", "1."]),
            (mount_path, &["/data", "data", "/"], &["/a/../b", "../x"]),
            (storage, &["local-lvm", "ab"], &["a", "1a", "a-"]),
        ];
        for (format, good, bad) in cases {
            for value in *good {
                assert_eq!(format(value), Ok(()), "{value:?} is valid");
            }
            for value in *bad {
                assert!(format(value).is_err(), "{value:?} is invalid");
            }
        }
    }
}
