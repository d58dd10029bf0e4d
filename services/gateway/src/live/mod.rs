//! What happens, as it happens, to those who may know.
