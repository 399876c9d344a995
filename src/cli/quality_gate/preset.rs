//! Gates for the tools that people use, as TOML to paste into `obeya.toml` and to change.

/// The presets by tool. Stages are those of a new ledger: a gate of `code` must have passed before an order leaves it.
pub(super) const PRESETS: &[(&str, &str)] = &[
    (
        "cargo",
        r#"[gates.compilation]
command = ["cargo", "check", "--locked", "--all-targets"]
timeout = "15m"
stage   = "code"

[gates.lint]
command  = ["cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings"]
timeout  = "15m"
stage    = "code"

[gates.tests]
command = ["cargo", "test", "--locked"]
timeout = "30m"
stage   = "test"
on_fail = { severity = "high", hold = "order" }

# Needs cargo-llvm-cov.
[gates.coverage]
command  = ["cargo", "llvm-cov", "--locked", "--json", "--summary-only"]
timeout  = "30m"
pass     = { number = { json = "/data/0/totals/lines/percent" }, at_least = 80 }
required = false
"#,
    ),
    (
        "npm",
        r#"[gates.compilation]
command = ["npm", "run", "build"]
timeout = "10m"
stage   = "code"

[gates.lint]
command = ["npm", "run", "lint"]
timeout = "10m"
stage   = "code"

[gates.tests]
command = ["npm", "test"]
timeout = "20m"
stage   = "test"
on_fail = { severity = "high", hold = "order" }
"#,
    ),
    (
        "pytest",
        r#"[gates.compilation]
command = ["python3", "-m", "compileall", "-q", "."]
timeout = "5m"
stage   = "code"

[gates.tests]
command = ["python3", "-m", "pytest", "-q"]
timeout = "20m"
stage   = "test"
on_fail = { severity = "high", hold = "order" }

# Needs pytest-cov.
[gates.coverage]
command  = ["python3", "-m", "pytest", "-q", "--cov"]
timeout  = "20m"
pass     = { number = { regex = '^TOTAL.*\s(\d+(?:\.\d+)?)%' }, at_least = 80 }
required = false
"#,
    ),
    (
        "go",
        r#"[gates.compilation]
command = ["go", "build", "./..."]
timeout = "10m"
stage   = "code"
env     = ["GOPATH", "GOCACHE", "GOFLAGS"]

[gates.lint]
command = ["go", "vet", "./..."]
timeout = "10m"
stage   = "code"
env     = ["GOPATH", "GOCACHE", "GOFLAGS"]

[gates.tests]
command = ["go", "test", "./..."]
timeout = "20m"
stage   = "test"
env     = ["GOPATH", "GOCACHE", "GOFLAGS"]
on_fail = { severity = "high", hold = "order" }
"#,
    ),
    (
        "mix",
        r#"[gates.compilation]
command = ["mix", "compile", "--warnings-as-errors"]
timeout = "15m"
stage   = "code"

[gates.lint]
command = ["mix", "format", "--check-formatted"]
timeout = "5m"
stage   = "code"

[gates.tests]
command = ["mix", "test"]
timeout = "20m"
stage   = "test"
on_fail = { severity = "high", hold = "order" }
"#,
    ),
    (
        "rebar3",
        r#"[gates.compilation]
command = ["rebar3", "compile"]
timeout = "15m"
stage   = "code"

[gates.lint]
command = ["rebar3", "dialyzer"]
timeout = "30m"
stage   = "code"

[gates.tests]
command = ["rebar3", "do", "eunit,", "ct"]
timeout = "30m"
stage   = "test"
on_fail = { severity = "high", hold = "order" }
"#,
    ),
];
