//! Forms: hostile ones, random ones, and those of SDKs.
