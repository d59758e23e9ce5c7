//! A Proxmox VE API that runs in memory, for tests, demonstrations and development.
