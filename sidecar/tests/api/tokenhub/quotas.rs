//! `Quotas`, `QuotasDesired`, `QuotaSet`, `QuotaStatus`: limits of tokens in Tencent's words.

use serde_json::{Value, json};

use crate::feed::ledger::{Charging, lifetime};
use crate::support::tencent::Client;
use crate::support::{Scratch, Sidecar};

fn quota(unit: &str, credits: &str) -> Value {
    json!({"CycleUnit": unit, "CycleCredits": credits})
}

fn limited(client: &Client, quotas: &[Value]) -> String {
    let params = json!({"ApiKeyName": "limited", "Platform": "maas", "BindType": "all",
        "Quotas": quotas});
    let made = client.succeed("CreateApiKey", &params);
    made["ApiKeyId"].as_str().unwrap().to_owned()
}

fn described(client: &Client) -> Value {
    let listed = client.succeed("DescribeApiKeyList", &json!({"Platform": "maas"}));
    listed["ApiKeySet"][0].clone()
}

fn desire(client: &Client, id: &str, quotas: &Value) {
    let params = json!({"ApiKeyId": id, "Platform": "maas", "QuotasDesired": quotas});
    client.succeed("ModifyApiKeyInfo", &params);
}

#[test]
fn quotas_are_limits_and_read_back_with_what_was_used() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let id = limited(
        &client,
        &[quota("lifetime", "100"), quota("m", "10000000000000")],
    );
    let shown = described(&client);
    assert_eq!(shown["QuotaStatus"], "active");
    let set = shown["QuotaSet"].as_array().unwrap();
    let parts = |quota: &Value| {
        ["CycleUnit", "CycleCredits", "CycleUsed"]
            .map(|part| quota[part].as_str().unwrap().to_owned())
    };
    assert_eq!(parts(&set[0]), ["lifetime", "100", "0"]);
    assert_eq!(parts(&set[1]), ["m", "10000000000000", "0"]);
    assert_eq!(
        (&set[0]["Status"], &set[0]["ExpireTime"]),
        (&json!(1), &json!(""))
    );
    assert_eq!(
        set[1]["ExpireTime"].as_str().unwrap().len(),
        "2026-01-01 00:00:00".len()
    );
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&json!({"id": id}), 1), (100, 0, 0));
    let shown = described(&client);
    assert_eq!(shown["QuotaStatus"], "inactive");
    let used = &shown["QuotaSet"][0];
    assert_eq!(
        (&used["Status"], &used["CycleUsed"]),
        (&json!(3), &json!("100"))
    );
}

#[test]
fn desired_quotas_take_the_place_of_all_and_leave_other_limits() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let id = limited(&client, &[quota("lifetime", "100"), quota("d", "5")]);
    let path = format!("/v1/keys/{id}");
    let minute = json!({"unit": "requests", "window": "minute", "amount": 6});
    let mut limits = sidecar.get(&path).json()["limits"]
        .as_array()
        .unwrap()
        .clone();
    limits[0]["expected"] = 7.into();
    limits.push(minute.clone());
    assert_eq!(sidecar.patch(&path, &json!({"limits": limits})).status, 200);
    let mut agent = Charging::new(&sidecar, 'a', "edge-1");
    agent.charge(&sidecar, &lifetime(&json!({"id": id}), 1), (60, 0, 0));
    desire(&client, &id, &json!([quota("lifetime", "50")]));
    let shown = described(&client);
    assert_eq!(shown["QuotaSet"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&shown["QuotaSet"][0]["CycleUsed"], &shown["QuotaStatus"]),
        (&json!("60"), &json!("inactive"))
    );
    let limits = sidecar.get(&path).json()["limits"].clone();
    assert_eq!((&limits[0], &limits[1]["expected"]), (&minute, &json!(7)));
    // Left out: unchanged. Empty: none.
    let remark = json!({"ApiKeyId": id, "Platform": "maas", "Remark": "x"});
    client.succeed("ModifyApiKeyInfo", &remark);
    assert_eq!(described(&client)["QuotaStatus"], "inactive");
    desire(&client, &id, &json!([]));
    let shown = described(&client);
    assert_eq!(
        (&shown["QuotaStatus"], shown.get("QuotaSet")),
        (&json!(""), None)
    );
    assert_eq!(sidecar.get(&path).json()["limits"], json!([minute]));
}

#[test]
fn another_start_day_begins_anew_and_what_is_wrong_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let id = limited(&client, &[quota("m", "100")]);
    let package = || described(&client)["QuotaSet"][0]["PkgId"].clone();
    let before = package();
    desire(&client, &id, &json!([quota("m", "200")]));
    assert_eq!(package(), before);
    desire(
        &client,
        &id,
        &json!([{"CycleUnit": "m", "CycleCredits": "200", "MonthStartDay": 31}]),
    );
    assert_ne!(package(), before);
    let value = "InvalidParameterValue.InvalidParameterValue";
    let wrong = [
        (json!([quota("w", "1")]), value),
        (json!([quota("d", "0")]), value),
        (json!([quota("d", "10000000000001")]), value),
        (json!([quota("d", "1.5")]), value),
        (json!([quota("d", "1"), quota("d", "2")]), value),
        (
            json!([{"CycleUnit": "d", "CycleCredits": "1", "MonthStartDay": 2}]),
            value,
        ),
        (
            json!([{"CycleUnit": "m", "CycleCredits": "1", "MonthStartDay": 32}]),
            value,
        ),
        (
            json!([{"CycleUnit": "m"}]),
            "MissingParameter.MissingParameter",
        ),
        (
            json!([{"CycleUnit": "d", "CycleCredits": "1", "x": 1}]),
            "InvalidParameter.InvalidParameter",
        ),
    ];
    for (quotas, code) in wrong {
        let params = json!({"ApiKeyId": id, "Platform": "maas", "QuotasDesired": quotas});
        assert_eq!(
            client.refused("ModifyApiKeyInfo", &params),
            code,
            "{quotas}"
        );
    }
}
