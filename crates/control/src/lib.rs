//! The use cases: what an actor may do, what happens then, and as which job.
