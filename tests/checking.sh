# shellcheck shell=bash
# checking.sh - what tests of `fairlead check` are written with; sourced, by scripts whose first argument is BUILD. They
# run in $scratch.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$(cd "$1" && pwd)
fairlead=$build/cli/fairlead
export LC_ALL=C NO_COLOR=1
unset CC CXX
cd "$scratch" || exit 1
if [ "$(uname -m)" != x86_64 ]; then
	skip "the checker" "it is for x86-64"
	tap_end
fi

# Runs the command, which must not take for ever. What it says is in `out` and `err`.
tool() {
	timeout -s KILL 120 "$fairlead" "$@" >out 2>err </dev/null
}
# ends STATUS ARGUMENT... - the command ends with that status.
ends() {
	local wanted=$1 status
	shift
	tool "$@"
	status=$?
	cat out err
	[ "$status" = "$wanted" ] || { echo "status $status, not $wanted"; return 1; }
}
# refuses WORDS ARGUMENT... - it ends with status 2, and says these words on standard error.
refuses() {
	local words=$1
	shift
	ends 2 "$@" && grep -qF -- "$words" err
}
says() {
	cat out
	grep -qE -- "$1" out
}
# asks EXPRESSION [FILE] - a Python expression about the report r, in `out` or another file.
asks() {
	python3 - "$1" "${2-out}" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[2]))
		def ops(thread):
		    return [e["op"] for e in r["events"] if e["thread"] == thread]
		sys.exit(0 if eval(f"({sys.argv[1]})") else f"{sys.argv[1]} is not so in {json.dumps(r)[:3000]}")
	END
}
# program NAME [FLAG...] - compiles NAME.c, which is on standard input.
program() {
	cat >"$1.c"
	"$fairlead" cc -o "$1" "$1.c" "${@:2}" || { echo "Bail out! $1.c does not compile"; exit 1; }
}
