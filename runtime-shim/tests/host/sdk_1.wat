;; A core module as spin-sdk 1 built them. Answers 422 with why there is no variable `greeting`.
(module
  (import "spin-config" "get-config" (func $config (param i32 i32 i32)))
  (memory (export "memory") 4)
  (data (i32.const 16) "greeting")
  (global $free (mut i32) (i32.const 1024))
  (func (export "canonical_abi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and
      (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func (export "canonical_abi_free") (param i32 i32 i32))
  (func (export "handle-http-request")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    ;; At 32: whether it is an error, at 36 which, at 40 and 44 its text.
    (call $config (i32.const 16) (i32.const 8) (i32.const 32))
    ;; At 64 a status, at 68 no headers, at 80 a body.
    (i32.store16 (i32.const 64)
      (i32.add (i32.const 200) (i32.mul (i32.const 222) (i32.load8_u (i32.const 32)))))
    (i32.store8 (i32.const 80) (i32.const 1))
    (i64.store (i32.const 84) (i64.load (i32.const 40)))
    (i32.const 64)))
