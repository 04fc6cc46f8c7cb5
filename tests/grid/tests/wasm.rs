//! The grid as a wasm module: what Envoy runs decides as what the sidecar runs.
//!
//! Does not need Envoy: an interpreter in this process runs the module. Invariant: both builds
//! give the same digest over the outcomes of all cells.

#![cfg(test)]

use std::fs;

use wasmi::{Engine, Linker, Module, Store};

#[test]
fn wasm_and_native_decide_alike() {
    let file = envoy::build::wasm_of("grid").unwrap_or_else(|error| panic!("{error}"));
    let bytes = fs::read(&file).unwrap();
    let engine = Engine::default();
    let module = Module::new(&engine, &bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    let digest = instance
        .get_typed_func::<(), u64>(&store, "grid_digest")
        .unwrap();
    let in_wasm = digest.call(&mut store, ()).unwrap();
    println!("digest {in_wasm:016x} over {} cells", grid::cells().count());
    assert_eq!(in_wasm, grid::digest());
}
