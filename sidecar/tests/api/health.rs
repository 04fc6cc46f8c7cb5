//! `/healthz` and `/readyz`

use crate::support::{Scratch, Sidecar, call};

#[test]
fn probes_need_no_credential() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = call(&format!("{}{path}", sidecar.admin()), "GET", &[], None);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["status"], status);
    }
}
