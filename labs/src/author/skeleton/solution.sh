# One way to solve it, as `cargo xtask lab check` tries it. Students never get this file.
radix create mine
radix insert mine {{key}} 7
