//! What can be said of the manifests without running anything.
//!
//! Invariant: each finds a mistake that is planted, or compares with another truth.

use std::path::Path;
use std::process::Command;

use envoy::files::RunDir;
use envoy::render::{self, RenderCommand};
use serde_json::{Value, json};
use tests::python;

use super::{FILES, RENDER, containers, documents, home, manifest, pods, read};

const PACKAGE: &str = "kubernetes-validate==1.37.0";
const JUDGE: &str = "
import json, sys, kubernetes_validate
faults = []
for document in json.load(sys.stdin):
    try:
        kubernetes_validate.validate(document, '1.37', strict=True)
    except Exception as fault:
        faults.append('%s: %s' % (document['kind'], fault))
print(json.dumps(faults))";

fn faults(python: &Path, documents: &[Value]) -> Value {
    let dir = RunDir::temporary().unwrap();
    let file = dir.file("manifests.json");
    std::fs::write(&file, Value::from(documents.to_vec()).to_string()).unwrap();
    let mut judge = Command::new(python);
    judge
        .args(["-c", JUDGE])
        .stdin(std::fs::File::open(&file).unwrap());
    let output = judge.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

#[test]
fn the_schemas_of_kubernetes_take_them() {
    let Some(python) = python::with_packages("kubernetes", &[PACKAGE]) else {
        return;
    };
    let mut documents = documents();
    assert_eq!(documents.len(), 9);
    assert_eq!(faults(&python, &documents), json!([]));
    let set = documents
        .iter_mut()
        .find(|document| document["kind"] == "StatefulSet")
        .unwrap();
    set["spec"]["replicas"] = json!("one");
    let found = faults(&python, &documents).to_string();
    assert!(
        found.contains("StatefulSet: "),
        "a mistake is found: {found}"
    );
}

#[test]
fn kustomize_puts_all_of_them_together() {
    let kustomization = tests::yaml::document(&read("kustomization.yaml"));
    assert_eq!(kustomization["resources"], json!(FILES));
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(home())
        .output();
    let Ok(output) = output else {
        return eprintln!("skipped: there is no kubectl on this machine");
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let built = tests::yaml::documents(&String::from_utf8(output.stdout).unwrap());
    // The bootstrap's ConfigMap on top, under a name that changes with it.
    assert_eq!(built.len(), documents().len() + 1);
    let map = built
        .iter()
        .find(|document| document["kind"] == "ConfigMap")
        .unwrap();
    let deployment = built
        .iter()
        .find(|document| document["kind"] == "Deployment")
        .unwrap();
    let volumes = &deployment["spec"]["template"]["spec"]["volumes"];
    assert_eq!(volumes[0]["configMap"]["name"], map["metadata"]["name"]);
}

#[test]
fn nothing_asks_for_more_than_the_restricted_profile_gives() {
    for (name, pod) in pods() {
        let spec = &pod["spec"];
        let context = &spec["securityContext"];
        assert_eq!(context["runAsNonRoot"], json!(true), "{name}");
        assert_eq!(context["runAsUser"], json!(10001), "{name}");
        assert_eq!(
            context["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        assert_eq!(spec["automountServiceAccountToken"], json!(false), "{name}");
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(spec[host].is_null(), "{name}: {host}");
        }
        for volume in spec["volumes"].as_array().unwrap() {
            let kinds = ["configMap", "emptyDir", "secret"];
            assert!(
                kinds.iter().any(|kind| volume[kind].is_object()),
                "{volume}"
            );
        }
        for container in containers(&pod) {
            let name = container["name"].as_str().unwrap();
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], json!(false), "{name}");
            assert_eq!(context["readOnlyRootFilesystem"], json!(true), "{name}");
            assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{name}");
            for of in ["requests", "limits"] {
                assert!(
                    container["resources"][of]["memory"].is_string(),
                    "{name}: {of}"
                );
            }
            assert!(container["env"].to_string().find("SECRET").is_none());
        }
    }
}

#[test]
fn images_are_of_this_release_and_nobody_elses() {
    let envoy = std::fs::read_to_string(home().join("../Dockerfile")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    for (_, pod) in pods() {
        for container in containers(&pod) {
            let image = container["image"].as_str().unwrap();
            match image.strip_prefix("registry.example.com/latchkey/") {
                Some(ours) => assert!(ours.ends_with(&format!(":{version}")), "{image}"),
                None => assert!(envoy.contains(&format!("ENVOY_IMAGE={image}\n")), "{image}"),
            }
        }
    }
    assert!(read("kustomization.yaml").contains(&format!("newTag: {version}\n")));
}

#[test]
fn the_bootstrap_is_what_render_prints() {
    let root = home().join("../..");
    let args = RENDER
        .split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((place, file)) => format!("{place}={}", root.join(file).display()),
            None => word.to_owned(),
        });
    let Ok(RenderCommand::Print(bootstrap)) =
        render::parse(std::iter::once("render".to_owned()).chain(args))
    else {
        panic!("render does not understand {RENDER}");
    };
    let rendered = bootstrap.render().unwrap();
    let shipped = read("bootstrap.yaml");
    let first = rendered
        .lines()
        .zip(shipped.lines())
        .find(|(one, other)| one != other);
    assert_eq!(
        first, None,
        "print envoy/kubernetes/bootstrap.yaml anew: docs/kubernetes.md"
    );
    assert_eq!(rendered.len(), shipped.len());
    let page = std::fs::read_to_string(root.join("docs/kubernetes.md")).unwrap();
    let page = page.replace("\\\n", " ");
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = RENDER.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(&command),
        "docs/kubernetes.md has the command"
    );
}

