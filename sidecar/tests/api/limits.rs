//! `limits` of keys and accounts, `/v1/.../limits`

use keytable::{AccountId, KeyHash, RecordView, TokenCounts, Tokens, UsageOutcome, UsageRow};
use serde_json::{Value, json};

use crate::feed::ledger::{Charging, lifetime, limited, standing};
use crate::feed::usage::{report, row};
use crate::support::agent::Agent;
use crate::support::{Scratch, Sidecar, call};

fn path_of(key: &Value) -> String {
    format!("/v1/keys/{}", key["id"].as_str().unwrap())
}

fn tokens(amount: u64) -> Value {
    json!([{"unit": "tokens", "window": "lifetime", "amount": amount, "expected": 1000,
        "unmetered": "refuse", "when_apart": "serve"}])
}

fn generation(answer: &Value) -> u64 {
    answer["propagation"]["generation"].as_u64().unwrap()
}

#[test]
fn limits_are_written_whole_and_shown_wherever_a_key_is() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    assert_eq!(key["limits"], tokens(100));
    let path = path_of(&key);
    let listed = sidecar.get("/v1/keys?account=demo").json();
    assert_eq!(listed["keys"][0]["limits"], tokens(100));
    let more = json!({"limits": [
        {"unit": "requests", "window": "minute", "amount": 3},
        {"unit": "tokens", "window": "month", "amount": 5, "start_day": 31, "utc_offset": "+08:00"},
    ]});
    let edited = sidecar.patch(&path, &more);
    assert_eq!((edited.status, edited.header("etag")), (200, "\"2\""));
    let shown = edited.json()["limits"].clone();
    assert_eq!(
        shown[0],
        json!({"unit": "requests", "window": "minute", "amount": 3})
    );
    assert_eq!(
        (&shown[1]["start_day"], &shown[1]["utc_offset"]),
        (&json!(31), &json!("+08:00"))
    );
    // What is shown can be written, and another edit leaves it alone.
    assert_eq!(
        sidecar.patch(&path, &json!({"limits": shown})).json()["limits"],
        shown
    );
    let described = sidecar.patch(&path, &json!({"description": "x"})).json();
    assert_eq!(described["limits"], shown);
    let none = sidecar.patch(&path, &json!({"limits": []})).json();
    assert_eq!(none["limits"], json!([]));
    assert_eq!(sidecar.get(&path).json()["limits"], json!([]));
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_stored() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let wrong = json!([
        {"unit": "tokens", "window": "day", "amount": 0},
        {"unit": "requests", "window": "day", "amount": 1, "expected": 5},
    ]);
    let paths = [path_of(&key), "/v1/accounts/demo".to_owned()];
    for path in paths {
        let answer = sidecar.patch(&path, &json!({"limits": wrong}));
        let fields = ["limits[0].amount", "limits[1].expected"];
        assert_eq!(
            (answer.status, answer.fields()),
            (422, fields.map(str::to_owned).into())
        );
    }
    let body = json!({"account": "demo", "region": "local", "name": "x", "limits": wrong});
    assert_eq!(sidecar.post("/v1/keys", &body).status, 422);
    assert_eq!(sidecar.get(&path_of(&key)).json()["limits"], tokens(100));
}

#[test]
fn a_minute_is_each_envoys_own_and_a_day_has_a_window() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let limits = json!([
        {"unit": "requests", "window": "minute", "amount": 3},
        {"unit": "requests", "window": "day", "amount": 3, "utc_offset": "+05:30"},
    ]);
    let key = sidecar.make("a key", "local");
    sidecar.patch(&path_of(&key), &json!({"limits": limits}));
    let told = sidecar.get(&format!("{}/limits", path_of(&key))).json();
    let minute = &told["limits"][0];
    assert_eq!(minute["per_envoy"], true);
    for figure in ["used", "held", "remaining", "window"] {
        assert!(minute[figure].is_null(), "{minute}");
    }
    let day = &told["limits"][1];
    assert_eq!((&day["used"], &day["remaining"]), (&json!(0), &json!(3)));
    let time = |name: &str| day["window"][name].as_str().unwrap().to_owned();
    assert!(time("start").ends_with("T18:30:00.000Z") && time("end") > time("start"));
    assert_eq!(told["unheard"], json!([]));
}

