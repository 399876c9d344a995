#!/usr/bin/env bash
# Gives the agent an order as obeya does: bash test.sh
set -uo pipefail
cd "$(dirname "$0")" || exit

failures=0
check() { # what, wanted, found
  if [[ $3 == "$2" ]]; then
    echo "ok: $1"
  else
    printf 'FAILED: %s\n  wanted %s\n  found  %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

title='Say "hello", then \ wait'
output=$(OBEYA_ORDER=WO-001 OBEYA_TITLE=$title OBEYA_PROMPT="WO-001: $title" bash agent.sh <<<'{"id":"WO-001"}')
check "it exits with 0" 0 $?
first=${output%%$'\n'*} last=${output##*$'\n'}
check "it says how it gets on" '{"type":"progress",*' "$([[ $first == '{"type":"progress",'* ]] && echo '{"type":"progress",*' || echo "$first")"
check "its last line says done, and quotes what it was given" \
  '{"result":"done","note":"read: Say \"hello\", then \\ wait"}' "$last"

[[ $failures == 0 ]] && echo "all passed"
exit "$failures"
