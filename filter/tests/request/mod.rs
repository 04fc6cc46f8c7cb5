//! The request's headers: how they are read, the one credential in them, and how it is taken out.

mod credential;
mod headers;
mod removal;
