#!/usr/bin/env bash
# An agent of obeya: it is started once for each work order, and its last line says what came of it.
#
# The order is in $OBEYA_ORDER, $OBEYA_TITLE and $OBEYA_PROMPT, and whole, as JSON, on standard input. `work` is yours to
# write. What is printed besides is kept in the log of the run: `obeya agent logs NAME`.
set -uo pipefail

# Does the order, and sets `note`. It has failed if it returns anything but 0; `blocked` says that a person is needed.
work() {
  local order=$1 # JSON; `jq -r .description <<<"$order"` takes it apart
  progress "reading $OBEYA_ORDER (${#order} bytes)" || return
  # Your work goes here: end each step with `|| return`, so that none is taken for done that failed.
  note="read: $OBEYA_TITLE"
}

# Says how it gets on, which renews the lease.
progress() { printf '{"type":"progress","note":%s}\n' "$(quoted "$1")"; }

# Says what came of the order, and ends.
result() {
  printf '{"result":"%s","note":%s}\n' "$1" "$(quoted "$2")"
  exit 0
}

blocked() { result blocked "$1"; }

# Prints a text as a string of JSON.
quoted() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}

# Told to end: nothing is said, and the order goes back.
trap 'exit 143' TERM

note=""
if work "$(cat)"; then
  result done "$note"
else
  result failed "${note:-work ended with code $?}"
fi
