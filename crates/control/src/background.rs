//! The engine of all background work.
//!
//! A [`Reconciler`] reads the desired state and makes it so, in passes that a timer or a wake-up
//! starts. Where several servers share a database, a pass claims each object with a [`Lease`] and
//! works on it only while it holds the lease. What the work is, this module must not know.

mod lease;
mod reconciler;
mod wakeup;

pub(crate) use lease::{Lease, LeaseLost, LeaseObject, Renewal, StoreRenewal, unique_owner};
pub(crate) use reconciler::{NextPass, Reconciler, run};
pub(crate) use wakeup::{WakeSources, Wakeup};
