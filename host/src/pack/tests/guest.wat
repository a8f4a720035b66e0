;; A plugin for tests: it takes no rules, leaves out every record, and misbehaves where a record's id begins with `x`:
;; the word in capitals below stands for how. $record is the guilty record then; $answered and $out, the answer's
;; length and place, can be changed.
(module
  (import "tidegate:mapping/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 65536))
  (global $calls (mut i32) (i32.const 0))

  ;; What `describe` answers: the manifest as the canonical ABI lays it out.
  (data (i32.const 1024)
    "\d0\07\00\00\04\00\00\00" "\da\07\00\00\05\00\00\00" "\e4\07\00\00\05\00\00\00" "\34\08\00\00\01\00\00\00"
    "\3e\08\00\00\01\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00"
    "\00\00\00\00\00\00\00\00" "\48\08\00\00\02\00\00\00")
  (data (i32.const 2000) "test") (data (i32.const 2010) "1.0.0") (data (i32.const 2020) "xplan")
  (data (i32.const 2030) "AU") (data (i32.const 2100) "\ee\07\00\00\02\00\00\00") (data (i32.const 2110) "\01")
  (data (i32.const 2120) "{}") (data (i32.const 2130) "/client/x") (data (i32.const 2140) "unknown key")

  (func $alloc (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1))))))
    (local.get $at))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $alloc (local.get 3)))

  (func (export "tidegate:mapping/mapper@1.0.0#describe") (result i32) (i32.const 1024))

  ;; Rules that begin with a key `x…` are refused, with one problem.
  (func (export "tidegate:mapping/mapper@1.0.0#configure") (param $rules i32) (param $length i32) (result i32)
    (if (i32.eq (i32.load8_u offset=2 (local.get $rules)) (i32.const 0x78)) (then
      (i32.store8 (i32.const 512) (i32.const 1))
      (i32.store (i32.const 516) (i32.const 600)) (i32.store (i32.const 520) (i32.const 1))
      (i32.store (i32.const 600) (i32.const 2130)) (i32.store (i32.const 604) (i32.const 9))
      (i32.store (i32.const 608) (i32.const 2140)) (i32.store (i32.const 612) (i32.const 11))))
    (i32.const 512))

  (func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))

  (func (export "tidegate:mapping/mapper@1.0.0#map")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $records i32) (param $count i32) (result i32)
    (local $out i32) (local $i i32) (local $record i32) (local $outcome i32) (local $answered i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $answered (local.get $count))
    (local.set $out (call $alloc (i32.mul (local.get $count) (i32.const 28))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $record (i32.add (local.get $records) (i32.mul (local.get $i) (i32.const 20))))
      (local.set $outcome (i32.add (local.get $out) (i32.mul (local.get $i) (i32.const 28))))
      (if (i32.eq (i32.load8_u (i32.load offset=4 (local.get $record))) (i32.const 0x78)) (then MISBEHAVE))
      ;; The outcome: the record's id, and `skipped` without diagnostics.
      (i32.store offset=0 (local.get $outcome) (i32.load offset=4 (local.get $record)))
      (i32.store offset=4 (local.get $outcome) (i32.load offset=8 (local.get $record)))
      (i32.store8 offset=8 (local.get $outcome) (i32.const 1))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 512) (local.get $out))
    (i32.store (i32.const 516) (local.get $answered))
    (i32.const 512))

  (func (export "tidegate:mapping/mapper@1.0.0#explain")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
  (func (export "tidegate:mapping/mapper@1.0.0#render-note") (param i32) (result i32) unreachable))
