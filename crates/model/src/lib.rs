//! Domain types: validated values, views for pages, and form parsers. No I/O.
//! Compiles to WebAssembly, so that browser and server validate forms with the same code and
//! messages.

pub mod account;
pub mod authorities;
pub mod backoff;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod date;
pub mod dhcp_leases;
pub mod domains;
pub mod env;
pub mod error;
pub mod events;
pub mod filters;
pub mod fingerprint;
pub mod hosts;
pub mod ids;
pub mod image;
pub mod invitations;
pub mod jobs;
pub mod names;
pub mod net;
pub mod nodes;
pub mod origin;
pub mod page;
pub mod permissions;
pub mod providers;
pub mod publish;
pub mod registries;
pub mod services;
pub mod session;
pub mod sites;
pub mod sizes;
pub mod text;
pub mod time;
pub mod users;

pub use date::Date;
pub use error::{Error, FieldError, Fields, Invalid, Kind};
pub use ids::{
    AuthorityId, CertificateId, ClusterId, ContainerId, DomainId, HostId, InvitationId, JobId,
    ProviderId, ServiceId, SiteId, UserId,
};
pub use time::Timestamp;
