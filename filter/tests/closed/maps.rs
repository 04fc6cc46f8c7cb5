//! Objects whose members are called as models are: below `models`, `model_weights` and their like the
//! members' own names count.
//!
//! Invariant: each attack has an honest twin that passes, so that it is refused for the name.

use super::targets;

/// Members with a `#` where a model's name stands as a member's.
const MAPS: [&str; 14] = [
    r##""x":{"models":{"#":{"weight":1}}}"##,
    r##""x":{"models":{"#":1}}"##,
    r##""x":{"models":{"#":true}}"##,
    r##""x":{"models":{"#":null}}"##,
    r##""x":{"models":{"#":[{"region":"x"}]}}"##,
    r##""x":{"y":[{"target_models":{"#":{}}}]}"##,
    r##""x":{"deployments":{"#":{"weight":0.5}}}"##,
    r##""x":{"model_overrides":{"#":{"temperature":1}}}"##,
    r##""x":{"modelWeights":{"#":0.5}}"##,
    r##""x":{"MODEL-MAP":{"#":[]}}"##,
    r##""x":{"model_aliases":{"#":{}}}"##,
    r##""x":{"deployment_mapping":{"#":0}}"##,
    r##""x":{"variants":{"#":{"weight":1}}}"##,
    r##""x":{"variant_weights":{"#":0.5}}"##,
];

#[test]
fn members_that_are_called_as_models_are_judged() {
    for target in targets() {
        for map in MAPS {
            // Some begin with a word that chooses.
            for bad in ["bad-1", "model-bad-1"] {
                let body = target.with(&map.replace('#', bad));
                assert_ne!(target.send(&body), 200, "{} {body}", target.row.rule);
            }
            let body = target.with(&map.replace('#', "good-1"));
            assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
        }
    }
}

#[test]
fn texts_of_an_object_that_says_what_is_run_are_judged() {
    for target in targets() {
        for object in [
            r##""x":{"model":{"id":"#"}}"##,
            r##""x":{"deployment_id":{"value":"#"}}"##,
            r##""x":{"variant":{"id":"#"}}"##,
            r##""x":{"model_variant":{"which":"#"}}"##,
            r##""engine":{"id":"#"}"##,
            r##""engine_id":{"value":["#"]}"##,
        ] {
            let body = target.with(&object.replace('#', "bad-1"));
            assert_ne!(target.send(&body), 200, "{} {body}", target.row.rule);
            let body = target.with(&object.replace('#', "good-1"));
            assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
        }
    }
}

#[test]
fn a_map_of_one_model_to_another_is_judged_by_both() {
    for target in targets() {
        for member in ["models", "model_map", "model_aliases"] {
            for (from, to) in [("good-1", "bad-1"), ("bad-1", "good-1")] {
                let by_list = format!(r#""x":{{"{member}":{{"{from}":["{to}"]}}}}"#);
                let body = target.with(&by_list);
                assert_ne!(target.send(&body), 200, "{} {body}", target.row.rule);
            }
            let body = target.with(&format!(r#""x":{{"{member}":{{"good-1":"bad-1"}}}}"#));
            assert_ne!(target.send(&body), 200, "{} {body}", target.row.rule);
        }
    }
}

#[test]
fn what_a_model_is_run_with_has_names_of_its_own() {
    for target in targets() {
        for honest in [
            r#""model_config":{"sampling":{"top_k":1}}"#,
            r#""modelParameters":{"temperature":1}"#,
            r#""additionalModelRequestFields":{"thinking":{"type":"enabled"}}"#,
            r#""model_kwargs":{"rope_scaling":{"factor":2}}"#,
            r#""x":{"models":[{"id":"good-1","limits":{"rpm":1}}]}"#,
            r#""x":{"models":{"metadata":{"owner":"me"}}}"#,
        ] {
            let body = target.with(honest);
            assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
        }
    }
}
