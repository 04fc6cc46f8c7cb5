//! Logging in and out, the first password, proof of identity, and what ends a session.

use serde_json::json;

use crate::support::person::{PASSWORD, Person};
use crate::support::{Scratch, Sidecar, call};

#[test]
fn no_credential_works_before_the_first_password_is_set() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (user, password) in [
        ("operator", ""),
        ("operator", "operator"),
        ("admin", "admin"),
        ("root", "root"),
        ("operator", sidecar.setup_secret()),
    ] {
        let mut person = Person::unknown(&sidecar, user, password);
        assert_eq!(person.log_in().status, 401, "{user} {password}");
    }
    for token in [
        "",
        "edd1c9f034335f136f87ad84b625c8f1",
        sidecar.setup_secret(),
    ] {
        let header = format!("Bearer {token}");
        let url = format!("{}/v1/session", sidecar.admin());
        let answer = call(&url, "GET", &[("authorization", &header)], None);
        assert_eq!(answer.status, 401, "{token}");
    }
}

#[test]
fn a_setup_secret_sets_one_password() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({"setup_secret": sidecar.setup_secret(), "password": "too short"});
    let url = format!("{}/v1/setup", sidecar.admin());
    let short = call(&url, "POST", &[], Some(&body.to_string()));
    assert_eq!(
        (short.status, short.fields()),
        (422, vec!["password".into()])
    );
    let operator = Person::operator(&sidecar);
    let session = operator.get("/v1/session").json();
    assert_eq!(session["actor"], "user:operator");
    assert_eq!(session["account"], json!(null));
    let again = json!({"setup_secret": sidecar.setup_secret(), "password": "another password"});
    let again = call(&url, "POST", &[], Some(&again.to_string()));
    assert_eq!(again.status, 401);
    assert_eq!(
        Person::unknown(&sidecar, "operator", PASSWORD)
            .log_in()
            .status,
        200
    );
}

#[test]
fn the_cookie_is_for_our_own_pages_alone_and_no_answer_repeats_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut operator = Person::operator(&sidecar);
    let answer = operator.log_in();
    let cookie = answer.header("set-cookie").to_owned();
    for part in [
        "latchkey_session=lks-",
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!answer.text.contains("lks-"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[test]
fn a_log_in_begins_a_session_of_its_own() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut person = Person::operator(&sidecar);
    let before = person.cookie.clone().unwrap();
    person.log_in();
    assert_ne!(person.cookie.as_deref(), Some(before.as_str()));
    let mut old = Person::unknown(&sidecar, "operator", PASSWORD);
    old.cookie = Some(before);
    assert_eq!(
        old.get("/v1/session").status,
        401,
        "the preset session ended"
    );
    let chosen = "latchkey_session=lks-0000000000000000000000000000000000000000abcdef";
    old.cookie = Some(chosen.into());
    assert_eq!(old.log_in().status, 200);
    assert_ne!(old.cookie.as_deref(), Some(chosen));
}

#[test]
fn a_cookie_that_was_changed_is_no_session() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut person = Person::operator(&sidecar);
    let good = person.cookie.clone().unwrap();
    let value = good.strip_prefix("latchkey_session=").unwrap();
    for bad in [
        "latchkey_session=".into(),
        good[..good.len() - 1].to_owned(),
        format!("{good}x"),
        format!("{good}; latchkey_session={value}"),
        format!("other={value}"),
        format!("latchkey_session=\"{value}\""),
        format!("latchkey_session={}", "x".repeat(4000)),
    ] {
        person.cookie = Some(bad.clone());
        assert_eq!(person.get("/v1/session").status, 401, "{bad}");
    }
    person.cookie = Some(format!("a=b; {good} ; c=d"));
    assert_eq!(person.get("/v1/session").status, 200);
}

#[test]
fn log_out_password_change_and_reset_end_sessions_at_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut person = Person::of(&sidecar, Some("demo"), "owner", "owner");
    assert_eq!(person.call("DELETE", "/v1/session", None).status, 200);
    assert_eq!(person.get("/v1/session").status, 401, "logged out");
    person.log_in();
    let mut elsewhere = Person::unknown(&sidecar, "owner", PASSWORD);
    elsewhere.log_in();
    let change = json!({"current": "wrong horse battery", "password": "new horse battery"});
    assert_eq!(person.post("/v1/me/password", &change).status, 403);
    let change = json!({"current": PASSWORD, "password": "new horse battery"});
    assert_eq!(person.post("/v1/me/password", &change).status, 200);
    assert_eq!(person.get("/v1/session").status, 401);
    assert_eq!(elsewhere.get("/v1/session").status, 401);
    assert_eq!(person.log_in().status, 401, "the old password is no more");
    person.password = "new horse battery".into();
    assert_eq!(person.log_in().status, 200);
}

