#!/bin/sh
# link_core.sh LD NM OBJCOPY OUTPUT OBJECT...: links the core to one object whose inline functions, vtables and templates
# are local, so that they stay instrumented, and those of whoever links it stay as they are. Inline constants (nm's `u`)
# may be merged: they are data. What copies and fills memory is the machine's, that knows what it costs.
set -eu
ld=$1 nm=$2 objcopy=$3 output=$4
shift 4
"$ld" -r --force-group-allocation -o "$output.linked" "$@"
"$nm" "$output.linked" | awk '$2 ~ /^[WV]$/ { print $3 }' > "$output.local"
"$objcopy" --localize-symbols="$output.local" --redefine-sym memcpy=takt_core_memcpy \
  --redefine-sym memmove=takt_core_memmove --redefine-sym memset=takt_core_memset "$output.linked" "$output"
rm "$output.linked"
if "$nm" "$output" | awk '$2 ~ /^[WV]$/' | grep .; then
  echo "link_core.sh: the linker may merge these of $output with others" >&2
  rm "$output"
  exit 1
fi