/// Whether labels have what a selector asks for.
fn selects(selector: &Value, labels: &Value) -> bool {
    let asked = selector.as_object().unwrap();
    !asked.is_empty() && asked.iter().all(|(name, value)| &labels[name] == value)
}

#[test]
fn services_budgets_and_policies_select_pods_that_there_are() {
    let pods = pods();
    let mut selected = 0;
    for document in documents() {
        let selector = match document["kind"].as_str().unwrap() {
            "Service" => &document["spec"]["selector"],
            "PodDisruptionBudget" => &document["spec"]["selector"]["matchLabels"],
            "NetworkPolicy" if document["metadata"]["name"] != "nothing-else" => {
                &document["spec"]["podSelector"]["matchLabels"]
            }
            "StatefulSet" | "Deployment" => &document["spec"]["selector"]["matchLabels"],
            _ => continue,
        };
        let found: Vec<_> = pods
            .iter()
            .filter(|(_, pod)| selects(selector, &pod["metadata"]["labels"]))
            .collect();
        assert_eq!(
            found.len(),
            1,
            "{}: {selector}",
            document["metadata"]["name"]
        );
        let ports = document["spec"]["ports"].as_array().into_iter().flatten();
        for port in ports.map(|port| &port["targetPort"]) {
            assert!(ports_of(&found[0].1).contains(port), "{port}");
        }
        selected += 1;
    }
    assert_eq!(selected, 7);
}

fn ports_of(pod: &Value) -> Vec<Value> {
    let ports = containers(pod)
        .into_iter()
        .filter_map(|container| container["ports"].as_array());
    ports.flatten().map(|port| port["name"].clone()).collect()
}

#[test]
fn nobody_may_talk_who_is_not_named() {
    let nothing = manifest("NetworkPolicy", "nothing-else");
    let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    assert_eq!(nothing["spec"], spec);
    let sidecar = &manifest("NetworkPolicy", "latchkey-sidecar")["spec"]["ingress"];
    for rule in sidecar.as_array().unwrap() {
        assert!(
            rule["from"].as_array().is_some_and(|from| !from.is_empty()),
            "{rule}"
        );
    }
}

#[test]
fn every_volume_that_is_mounted_is_there_and_every_one_is_used() {
    for (name, pod) in pods() {
        let volumes = pod["spec"]["volumes"].as_array().unwrap().iter();
        let mut there: Vec<&str> = volumes
            .map(|volume| volume["name"].as_str().unwrap())
            .collect();
        if name == "latchkey-sidecar" {
            there.push("data");
        }
        let mounts = containers(&pod)
            .into_iter()
            .flat_map(|container| container["volumeMounts"].as_array().unwrap());
        let used: Vec<&str> = mounts
            .map(|mount| mount["name"].as_str().unwrap())
            .collect();
        for volume in &used {
            assert!(there.contains(volume), "{name}: {volume}");
        }
        for volume in &there {
            assert!(used.contains(volume), "{name}: {volume}");
        }
    }
    assert!(Path::new(&home().join("metrics/listeners.yaml")).exists());
}
