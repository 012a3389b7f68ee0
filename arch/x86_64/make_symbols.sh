#!/bin/sh
# Makes the table of function names that a panic prints (panic.cpp, find_symbol) from a linked kernel.
#
#   make_symbols.sh NM KERNEL > symbols.S
#
# Text comes before the table in the image, so adding the table moves no function.
set -eu
"$1" -C --defined-only "$2" | awk '
  $2 ~ /^[tTwW]$/ && $1 ~ /^ffffffff8/ {
    address = $1; sub(/^[^ ]+ [^ ]+ /, ""); name = $0
    sub(/\(.*/, "", name); sub(/ \[clone.*/, "", name); gsub(/[\\"]/, "", name)
    print address, name
  }' | LC_ALL=C sort -u -k1,1 | awk '
  { offset[n] = substr($1, 9); sub(/^[^ ]+ /, ""); name[n] = $0; n++ }
  END {
    print ".section .symbols, \"a\"\nbase: .long " n
    for (i = 0; i < n; i++) printf ".long 0x%s - 0x80000000, n%d - base\n", offset[i], i
    for (i = 0; i < n; i++) printf "n%d: .asciz \"%s\"\n", i, name[i]
  }'
