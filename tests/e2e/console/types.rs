//! The page's modules are checked by TypeScript, as the comments in them say what they take.
//!
//! The compiler and the types of what others made come from npm; where it is out of reach, that is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::node::Packages;

const PACKAGES: [&str; 3] = ["typescript@7.0.2", "preact@11.2.0", "htm@3.1.1"];

/// The published modules, and whose types they have.
const TYPES: [(&str, &str); 3] = [
    ("preact.d.mts", "export * from 'preact';"),
    ("hooks.d.mts", "export * from 'preact/hooks';"),
    ("htm.d.mts", "export { default } from 'htm';"),
];

/// As strict as code without types of its own can be: what is said is held to.
const SETTINGS: &str = r#"{"compilerOptions": {
    "target": "es2024", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2024", "dom", "dom.iterable"],
    "allowJs": true, "checkJs": true, "noEmit": true, "strict": true, "noImplicitAny": false,
    "useUnknownInCatchVariables": false, "skipLibCheck": true, "types": []
}, "include": ["**/*.js"]}"#;

#[test]
fn the_types_of_the_page_are_sound() {
    let Some(packages) = Packages::install("types", &PACKAGES) else {
        return;
    };
    let copy = packages.path("web");
    let _ = fs::remove_dir_all(&copy);
    copy_folder(&super::texts::web(), &copy);
    for (file, types) in TYPES {
        fs::write(copy.join("vendor").join(file), types).unwrap();
    }
    fs::write(copy.join("tsconfig.json"), SETTINGS).unwrap();
    let compiler = packages.path("node_modules/typescript/bin/tsc");
    let output = Command::new("node")
        .arg(compiler)
        .arg("--project")
        .arg(&copy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, target).unwrap()),
        }
    }
}
