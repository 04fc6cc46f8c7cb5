//! The body reader: hostile bodies, random documents, patterns. Does not judge scopes.

mod cases;
mod documents;
mod patterns;
mod readings;
mod references;
mod stream_options;
mod syntax;
