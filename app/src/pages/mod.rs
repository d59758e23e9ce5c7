//! One module per page. A page is a function without arguments that gives its view; what it needs
//! it takes from the address.

pub mod containers;
pub mod not_found;
pub mod sign_in;
