//! Flags that make no sense, one by one, and some that do.

use super::*;

const GOOD: [&str; 9] = [
    "serve",
    "--data",
    "/d",
    "--admin",
    "127.0.0.1:0",
    "--feed",
    "[::1]:9302",
    "--feed-token-file",
    "/t",
];

fn parse(more: &[&str]) -> Result<Command, ConfigError> {
    Command::parse(GOOD.iter().chain(more).map(OsString::from))
}

fn refusal(more: &[&str]) -> String {
    parse(more).unwrap_err().to_string()
}

#[test]
fn flags_that_are_left_out_have_their_defaults() {
    let Ok(Command::Serve(config)) = parse(&[]) else {
        panic!("refused");
    };
    assert_eq!(config.key_limit_default, 50);
    assert_eq!(config.feed.port(), 9302);
    assert!(config.seed_accounts.is_empty() && !config.json);
}

#[test]
fn flags_may_repeat_where_that_means_something() {
    let more = ["--seed-region", "a", "--seed-region", "b", "--json"];
    let Ok(Command::Serve(config)) = parse(&more) else {
        panic!("refused");
    };
    assert_eq!(config.seed_regions.len(), 2);
    assert!(config.json);
}

#[test]
fn help_is_given_wherever_it_is_asked_for() {
    assert!(matches!(parse(&["--help"]), Ok(Command::Help)));
    let alone = Command::parse([OsString::from("--help")]);
    assert!(matches!(alone, Ok(Command::Help)));
}

#[test]
fn nothing_to_do_is_told() {
    for words in [&[][..], &["serv"], &["config"], &["serve", "now"]] {
        let error = Command::parse(words.iter().map(OsString::from)).unwrap_err();
        assert!(matches!(error, ConfigError::Command), "{words:?}: {error}");
    }
}

#[test]
fn a_missing_flag_is_named() {
    for left_out in [1, 3, 5, 7] {
        let words = GOOD.iter().enumerate();
        let words = words.filter(|(index, _)| *index != left_out && *index != left_out + 1);
        let error = Command::parse(words.map(|(_, word)| OsString::from(word))).unwrap_err();
        let name = GOOD[left_out].trim_start_matches('-');
        assert!(matches!(error, ConfigError::Missing(missing) if missing == name));
    }
}

#[test]
fn a_bad_value_says_what_to_write() {
    let cases: [(&[&str], &str); 8] = [
        (&["--data", "/e"], "--data must be given once"),
        (&["--port", "1"], "--port is not a flag"),
        (&["--seed-account"], "--seed-account needs a value"),
        (
            &["--seed-account", "Demo"],
            "--seed-account must start with",
        ),
        (&["--key-prefix", "sk"], "write for example sk-"),
        (&["--key-limit-default", "many"], "must be a whole number"),
        (&["--blocking-threads", "0"], "a whole number from 1 to 512"),
        (&["--log-format", "xml"], "must be text or json"),
    ];
    for (more, text) in cases {
        assert!(refusal(more).contains(text), "{}", refusal(more));
    }
}

#[test]
fn addresses_that_others_can_reach_are_refused() {
    for address in [
        "0.0.0.0:80",
        "192.0.2.1:80",
        "[::]:80",
        "[::ffff:127.0.0.1]:80",
    ] {
        let words = GOOD.map(|word| if word == "127.0.0.1:0" { address } else { word });
        let error = Command::parse(words.map(OsString::from)).unwrap_err();
        assert!(
            matches!(&error, ConfigError::NotLoopback(place, _) if place == "--admin"),
            "{error}"
        );
        assert!(
            error.to_string().contains("write 127.0.0.1:80 or [::1]:80"),
            "{error}"
        );
    }
}