#[test]
fn another_amount_keeps_what_was_used_and_a_reset_begins_anew() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&key, 1), (60, 0, 0));
    sidecar.patch(&path_of(&key), &json!({"limits": tokens(50)}));
    let full = standing(&sidecar, &key);
    assert_eq!((&full["used"], &full["remaining"]), (&json!(60), &json!(0)));
    assert_eq!(
        (&full["exhausted"], &full["window"]["end"]),
        (&json!(true), &Value::Null)
    );
    let before = generation(
        &sidecar
            .patch(&path_of(&key), &json!({"description": "x"}))
            .json(),
    );
    let reset = sidecar.call(
        "POST",
        &format!("{}/limits/reset?wait=none", path_of(&key)),
        &[],
        None,
    );
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_eq!(generation(&reset.json()), before + 1);
    assert_eq!(reset.json()["limits"][0]["used"], 0);
    let audit = sidecar.get("/v1/audit?action=limits.reset").json();
    assert_eq!(audit["entries"][0]["target"], key["id"]);
    assert_eq!(audit["entries"][0]["detail"]["used"], json!([60]));
    let free = sidecar.make("free", "local");
    let nothing = sidecar.call(
        "POST",
        &format!("{}/limits/reset", path_of(&free)),
        &[],
        None,
    );
    assert_eq!(nothing.status, 409);
}

#[test]
fn a_successor_shares_what_its_predecessor_used() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&key, 1), (60, 0, 0));
    let rotate = format!("{}/rotate?wait=none", path_of(&key));
    let successor = sidecar.call("POST", &rotate, &[], None).json();
    assert_eq!(successor["limits"], tokens(100));
    assert_eq!(standing(&sidecar, &successor)["used"], 60);
    // The predecessor only narrows, but its limits are the successor's too.
    let raised = sidecar.patch(&path_of(&key), &json!({"limits": tokens(200)}));
    assert_eq!(raised.status, 200, "{}", raised.text);
    assert_eq!(
        sidecar.get(&path_of(&successor)).json()["limits"],
        tokens(200)
    );
    let delete = format!("{}?confirm=limited&wait=none", path_of(&key));
    assert_eq!(sidecar.delete(&delete).status, 200);
    assert_eq!(standing(&sidecar, &successor)["remaining"], 140);
}

#[test]
fn an_account_is_limited_in_every_region_and_its_change_waits_for_all() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("here", "local");
    let agents = [('a', "local"), ('b', "other")].map(|(digit, region)| {
        let mut agent = Agent::new(&sidecar, digit, region, region);
        agent.more = "&format=3";
        agent.catch_up();
        agent
    });
    let plain = sidecar
        .patch("/v1/accounts/demo", &json!({"name": "Demo"}))
        .json();
    assert!(plain["propagation"].is_null());
    let edited = sidecar.patch(
        "/v1/accounts/demo?timeout_s=0",
        &json!({"limits": tokens(9)}),
    );
    assert_eq!(edited.status, 200, "{}", edited.text);
    let edited = edited.json();
    assert_eq!(edited["limits"], tokens(9));
    let propagation = &edited["propagation"];
    assert_eq!(
        (&propagation["envoys"], &propagation["applied"]),
        (&json!(2), &json!(0))
    );
    let hash = KeyHash::of_account(&AccountId::parse("demo").unwrap());
    for mut agent in agents {
        agent.catch_up();
        let record = RecordView::parse(&agent.table[hash.as_bytes()]).unwrap();
        assert_eq!(
            record.to_account_record().unwrap().limits[0]
                .limit
                .amount
                .get(),
            9
        );
        let keys = agent
            .table
            .values()
            .map(|bytes| RecordView::parse(bytes).unwrap());
        let mut keys = keys.filter(|record| !record.is_account());
        assert!(keys.all(|record| record.is_account_limited()));
    }
    let told = sidecar.get("/v1/accounts/demo/limits").json();
    assert_eq!(told["limits"][0]["remaining"], 9);
    let reset = sidecar.call(
        "POST",
        "/v1/accounts/demo/limits/reset?wait=none",
        &[],
        None,
    );
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_eq!(
        sidecar.get("/v1/accounts/second/limits").json()["limits"],
        json!([])
    );
    assert_eq!(sidecar.get("/v1/accounts/nobody/limits").status, 404);
}

/// An Envoy of an earlier release serves no limited key, and is named.
#[test]
fn who_cannot_keep_limits_gets_the_key_disabled_and_is_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let value = key["key"].as_str().unwrap();
    let mut old = Agent::new(&sidecar, 'a', "edge-old", "local");
    old.more = "&format=2";
    let mut new = Agent::new(&sidecar, 'b', "edge-new", "local");
    new.more = "&format=3";
    old.catch_up();
    new.catch_up();
    assert!(!old.admits(value) && new.admits(value));
    let told = sidecar.get(&format!("{}/limits", path_of(&key))).json();
    assert_eq!(told["refusing"], json!(["edge-old"]));
    let envoys = sidecar.get("/v1/envoys").json();
    let keep = envoys["envoys"].as_array().unwrap().iter();
    let keep: Vec<_> = keep
        .map(|envoy| (&envoy["envoy"], &envoy["keeps_limits"]))
        .collect();
    assert_eq!(
        keep,
        [
            (&json!("edge-new"), &json!(true)),
            (&json!("edge-old"), &json!(false))
        ]
    );
    sidecar.patch(
        &format!("{}?wait=none", path_of(&key)),
        &json!({"limits": []}),
    );
    old.catch_up();
    assert!(old.admits(value));
}

