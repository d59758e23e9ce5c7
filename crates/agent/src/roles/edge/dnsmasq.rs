//! The dnsmasq of a host.

use std::path::PathBuf;

use edge::Layout;

use crate::core::program::{Program, ServiceManager};

/// The name of dnsmasq's process and systemd unit.
pub const DNSMASQ: &str = "dnsmasq";

/// The dnsmasq of a host. Its PID file is beside nginx's.
pub fn program(layout: &Layout, service_manager: ServiceManager) -> Program {
    let pid_file = PathBuf::from(format!("{}/{DNSMASQ}.pid", layout.run));
    Program::new(DNSMASQ, pid_file, service_manager)
}
