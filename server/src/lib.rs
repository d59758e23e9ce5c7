//! The holdfast program: command line, configuration, web server and workers.
