#!/bin/sh
# A gate of the demo: what an agent wrote has to be a program.
exec sh -n "parts/$OBEYA_ORDER.sh"
