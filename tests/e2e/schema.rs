//! The OpenAPI document against the sidecar that serves it: a tool that knows nothing else of it
//! (schemathesis) makes calls of every kind, right and wrong, and holds each answer to the document.
//! Case A-30.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::{Admin, python};

/// What the document's examples log in with.
const PASSWORD: &str = "correct horse battery";
const PACKAGE: &str = "schemathesis==4.32.5";

/// A sidecar that was described, and the tool.
struct Rig {
    stack: Stack,
    admin: Admin,
    tool: PathBuf,
}

impl Rig {
    fn start() -> Option<Self> {
        let python = python::with_packages("schemathesis", &[PACKAGE])?;
        let tool = python.with_file_name("schemathesis");
        let options = StackOptions {
            // The tool makes keys.
            sidecar_args: vec!["--key-limit-default".into(), "100000".into()],
            ..StackOptions::default()
        };
        let mut stack = Stack::prepare(options).unwrap();
        stack.start_sidecar().unwrap();
        let admin = Admin::of(&stack);
        Some(Self { stack, admin, tool })
    }

    /// The id of something that is made.
    fn make(&self, path: &str, body: &Value) -> String {
        let (status, made) = self.admin.call("POST", path, Some(body));
        assert_eq!(status, 201, "{path}: {made}");
        let id = made.get("id").or(made.get("secret_id")).unwrap();
        id.as_str().unwrap().to_owned()
    }

    /// Tells the tool which things there are, so that its calls get behind the first 404.
    fn write_config(&self) -> PathBuf {
        let home = json!({"account": "demo", "name": "n"});
        let with = |more: Value| {
            let mut body = home.clone();
            let members = more.as_object().unwrap().clone();
            body.as_object_mut().unwrap().extend(members);
            body
        };
        let request = json!({"account": "demo", "key_limit": 9, "reason": "r"});
        let token = with(json!({"capabilities": ["keys:read"]}));
        let things = [
            ("keys", with(json!({"region": "local"}))),
            ("users", with(json!({"role": "viewer"}))),
            ("tokens", token),
            ("access-keys", home.clone()),
            ("limit-requests", request),
        ];
        let mut text =
            "[parameters]\n\"path.region\" = \"local\"\n\"path.id\" = \"demo\"\n".to_owned();
        for (collection, body) in things {
            let id = self.make(&format!("/v1/{collection}"), &body);
            text.push_str(&format!(
                "[[operations]]\ninclude-path-regex = \"/v1/{collection}/\"\n\
                 parameters = {{ \"path.id\" = \"{id}\" }}\n"
            ));
        }
        let file = self.stack.run_dir().join("schemathesis.toml");
        fs::write(&file, text).unwrap();
        file
    }

    /// Runs the tool over some operations; gives how many it has tested.
    fn test(&self, config: &Path, headers: &[String], only: &[&str]) -> u64 {
        let mut command = Command::new(&self.tool);
        command.current_dir(self.stack.run_dir());
        command.arg("--config-file").arg(config);
        command
            .arg("run")
            .arg(format!("{}/openapi.json", self.stack.console_url()));
        // That what fits the document is accepted is not asked for: names are taken, tags are old.
        command.args([
            "--checks",
            "all",
            "--exclude-checks",
            "positive_data_acceptance",
        ]);
        command.args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
            "--seed",
            "1",
        ]);
        command.args(headers.iter().flat_map(|header| ["-H", header]));
        command.args(only);
        let output = command.env("NO_COLOR", "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let tested = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Tested:"));
        let cases = text.lines().find(|line| line.contains(" generated, "));
        println!("{}", cases.unwrap_or_default().trim());
        tested.and_then(|count| count.trim().parse().ok()).unwrap()
    }

    /// The headers of somebody who has logged in at our own page.
    fn session(&self) -> Vec<String> {
        let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
        let url = |path: &str| format!("{}{path}", self.stack.console_url());
        let body = json!({"user": "operator", "password": PASSWORD});
        let answer = agent.post(url("/v1/session")).send_json(&body).unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap();
        vec![format!("Cookie: {cookie}"), format!("Origin: {}", url(""))]
    }

    /// Gives the operator the password of the examples.
    fn set_password(&mut self) {
        let file = self.stack.sidecar_settings().setup_secret_file();
        let secret = fs::read_to_string(file).unwrap();
        let body = json!({"setup_secret": secret.trim(), "password": PASSWORD});
        let (status, answer) = self.admin.call("POST", "/v1/setup", Some(&body));
        assert_eq!(status, 200, "{answer}");
    }
}

fn operations(document: &Value) -> usize {
    let paths = document["paths"].as_object().unwrap();
    paths
        .values()
        .map(|methods| methods.as_object().unwrap().len())
        .sum()
}

#[test]
fn every_answer_of_every_operation_is_as_the_document_says() {
    let Some(mut rig) = Rig::start() else { return };
    let config = rig.write_config();
    rig.set_password();
    let token = rig.stack.operator_token().unwrap();
    let script = [format!("Authorization: Bearer {token}")];
    let tested = rig.test(&config, &script, &[]);
    let (_, document) = rig.admin.call("GET", "/openapi.json", None);
    println!("{tested} operations tested");
    assert_eq!(usize::try_from(tested).unwrap(), operations(&document));
    // What only a person may do; what ends the session comes last.
    let person = [
        "--include-path-regex",
        "^/v1/(me/totp|verifications|session)$",
        "--exclude-operation-id",
        "logOut",
        "--exclude-operation-id",
        "logIn",
    ];
    assert_eq!(rig.test(&config, &rig.session(), &person), 5);
    let last = [
        "--include-operation-id",
        "setPassword",
        "--include-operation-id",
        "logOut",
    ];
    assert_eq!(rig.test(&config, &rig.session(), &last), 2);
}
