//! The example that Tencent publishes, and every way to depart from it.

use super::*;

/// The secret key of the example, as it is published.
const SECRET_KEY: &[u8] = b"********************************";
const BODY: &[u8] =
    br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
const SIGNATURE: &str = "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f";

fn authorization(date: &str, service: &str, headers: &str, signature: &str) -> String {
    format!(
        "TC3-HMAC-SHA256 Credential=AKID/{date}/{service}/tc3_request, SignedHeaders={headers}, \
         Signature={signature}"
    )
}

fn published() -> String {
    authorization(
        "2019-02-25",
        "cvm",
        "content-type;host;x-tc-action",
        SIGNATURE,
    )
}

fn signed() -> Signed<'static> {
    Signed {
        service: "cvm",
        timestamp_s: 1_551_113_065,
        path: "/",
        query: "",
        body: BODY,
    }
}

fn header(name: &str) -> Option<String> {
    let value = match name {
        "content-type" => "application/json; charset=utf-8",
        "host" => " cvm.tencentcloudapi.com ",
        "x-tc-action" => "DescribeInstances",
        _ => return None,
    };
    Some(value.to_owned())
}

fn check(text: &str, signed: &Signed<'_>) -> Result<(), SignatureError> {
    Authorization::parse(text)?.verify(SECRET_KEY, signed, header)
}

#[test]
fn tencents_published_example_is_verified() {
    assert_eq!(check(&published(), &signed()), Ok(()));
}

#[test]
fn whatever_is_altered_is_noticed() {
    let mismatch = Err(SignatureError::Mismatch);
    let body = Signed {
        body: b"{}",
        ..signed()
    };
    let query = Signed {
        query: "a=1",
        ..signed()
    };
    let later = Signed {
        timestamp_s: 1_551_113_066,
        ..signed()
    };
    for altered in [body, query, later] {
        assert_eq!(check(&published(), &altered), mismatch);
    }
    for name in ["content-type", "host", "x-tc-action"] {
        let other = |wanted: &str| match wanted == name {
            true => Some("other".to_owned()),
            false => header(wanted),
        };
        let text = published();
        let authorization = Authorization::parse(&text).unwrap();
        assert_eq!(
            authorization.verify(SECRET_KEY, &signed(), other),
            mismatch,
            "{name}"
        );
    }
    let text = published();
    let authorization = Authorization::parse(&text).unwrap();
    assert_eq!(authorization.verify(b"*", &signed(), header), mismatch);
    let less = authorization_of("content-type;host");
    assert_eq!(check(&less, &signed()), mismatch);
    assert_eq!(
        check(&published().replace("10b1", "10b2"), &signed()),
        mismatch
    );
}

fn authorization_of(headers: &str) -> String {
    authorization("2019-02-25", "cvm", headers, SIGNATURE)
}

#[test]
fn the_path_and_the_hosts_port_may_be_signed_or_not() {
    let text = published();
    let authorization = Authorization::parse(&text).unwrap();
    let elsewhere = Signed {
        path: "/tokenhub/",
        ..signed()
    };
    let at_port = |host: &'static str| {
        move |name: &str| match name {
            "host" => Some(host.to_owned()),
            name => header(name),
        }
    };
    let verify = |host| authorization.verify(SECRET_KEY, &elsewhere, at_port(host));
    assert_eq!(verify("cvm.tencentcloudapi.com:8443"), Ok(()));
    for host in [
        "cvm.tencentcloudapi.com:84:43",
        "cvm.tencentcloudapi.com:",
        "cvm.tencentcloudapi.com:x",
        "cvm.tencentcloudapi.org:8443",
    ] {
        assert_eq!(verify(host), Err(SignatureError::Mismatch), "{host}");
    }
}

#[test]
fn host_and_content_type_must_be_signed_and_names_be_in_order() {
    let all = "content-type;host;x-tc-action";
    for headers in [
        "",
        "host",
        "content-type",
        "content-type;x-tc-action",
        "host;content-type;x-tc-action",
        "content-type;content-type;host",
        "Content-Type;Host",
        "content-type;host;",
        "content-type;host; x-tc-action",
    ] {
        let refused = check(&authorization_of(headers), &signed());
        assert_eq!(refused, Err(SignatureError::Headers), "{headers}");
    }
    let many = (0..40).map(|number| format!(";x-{number:02}"));
    let many = format!("content-type;host{}", many.collect::<String>());
    assert_eq!(
        check(&authorization_of(&many), &signed()),
        Err(SignatureError::Headers)
    );
    let missing = authorization_of(&format!("{all};x-tc-version"));
    assert_eq!(check(&missing, &signed()), Err(SignatureError::Header));
}

#[test]
fn date_and_service_must_be_those_of_the_request() {
    let headers = "content-type;host;x-tc-action";
    for date in ["2019-02-24", "20190225", "2019-0225-", "", "2019/02/25"] {
        let text = authorization(date, "cvm", headers, SIGNATURE);
        assert!(check(&text, &signed()).is_err(), "{date}");
    }
    let text = authorization("2019-02-25", "tokenhub", headers, SIGNATURE);
    assert_eq!(check(&text, &signed()), Err(SignatureError::Service));
    let far = Signed {
        timestamp_s: u64::MAX,
        ..signed()
    };
    assert_eq!(check(&published(), &far), Err(SignatureError::Date));
}

#[test]
fn other_forms_are_refused() {
    let good = published();
    assert!(Authorization::parse(&good).is_ok());
    for text in [
        String::new(),
        "Bearer lkt-1".into(),
        "SKIP".into(),
        good.replace("TC3-HMAC-SHA256", "HmacSHA256"),
        good.replace("AKID/", "/"),
        good.replace("/tc3_request", ""),
        good.replace("tc3_request", "aws4_request"),
        good.replace(", Signature=", ", signature="),
        good.replace(SIGNATURE, &SIGNATURE.to_uppercase()),
        good.replace(SIGNATURE, &SIGNATURE[1..]),
        format!("{good}, Signature={SIGNATURE}"),
        format!("{good}0"),
    ] {
        assert_eq!(
            Authorization::parse(&text),
            Err(SignatureError::Form),
            "{text}"
        );
    }
}