#[test]
fn role_change_and_deletion_end_sessions_and_tokens_at_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for change in ["role", "status", "delete", "reset"] {
        let person = Person::of(&sidecar, Some("demo"), &format!("owner-{change}"), "owner");
        let wanted = json!({"name": "ci", "capabilities": ["keys:read"]});
        let token = person.post("/v1/tokens", &wanted).json();
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let url = format!("{}/v1/session", sidecar.admin());
        let works = || call(&url, "GET", &[("authorization", &bearer)], None).status;
        assert_eq!((works(), person.get("/v1/session").status), (200, 200));
        let users = sidecar.get("/v1/users?account=demo").json();
        let id = users["users"].as_array().unwrap().last().unwrap()["id"].clone();
        let path = format!("/v1/users/{}", id.as_str().unwrap());
        let answer = match change {
            "role" => sidecar.patch(&path, &json!({"role": "viewer"})),
            "status" => sidecar.patch(&path, &json!({"status": "disabled"})),
            "delete" => sidecar.delete(&path),
            _ => sidecar.call("POST", &format!("{path}/reset"), &[], None),
        };
        assert_eq!(answer.status, 200, "{change}: {}", answer.text);
        assert_eq!(
            (works(), person.get("/v1/session").status),
            (401, 401),
            "{change}"
        );
    }
}

#[test]
fn names_are_canonical_and_attempts_are_limited_without_telling_who_exists() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let names = [
        "operator",
        "Operator",
        " operator",
        "operator\u{0}",
        "nobody",
    ];
    let mut checked = [0; 5];
    for number in 0..40 {
        let body = json!({"user": names[number % 5], "password": "wrong"}).to_string();
        let forwarded = format!("203.0.113.{number}");
        let headers = [("x-forwarded-for", forwarded.as_str())];
        let url = format!("{}/v1/session", sidecar.admin());
        let answer = call(&url, "POST", &headers, Some(&body));
        if answer.status == 401 {
            checked[number % 5] += 1;
            assert_eq!(
                answer.json()["detail"],
                "the name, the password or the code is wrong"
            );
        } else {
            assert_eq!(answer.status, 429);
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    }
    let [one, two, three, ..] = checked;
    assert_eq!(
        one + two + three,
        10,
        "three ways to write one name: {checked:?}"
    );
    assert_eq!(checked[4], 8, "a name that nobody has: {checked:?}");
}

/// Case A-20: whoever floods a name from elsewhere keeps nobody out, and nothing is shut for good.
#[test]
fn a_flood_from_elsewhere_does_not_keep_the_operator_out() {
    let scratch = Scratch::new();
    let flags = ["--trusted-proxy", "127.0.0.1"];
    let sidecar = Sidecar::start_with(&scratch, &flags);
    let _ = Person::operator(&sidecar);
    let url = format!("{}/v1/session", sidecar.admin());
    let try_from = |address: &str, password: &str| {
        let body = json!({"user": "operator", "password": password}).to_string();
        call(&url, "POST", &[("x-forwarded-for", address)], Some(&body)).status
    };
    let home = "198.51.100.7";
    assert_eq!(try_from(home, PASSWORD), 200);
    let statuses: Vec<_> = (0..500)
        .map(|number| try_from(&format!("203.0.{}.{}", number / 250, number % 250), "guess"))
        .collect();
    let checked = statuses.iter().filter(|status| **status == 401).count();
    assert!(
        (10..20).contains(&checked),
        "{checked} guesses were looked at"
    );
    assert_eq!(try_from("203.0.113.200", PASSWORD), 429, "a stranger waits");
    assert_eq!(
        try_from(home, PASSWORD),
        200,
        "who was here before does not"
    );
}

/// Case A-25.
#[test]
fn the_cookie_of_another_installation_is_no_session() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let (sidecar, other) = (Sidecar::start(&scratch), Sidecar::start(&elsewhere));
    let mut person = Person::operator(&sidecar);
    person.cookie = Person::operator(&other).cookie;
    assert_eq!(person.get("/v1/session").status, 401);
}

