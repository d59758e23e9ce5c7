//! The words of the domain: values, views and their parsers, for server and browser alike.
