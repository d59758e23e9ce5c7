//! What is written, without the programs that read it: the files of a site as a whole, and that
//! nothing which a type lets through is read as anything else.

#![cfg(test)]

mod arbitrary;
mod example;
mod files;
mod hosts;
mod properties;
mod reader;
mod services;