/// Case A-23: a new password ends sessions; a script's token is its own credential and lives on.
#[test]
fn tokens_outlive_a_new_password_and_die_with_a_reset() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let person = Person::of(&sidecar, Some("demo"), "owner", "owner");
    let wanted = json!({"name": "ci", "capabilities": ["keys:read"]});
    let token = person.post("/v1/tokens", &wanted).json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let url = format!("{}/v1/session", sidecar.admin());
    let works = || call(&url, "GET", &[("authorization", &bearer)], None).status;
    let change = json!({"current": PASSWORD, "password": "new horse battery"});
    assert_eq!(person.post("/v1/me/password", &change).status, 200);
    assert_eq!((person.get("/v1/session").status, works()), (401, 200));
    let users = sidecar.get("/v1/users?account=demo").json();
    let path = format!(
        "/v1/users/{}/reset",
        users["users"][0]["id"].as_str().unwrap()
    );
    assert_eq!(sidecar.call("POST", &path, &[], None).status, 200);
    assert_eq!(works(), 401);
}

#[test]
fn a_huge_password_costs_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for password in ["", "x", "nul\u{0}", &"x".repeat(200 * 1024)] {
        let mut person = Person::unknown(&sidecar, "operator", password);
        assert_eq!(person.log_in().status, 401);
    }
    let mut person = Person::unknown(&sidecar, "operator", &"x".repeat(1 << 20));
    assert_eq!(person.log_in().status, 413);
}

#[test]
fn proof_of_identity_serves_for_one_kind_of_act_of_its_own_session() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let person = Person::of(&sidecar, Some("demo"), "owner", "owner");
    let wanted = json!({"name": "all", "capabilities": ["keys:delete"]});
    let refused = person.post("/v1/tokens", &wanted);
    assert_eq!(refused.status, 403);
    assert!(
        refused.json()["type"]
            .as_str()
            .unwrap()
            .ends_with("/verification-required")
    );
    let wrong = person.post(
        "/v1/verifications",
        &json!({"password": "wrong horse battery"}),
    );
    assert_eq!(wrong.status, 403);
    assert_eq!(person.post("/v1/tokens", &wanted).status, 403);
    person.verify();
    let mut elsewhere = Person::unknown(&sidecar, "owner", PASSWORD);
    elsewhere.log_in();
    assert_eq!(
        elsewhere.post("/v1/tokens", &wanted).status,
        403,
        "another session"
    );
    assert_eq!(person.post("/v1/tokens", &wanted).status, 201);
    assert_eq!(
        person.post("/v1/tokens", &wanted).status,
        201,
        "the same kind"
    );
    let key = sidecar.make("kept", "local");
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let delete = |person: &Person| {
        person
            .call("DELETE", &format!("{path}?confirm=kept"), None)
            .status
    };
    assert_eq!(delete(&person), 403, "another kind");
    person.verify();
    assert_eq!(delete(&person), 200);
    assert_eq!(
        person.post("/v1/tokens", &wanted).status,
        403,
        "another kind"
    );
    let harmless = json!({"name": "read", "capabilities": ["keys:read", "keys:write"]});
    assert_eq!(person.post("/v1/tokens", &harmless).status, 201);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let here = Person::of(&sidecar, Some("demo"), "owner", "owner");
    let mut there = Person::unknown(&sidecar, "owner", PASSWORD);
    there.log_in();
    let other = Person::of(&sidecar, Some("demo"), "other", "owner");
    let list = |person: &Person| {
        let listed = person.get("/v1/me/sessions");
        assert_eq!(listed.status, 200, "{}", listed.text);
        listed.json()["sessions"].as_array().unwrap().clone()
    };
    let sessions = list(&here);
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["address"], "127.0.0.1");
    let of = |current: bool| {
        let mut found = sessions.iter().filter(|one| one["current"] == current);
        format!(
            "/v1/me/sessions/{}",
            found.next().unwrap()["id"].as_str().unwrap()
        )
    };
    assert_eq!(
        other.call("DELETE", &of(false), None).status,
        404,
        "another's"
    );
    assert_eq!(here.call("DELETE", &of(false), None).status, 200);
    assert_eq!(there.get("/v1/session").status, 401);
    assert_eq!(list(&here).len(), 1);
    assert_eq!(here.call("DELETE", &of(false), None).status, 404);
    assert_eq!(here.call("DELETE", &of(true), None).status, 200);
    assert_eq!(here.get("/v1/session").status, 401);
    assert_eq!(sidecar.get("/v1/me/sessions").status, 403, "no person");
}

#[test]
fn a_hundred_log_ins_at_once_leave_the_rest_responsive() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("one", "local");
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    std::thread::scope(|scope| {
        for number in 0..100 {
            let sidecar = &sidecar;
            scope.spawn(move || {
                let user = format!("user{number}");
                let status = Person::unknown(sidecar, &user, "wrong").log_in().status;
                assert!(matches!(status, 401 | 429), "{status}");
            });
        }
        for _ in 0..20 {
            assert_eq!(sidecar.get(&path).status, 200);
        }
    });
}
