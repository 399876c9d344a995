#!/bin/sh
# A gate of the demo: runs an order's tests against its program, and says how much of the program they call, in percent.
set -eu
program=parts/$OBEYA_ORDER.sh
tests=tests/$OBEYA_ORDER.sh
cat "$program" "$tests" | sh
written=$(grep -c '^part_[0-9]*()' "$program")
called=$(grep -c '^part_[0-9]* |' "$tests")
echo "{\"coverage\": $((100 * called / written))}"
