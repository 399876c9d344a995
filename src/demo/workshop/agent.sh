#!/bin/sh
# An agent of the demo. It takes one order from the host, writes a small program for it and tests that call it, and moves
# the order along. What counts is seen by the gates, which run what it wrote: now and then it forgets a test, is found
# out, and whoever takes the order next finds its files and mends them.
#
# usage: agent.sh OBEYA SECONDS    obeya itself, and how long a step takes
set -u
obeya=$1
pause=$2
parts=4
program=parts/$OBEYA_ORDER.sh
tests=tests/$OBEYA_ORDER.sh
tries=tries/$OBEYA_ORDER
mkdir -p parts tests tries

progress() {
  printf '{"type": "progress", "note": "%s"}\n' "$1"
  sleep "$pause"
}

ended() {
  printf '{"result": "%s", "note": "%s", "sku": "%s"}\n' "$1" "$2" "$program"
  exit 0
}

# What an alert holds does not move: then the agent waits for the andon.
moved() {
  until said=$("$obeya" work-order move "$OBEYA_ORDER" "$1" 2>&1); do
    case $said in
      *ALERT-*) progress "waiting for the andon" ;;
      *) echo "$said"; ended failed "could not move on to $1" ;;
    esac
  done
}

# Everybody forgets something once, on one order in four.
careless() {
  sum=$(printf %s "$OBEYA_ORDER" | cksum | cut -d ' ' -f 1)
  [ $((sum % 4)) -eq 0 ] && [ "$(wc -l <"$tries")" -le 1 ]
}

echo "$OBEYA_AGENT" >>"$tries"
echo "$OBEYA_ORDER: $OBEYA_TITLE"

if [ "$OBEYA_STAGE" = design ]; then
  progress "reading what is asked"
  moved code
fi

: >"$program"
: >"$tests"
part=1
while [ "$part" -le "$parts" ]; do
  progress "writing part $part of $parts"
  echo "part_$part() { echo 'part $part of $OBEYA_ORDER'; }" >>"$program"
  if [ "$part" -lt "$parts" ] || ! careless; then
    echo "part_$part | grep -q 'part $part of $OBEYA_ORDER' || exit 1" >>"$tests"
  fi
  part=$((part + 1))
done

[ "$OBEYA_STAGE" = test ] || moved test
progress "running the tests"
progress "reading it once more"
ended done "$parts parts, tested"
