//! A typed client of the Proxmox VE API.