#[test]
fn addresses_that_others_can_reach_are_taken_with_a_certificate_and_its_key() {
    let words = GOOD.map(|word| {
        if word == "127.0.0.1:0" {
            "0.0.0.0:443"
        } else {
            word
        }
    });
    let files = ["--tls-certificate-file", "/c", "--tls-key-file", "/k"];
    let with = |more: &[&str]| {
        let words = words.iter().chain(more);
        Command::parse(words.map(OsString::from))
    };
    let Ok(Command::Serve(config)) = with(&files) else {
        panic!("refused");
    };
    let plain = ["--public-url", "http://localhost:9301"];
    let told = refusal(&[files.as_slice(), plain.as_slice()].concat());
    assert!(told.contains("https://"), "{told}");
    let key = config.tls.unwrap().key;
    assert_eq!(key, PathBuf::from("/k"));
    for half in [&files[..2], &files[2..]] {
        assert!(matches!(with(half), Err(ConfigError::Missing(_))));
    }
}

#[test]
fn addresses_that_others_can_reach_are_taken_behind_a_tls_proxy() {
    let words = GOOD.map(|word| match word {
        "127.0.0.1:0" => "0.0.0.0:9301",
        "[::1]:9302" => "[::]:9302",
        word => word,
    });
    let words = words.into_iter().chain(["--behind-tls-proxy"]);
    let Ok(Command::Serve(config)) = Command::parse(words.map(OsString::from)) else {
        panic!("refused");
    };
    assert_eq!(config.admin.to_string(), "0.0.0.0:9301");
    assert_eq!(config.feed.to_string(), "[::]:9302");
}

#[test]
fn a_flag_counts_more_than_a_variable_and_a_variable_more_than_the_file() {
    let file = std::env::temp_dir().join(format!("sidecar-config-{}", std::process::id()));
    let text = "# comment\n\ndata = /file\nadmin = 127.0.0.1:1\nfeed=127.0.0.1:2\n\
                feed-token-file = /t\nseed-region = a\nseed-region = b\njson = true\n";
    std::fs::write(&file, text).unwrap();
    let words = [
        "serve",
        "--data",
        "/flag",
        "--config",
        file.to_str().unwrap(),
    ];
    let variable = |name: &str| match name {
        "LATCHKEY_DATA" => Some("/variable".into()),
        "LATCHKEY_ADMIN" => Some("127.0.0.1:7".into()),
        "LATCHKEY_SEED_ACCOUNT" => Some("x,y".into()),
        _ => None,
    };
    let command = Command::parse_with(words.map(OsString::from), variable).unwrap();
    let Command::Serve(config) = command else {
        panic!("another command");
    };
    let StorePlace::Directory(data) = config.store else {
        panic!("on a server");
    };
    assert_eq!(data, PathBuf::from("/flag"));
    assert_eq!((config.admin.port(), config.feed.port()), (7, 2));
    assert_eq!(
        (config.seed_accounts.len(), config.seed_regions.len()),
        (2, 2)
    );
    assert!(config.json);
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_bad_value_is_named_with_its_place() {
    let file = std::env::temp_dir().join(format!("sidecar-config-bad-{}", std::process::id()));
    let refusal = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let words = ["serve", "--config", file.to_str().unwrap()];
        let no_variable = |_: &str| None;
        let error = Command::parse_with(words.map(OsString::from), no_variable).unwrap_err();
        error.to_string()
    };
    let shown = file.display();
    let bad = "data = /d\nadmin = nowhere\n";
    assert!(refusal(bad).starts_with(&format!("{shown}:2: admin must be")));
    assert!(refusal("\ndate = /d\n").starts_with(&format!("{shown}:2: must be `name = value`")));
    assert!(refusal("data = /d\ndata = /e\n").contains(":2: data must be given once"));
    std::fs::remove_file(&file).unwrap();
    let missing = refusal_of_variable("LATCHKEY_CONFIG", "/no/such/file");
    assert!(missing.contains("cannot read the settings in /no/such/file"));
    let switch = refusal_of_variable("LATCHKEY_BEHIND_TLS_PROXY", "yes");
    assert_eq!(switch, "LATCHKEY_BEHIND_TLS_PROXY must be true or false");
}

fn refusal_of_variable(name: &str, value: &str) -> String {
    let variable = |other: &str| (other == name).then(|| value.into());
    let error = Command::parse_with(GOOD.map(OsString::from), variable).unwrap_err();
    error.to_string()
}

