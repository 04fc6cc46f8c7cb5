//! Who is there: first start, log-in, log-out, the end of a session, password, second factor.

use std::process::Command;

use envoy::StackOptions;
use serde_json::json;
use tests::browser::Look;
use tests::console::{Console, PASSWORD};

#[test]
fn the_first_start_sets_a_password_and_everybody_logs_in_and_out() {
    let Some(console) = Console::at_the_door(StackOptions::default(), Look::default(), false)
    else {
        return;
    };
    let browser = &console.browser;
    browser.click("I have a setup secret");
    browser.fill("[name=setup_secret]", "lku-wrong");
    browser.fill("[name=new-password]", "short");
    browser.click("Set your password");
    browser.see("12 characters");
    browser.fill("[name=new-password]", PASSWORD);
    browser.click("Set your password");
    browser.see("This secret is wrong");
    browser.fill("[name=setup_secret]", &console.setup_secret());
    browser.click("Set your password");
    browser.see("No keys yet");

    browser.click("Log out");
    console.log_in("operator", "not the password");
    browser.see("The name, the password or the code is wrong.");
    console.log_in("operator", PASSWORD);
    browser.see("No keys yet");
    browser.assert_quiet();
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_form_loses_nothing() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    browser.click_css("#create");
    browser.fill("[name=key-name]", "typed before");
    browser.forget_session();
    browser.click("Create key");
    browser.see("Log in again");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Log in");
    browser.see("Your new key");
    assert_eq!(console.key("typed before")["status"], "enabled");
    browser.assert_quiet();
}

#[test]
fn a_new_password_ends_the_session_and_is_the_one_that_counts() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("profile");
    browser.see("This one");
    browser.fill("[autocomplete=current-password]", "not it");
    browser.fill("[autocomplete=new-password]", "another horse battery");
    browser.click("Change password");
    browser.see("This is wrong.");
    browser.fill("[autocomplete=current-password]", PASSWORD);
    browser.click("Change password");
    browser.see("every session has ended");
    console.log_in("operator", "another horse battery");
    browser.see("Log out");
    browser.assert_quiet();
}

#[test]
fn a_second_factor_is_enrolled_by_its_picture_and_asked_for_from_then_on() {
    let Some(console) = Console::without_envoy() else {
        return;
    };
    let browser = &console.browser;
    console.go("profile");
    browser.click("Set up");
    browser.fill("[name=password]", PASSWORD);
    browser.click("Confirm");
    browser.see("Scan it");
    let seed = browser.script(
        "return document.querySelector('dialog code').textContent",
        &[],
    );
    let seed = seed.as_str().unwrap();
    assert!(pictured(&console).contains(&format!("secret={seed}")));
    browser.fill("[name=totp]", "000000");
    browser.click("Turn on");
    browser.see("This code is wrong");
    browser.fill("[name=totp]", &code(seed, 0));
    browser.click("Turn on");
    browser.see("The second factor is on.");

    browser.click("Log out");
    console.log_in("operator", PASSWORD);
    browser.see("Code of your second factor");
    // A code serves once: the next step's is accepted as well.
    browser.fill("[name=totp]", &code(seed, 1));
    browser.click("Log in");
    browser.see("Log out");
    browser.assert_quiet();
}

/// What a phone reads from the picture.
fn pictured(console: &Console) -> String {
    let code = "const path = document.querySelector('.qr path').getAttribute('d');\
                const size = Number(document.querySelector('.qr').getAttribute('viewBox').split(' ')[2]);\
                return [size, [...path.matchAll(/M(\\d+) (\\d+)h1v1h-1z/g)].map((m) => [+m[1], +m[2]])]";
    let picture = console.browser.script(code, &[]);
    let size = usize::try_from(picture[0].as_u64().unwrap()).unwrap();
    let squares = picture[1].as_array().unwrap();
    const SCALE: usize = 4;
    let is_dark = |x: usize, y: usize| squares.contains(&json!([x / SCALE, y / SCALE]));
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(size * SCALE, size * SCALE, |x, y| {
            if is_dark(x, y) { 0 } else { 255 }
        });
    let grids = image.detect_grids();
    grids[0].decode().unwrap().1
}

/// The code of a step, `later` steps from now (RFC 6238), by Python's own HMAC.
fn code(seed: &str, later: u32) -> String {
    let script = "import base64, hashlib, hmac, struct, sys, time\n\
                  step = int(time.time()) // 30 + int(sys.argv[2])\n\
                  seed = sys.argv[1] + '=' * (-len(sys.argv[1]) % 8)\n\
                  mac = hmac.new(base64.b32decode(seed), struct.pack('>Q', step), hashlib.sha1).digest()\n\
                  at = mac[-1] & 15\n\
                  print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000))";
    let output = Command::new("python3")
        .args(["-c", script, seed, &later.to_string()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
