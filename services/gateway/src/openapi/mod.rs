//! The contracts as OpenAPI 3.1, and a page to read and try them.
