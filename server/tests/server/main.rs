//! The server from outside: its router called in this process on a database of its own, and the
//! real program started in an empty folder.

mod assets;
mod config;
mod csrf;
mod events;
mod headers;
mod health;
mod process;
mod sign_in;
mod support;
mod survival;
