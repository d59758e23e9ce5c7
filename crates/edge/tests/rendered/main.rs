//! Tests of the rendered text without running nginx and dnsmasq: snapshots of all files, and
//! property tests that no valid value changes the meaning of a file.

#![cfg(test)]

mod arbitrary;
mod example;
mod files;
mod hosts;
mod parts;
mod properties;
mod reader;
