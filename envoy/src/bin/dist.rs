//! What people deploy, in one folder. What it does is in the library, `dist`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match envoy::dist::make() {
        Ok(folder) => {
            eprintln!("latchkey: the release is in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("latchkey: {error}");
            ExitCode::FAILURE
        }
    }
}
