#!/bin/bash
# run-check-models.sh BUILD [NAME...] - the programs of tests/check/models under the checker, in all three engines.
#
# Each program asserts what has to hold in every schedule if the checker's model of what it uses is right, and each must
# come through. One whose first lines say `check: fails TEXT` must fail instead, with a verdict that has TEXT in it;
# with `check: options OPTION...` it is compiled with these.
source "$(dirname "$0")/tap.sh"

build=$(cd "$1" && pwd)
shift
library=$build/src/check/libtsan.so.2
models=$root/tests/check/models
runs=${RUNS:-100}
engines=(any snapshot process kernel)

compile() {
	local source=$1 program=$2 compiler=${CC:-gcc} options
	[[ $source == *.cc ]] && compiler=${CXX:-g++}
	options=$(sed -n '1,12s/.*check: options //p' "$source")
	# shellcheck disable=SC2086 # several options
	"$compiler" -D_GNU_SOURCE -g -O1 -fsanitize=thread -pthread $options -o "$program" "$source"
}

# Succeeds if the program comes through, or fails as it should.
run() {
	local program=$1 engine=$2 wanted=$3 said
	shift 3
	said=$(timeout 120 "$scratch/drive" "$library" "$engine" "$runs" 1 "$program" </dev/null) &&
		[ -z "$wanted" ] && return
	echo "$said"
	[ -n "$wanted" ] && [[ $said == *"$wanted"* ]]
}

check "the library is there" test -e "$library" || tap_end
check "the driver is compiled" "${CC:-gcc}" -D_GNU_SOURCE -O1 -o "$scratch/drive" "$root/tests/check/drive.c"
for source in "$models"/*.c "$models"/*.cc; do
	name=$(basename "${source%.*}")
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	check "$name is compiled" compile "$source" "$scratch/$name"
	wanted=$(sed -n '1,12s/.*check: fails //p' "$source")
	for engine in 1 2 3; do
		check "$name, ${engines[engine]} engine" run "$scratch/$name" "$engine" "$wanted"
	done
done
tap_end
