#!/bin/bash
# run-exports.sh BUILD - what the headers declare, what fairlead.map lists and what the shared library exports are the
# same functions.
#
# So nothing public is an inline function only (a language binding could not call it), and nothing internal can be
# linked to. In the static library, where hiding does not help, internal names end in `_`. shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
shared=$build/src/libfairlead.so
static=$build/src/libfairlead.a
map=$root/src/fairlead.map

# "name@node" for each entry of the export list.
listed() {
	awk '/^[A-Z].*\{/ { node = $1 } /^\t[a-z_0-9]+;$/ { sub(/;$/, "", $1); print $1 "@" node }' "$map" | sort
}

exported() {
	nm -D --defined-only --with-symbol-versions "$shared" | awk '$2 != "A" { sub(/@@/, "@", $3); print $3 }' | sort
}

# Names that can be linked to in the static library and are neither public nor marked as internal.
unmarked() {
	nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 && $3 !~ /_$/ { print $3 }' | sort -u |
		comm -23 - <(listed | sed 's/@.*//' | sort)
}

same() {
	diff "$1" "$2"
}

listed >"$scratch/listed"
exported >"$scratch/exported"
sed 's/@.*//' "$scratch/listed" >"$scratch/listed-names"
"$root/scripts/public-functions" >"$scratch/declared"
unmarked >"$scratch/unmarked"

check "there are public functions" test -s "$scratch/declared"
check "fairlead.map lists what the headers declare" same "$scratch/declared" "$scratch/listed-names"
check "the shared library exports what fairlead.map lists, in its node" same "$scratch/listed" "$scratch/exported"
check "internal names that can be linked to end in _" same /dev/null "$scratch/unmarked"

# Whether the dynamic section has a line like this.
dynamic() {
	readelf -dW "$shared" | grep -qE "$1"
}

needs_only_libc() {
	! readelf -dW "$shared" | grep NEEDED | grep -vE '\[(libc|libgcc_s|ld-linux-[a-z0-9-]+)\.so'
}

check "the soname is libfairlead.so.0" dynamic 'soname: \[libfairlead\.so\.0\]'
check "symbols are bound when it is loaded" dynamic 'FLAGS.*BIND_NOW'
check "it is never unloaded" dynamic 'FLAGS_1.*NODELETE'
check "it needs nothing but the C library" needs_only_libc
tap_end
