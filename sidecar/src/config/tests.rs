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
    assert_eq!(Command::parse([]).unwrap_err(), ConfigError::Command);
}

#[test]
fn a_missing_flag_is_named() {
    for left_out in [1, 3, 5, 7] {
        let words = GOOD.iter().enumerate();
        let words = words.filter(|(index, _)| *index != left_out && *index != left_out + 1);
        let error = Command::parse(words.map(|(_, word)| OsString::from(word))).unwrap_err();
        assert_eq!(error, ConfigError::Missing(GOOD[left_out]));
    }
}

#[test]
fn a_bad_value_says_what_to_write() {
    let cases: [(&[&str], &str); 6] = [
        (&["--data", "/e"], "--data must be given once"),
        (&["--port", "1"], "--port is not a flag"),
        (&["--seed-account"], "--seed-account needs a value"),
        (
            &["--seed-account", "Demo"],
            "--seed-account must start with",
        ),
        (&["--key-prefix", "sk"], "write for example sk-"),
        (&["--key-limit-default", "many"], "must be a whole number"),
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
            matches!(error, ConfigError::NotLoopback("--admin", _)),
            "{error}"
        );
        assert!(
            error.to_string().contains("write 127.0.0.1:80 or [::1]:80"),
            "{error}"
        );
    }
}
