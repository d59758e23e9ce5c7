//! Invitations: the list, the form of a new invitation, and the page on which an invited person
//! creates the account.

pub mod accept;
pub mod list;
pub mod new;