#[test]
fn a_value_may_be_joined_to_its_flag() {
    let joined = ["--public-url=https://keys.example.com", "--json=false"];
    let Ok(Command::Serve(config)) = parse(&joined) else {
        panic!("refused");
    };
    assert_eq!(
        config.public_url.as_deref(),
        Some("https://keys.example.com")
    );
    assert!(!config.json);
    assert_eq!(refusal(&["--json=yes"]), "--json must be true or false");
    let unknown = refusal(&["--no-such=sk-secret"]);
    assert!(!unknown.contains("sk-secret"), "{unknown}");
}

#[test]
fn addresses_on_the_web_are_checked() {
    for good in [
        "https://keys.example.com",
        "https://keys.example.com:8443",
        "http://127.0.0.1:9301",
        "http://127.9.9.9",
        "http://localhost:9301",
        "http://[::1]:9301",
    ] {
        assert!(parse(&["--public-url", good]).is_ok(), "{good}");
    }
    for bad in [
        "keys",
        "http://keys.example.com",
        "https://keys.example.com/x",
        "https://u@h",
        "http://10.0.0.1:9301",
        "http://0.0.0.0:9301",
        "http://localhost.example.com",
        "http://127.0.0.1:9301/x",
        "http://[::1",
        "http://127.0.0.1:",
        "ftp://localhost",
    ] {
        assert!(refusal(&["--public-url", bad]).contains("must b"), "{bad}");
    }
    assert!(parse(&["--trusted-proxy", "10.0.0.0/8", "--admin-host", "sidecar"]).is_ok());
    assert!(refusal(&["--admin-host", "Sidecar:80"]).contains("must be a host name"));
    assert!(parse(&["--gateway", "local=https://models.example.com"]).is_ok());
    for bad in ["local", "local=models", "=https://h", "local=https://h\n"] {
        assert!(refusal(&["--gateway", bad]).contains("REGION=URL"), "{bad}");
    }
    let both = ["--master-key-file", "/k", "--master-key-fd", "3"];
    assert!(refusal(&both).contains("not both"));
}

#[test]
fn a_snapshot_needs_a_region_and_a_file() {
    let parse = |line: &str| {
        let words = line.split(' ').map(OsString::from);
        Command::parse_with(words, |_| None)
    };
    let whole = parse("snapshot --data /d --region local --to /f");
    assert!(matches!(whole, Ok(Command::Snapshot { region, .. }) if region.as_str() == "local"));
    for missing in [
        "snapshot --data /d --to /f",
        "snapshot --data /d --region local",
    ] {
        let error = parse(missing).unwrap_err();
        assert!(
            matches!(error, ConfigError::Missing(_)),
            "{missing}: {error}"
        );
    }
}

#[test]
fn a_configuration_of_envoy_is_judged_without_settings() {
    let words = ["envoy", "lint", "dump.json"].map(OsString::from);
    let command = Command::parse_with(words, |_| None);
    assert!(matches!(command, Ok(Command::LintEnvoy { file }) if file.ends_with("dump.json")));
    let words = ["envoy", "lint"].map(OsString::from);
    assert!(Command::parse_with(words, |_| None).is_err());
}

#[test]
fn a_setting_has_one_name_wherever_it_is_written() {
    use clap::CommandFactory;
    let command = Arguments::command();
    let mut seen = 0;
    for setting in command.get_arguments() {
        let flag = setting.get_long().unwrap();
        let variable = setting.get_env().unwrap().to_str().unwrap();
        let expected = format!("LATCHKEY_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(variable, expected);
        assert_eq!(setting.get_id().as_str().replace('_', "-"), flag);
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_value_of_a_list_is_named_with_its_own_place() {
    let file = std::env::temp_dir().join(format!("sidecar-config-list-{}", std::process::id()));
    std::fs::write(&file, "seed-region = a\nseed-region = B\n").unwrap();
    let words = GOOD.iter().chain(&["--config"]).map(OsString::from);
    let words = words.chain([file.clone().into()]);
    let error = Command::parse_with(words, |_| None)
        .unwrap_err()
        .to_string();
    let place = format!("{}:2: seed-region must start", file.display());
    assert!(error.starts_with(&place), "{error}");
    std::fs::remove_file(&file).unwrap();
    let near = refusal(&["--seed-regoin", "a"]);
    assert!(near.contains("did you mean --seed-region?"), "{near}");
}
