;; A plugin that shares the gate's vm_id and writes what a request tells it to: the slot in x-slot gets
;; the text in x-value (nothing without it), the gauge in x-gauge a number that nothing is above; to that
;; in x-add the same is added, and from that in x-take one is taken.
(module
  (import "env" "proxy_get_property" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
  (import "env" "proxy_increment_metric" (func $add (param i32 i64) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "request\00headers\00x-slot")
  (data (i32.const 96) "request\00headers\00x-value")
  (data (i32.const 128) "request\00headers\00x-gauge")
  (data (i32.const 160) "request\00headers\00x-add")
  (data (i32.const 192) "request\00headers\00x-take")
  (global $free (mut i32) (i32.const 4096))
  ;; Adds to the gauge that the header names whose path is at $path.
  (func $change (param $path i32) (param $size i32) (param $by i64)
    (if (i32.eqz (call $get (local.get $path) (local.get $size) (i32.const 0) (i32.const 4)))
      (then
        (drop (call $define
          (i32.const 1) (i32.load (i32.const 0)) (i32.load (i32.const 4)) (i32.const 16)))
        (drop (call $add (i32.load (i32.const 16)) (local.get $by))))))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param i32) (result i32)
    global.get $free
    global.get $free local.get 0 i32.add global.set $free)
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $free (i32.const 4096))
    (i64.store (i32.const 8) (i64.const 0))
    (if (i32.eqz (call $get (i32.const 64) (i32.const 22) (i32.const 0) (i32.const 4)))
      (then
        (drop (call $get (i32.const 96) (i32.const 23) (i32.const 8) (i32.const 12)))
        (drop (call $set
          (i32.load (i32.const 0)) (i32.load (i32.const 4))
          (i32.load (i32.const 8)) (i32.load (i32.const 12)) (i32.const 0)))))
    (if (i32.eqz (call $get (i32.const 128) (i32.const 23) (i32.const 0) (i32.const 4)))
      (then
        (drop (call $define
          (i32.const 1) (i32.load (i32.const 0)) (i32.load (i32.const 4)) (i32.const 16)))
        (drop (call $record (i32.load (i32.const 16)) (i64.const 0x4000000000000000)))))
    (call $change (i32.const 160) (i32.const 21) (i64.const 0x4000000000000000))
    (call $change (i32.const 192) (i32.const 22) (i64.const -1))
    (i32.const 0)))
