//! The bootstrap as a file. What it does is in the library, `render`.

use std::process::ExitCode;

fn main() -> ExitCode {
    envoy::render::run()
}
