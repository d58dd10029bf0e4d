//! Tests over the whole program: the binary `linju` on real databases and a real bus, called over gRPC and by its command
//! line. One test program, so that it is linked once.

mod asvs;
mod bad_input;
mod closed_loop;
mod contracts;
mod edge;
mod faults;
mod ground;
mod journey;
mod partners;
mod privacy;
mod program;
