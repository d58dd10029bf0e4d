//! The services behind the door, in this process or elsewhere.
