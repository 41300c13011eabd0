;; What a toolchain for wasm32-wasip1 makes of a program: it writes its arguments, its environment
;; and its stdin to stdout, and ends with the status that its query asks for, 0 mostly.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 64) "Content-Type: text/plain\nX-Program: yes\n\n")

  (func $send (param $from i32) (param $length i32) (result i32)
    (i32.store (i32.const 16) (local.get $from))
    (i32.store (i32.const 20) (local.get $length))
    (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))

  (func $print (param $from i32) (param $length i32)
    (drop (call $send (local.get $from) (local.get $length))))

  (func (export "_start")
    (local $query i32)
    (call $print (i32.const 64) (i32.const 41))
    ;; Texts with a zero after each, at 4096; what points at them is below.
    (drop (call $args_sizes (i32.const 0) (i32.const 4)))
    (drop (call $args (i32.const 1024) (i32.const 4096)))
    (call $print (i32.const 4096) (i32.load (i32.const 4)))
    ;; The last byte of the second argument.
    (local.set $query (i32.load8_u (i32.sub (i32.add (i32.const 4096) (i32.load (i32.const 4))) (i32.const 2))))
    (drop (call $env_sizes (i32.const 0) (i32.const 4)))
    (drop (call $env (i32.const 1024) (i32.const 8192)))
    (call $print (i32.const 8192) (i32.load (i32.const 4)))
    (loop $more
      (i32.store (i32.const 16) (i32.const 65536))
      (i32.store (i32.const 20) (i32.const 65536))
      (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
      (if (i32.load (i32.const 24))
        (then
          (call $print (i32.const 65536) (i32.load (i32.const 24)))
          (br $more))))
    ;; `?…1` to `?…9` end with that status, `?…t` with a trap, `?…f` writes for as long as it can,
    ;; `?…l` never ends.
    (if (i32.eq (local.get $query) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $query) (i32.const 108)) (then (loop $on (br $on))))
    (if (i32.eq (local.get $query) (i32.const 102))
      (then (loop $flood (br_if $flood (i32.eqz (call $send (i32.const 65536) (i32.const 65536)))))))
    (if (i32.and (i32.ge_u (local.get $query) (i32.const 49)) (i32.le_u (local.get $query) (i32.const 57)))
      (then (call $exit (i32.sub (local.get $query) (i32.const 48)))))
    ;; `?…0` says so, and everything else returns.
    (if (i32.eq (local.get $query) (i32.const 48)) (then (call $exit (i32.const 0))))))
