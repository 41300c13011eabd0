;; A program that computes for longer than a turn while it starts, and then sleeps, and traps.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $own (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $own))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $own (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core module $program
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (func $start (local $rounds i64)
      (loop $again
        (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get $rounds) (i64.const 60000000))))
      ;; Nanoseconds.
      (call $block (call $subscribe (i64.const 3000000000)))
      unreachable)
    (start $start)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $instance (instantiate $program (with "host" (instance
    (export "subscribe" (func $subscribe))
    (export "block" (func $block))))))
  (func $run (result (result)) (canon lift (core func $instance "run")))
  (instance $interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $interface)))