#[test]
fn a_check_is_told_what_limits_say_after_all_else() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    sidecar.patch("/v1/accounts/demo", &json!({"limits": tokens(1_000)}));
    let asked = json!({"path": "/v1/chat/completions", "body": {"model": "glm-5.1"}});
    let check = || {
        sidecar
            .post(&format!("{}/check", path_of(&key)), &asked)
            .json()
    };
    let permitted = check();
    assert_eq!(
        (&permitted["decision"], &permitted["status"]),
        (&json!("permit"), &json!(200))
    );
    let of = permitted["limits"].as_array().unwrap().iter();
    let of: Vec<_> = of
        .map(|limit| (&limit["of"], &limit["remaining"]))
        .collect();
    assert_eq!(
        of,
        [
            (&json!("key"), &json!(100)),
            (&json!("account"), &json!(1_000))
        ]
    );
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&key, 1), (60, 40, 0));
    let running = check();
    assert_eq!(
        (&running["status"], &running["code"]),
        (&json!(429), &json!("rate_limit_exceeded"))
    );
    agent.charge(&sidecar, &lifetime(&key, 1), (40, 0, 60));
    let full = check();
    assert_eq!(
        (&full["status"], &full["code"]),
        (&json!(429), &json!("insufficient_quota"))
    );
    assert!(
        full["reason"]
            .as_str()
            .unwrap()
            .contains("100 tokens in a lifetime"),
        "{full}"
    );
    let disabled = json!({"status": "disabled"});
    sidecar.patch(&path_of(&key), &disabled);
    assert_eq!(check()["code"], "api_key_disabled");
    let free = sidecar.make("free", "other");
    sidecar.patch("/v1/accounts/demo", &json!({"limits": []}));
    let free = sidecar
        .post(&format!("{}/check", path_of(&free)), &asked)
        .json();
    assert!(free.get("limits").is_none(), "{free}");
}

/// A request of a key has used 7 tokens, told twice.
fn use_tokens(sidecar: &Sidecar, key: &Value) {
    let tokens = TokenCounts {
        input: 7,
        ..TokenCounts::default()
    };
    let used = UsageRow {
        tokens: Tokens {
            reported: tokens,
            ..Tokens::default()
        },
        ..row(key, "glm-5.1", UsageOutcome::Permitted, 1)
    };
    report(sidecar, 1, vec![used.clone()]);
    report(sidecar, 1, vec![used]);
}

#[test]
fn limits_and_tokens_are_metrics() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = limited(&sidecar);
    let metric = |line: &str| {
        let page = sidecar.get("/metrics").text;
        assert!(page.contains(&format!("{line}\n")), "{line}: {page}");
    };
    metric("latchkey_sidecar_limits{of=\"key\",state=\"free\"} 1");
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&key, 1), (80, 0, 0));
    metric("latchkey_sidecar_limits{of=\"key\",state=\"near\"} 1");
    agent.charge(&sidecar, &lifetime(&key, 1), (20, 0, 80));
    metric("latchkey_sidecar_limits{of=\"key\",state=\"exhausted\"} 1");
    metric("latchkey_sidecar_limits{of=\"account\",state=\"exhausted\"} 0");
    use_tokens(&sidecar, &key);
    let series = "latchkey_tokens_total{account=\"demo\",model=\"glm-5.1\"";
    metric(&format!("{series},kind=\"input\",basis=\"reported\"}} 7"));
}

#[test]
fn tokens_are_told_to_whoever_may_read_their_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    use_tokens(&sidecar, &limited(&sidecar));
    let page = |headers: &[(&str, &str)]| {
        call(
            &format!("{}/metrics", sidecar.admin()),
            "GET",
            headers,
            None,
        )
    };
    let anonymous = page(&[]);
    assert_eq!(anonymous.status, 200);
    let series = "latchkey_tokens_total{account=\"demo\"";
    for told in [series, "demo", "glm-5.1"] {
        assert!(!anonymous.text.contains(told), "{told}: {}", anonymous.text);
    }
    sidecar.post("/v1/accounts", &json!({"id": "other", "name": "other"}));
    let of_token = |account: &str, capabilities: &[&str]| {
        let body = json!({"name": "s", "account": account, "capabilities": capabilities});
        let made = sidecar.post("/v1/tokens", &body).json();
        let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
        page(&[("authorization", &bearer)])
    };
    assert!(of_token("demo", &["keys:read"]).text.contains(series));
    assert!(!of_token("other", &["keys:read"]).text.contains("demo"));
    assert_eq!(of_token("demo", &["admin"]).status, 403);
    assert_eq!(page(&[("authorization", "Bearer lkt-none")]).status, 401);
}
