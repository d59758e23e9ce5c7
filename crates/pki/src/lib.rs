//! Certificates read and checked, and authorities that give them by ACME (RFC 8555).
//!
//! It knows what stands in a certificate, what a browser asks of one, and how an authority is spoken
//! to. It decides nothing: which names get a certificate, when one is renewed and what is tried again
//! belong to the caller, and so does everything that is kept. It knows no database and no site; the
//! answers to an authority's challenges are put where the caller's [`acme::Solver`] puts them.

pub mod acme;
mod chain;
mod check;
mod key;
mod leaf;
mod text;

pub use check::{Pair, check};
pub use leaf::{Leaf, RenewalId, Unreadable, read};
