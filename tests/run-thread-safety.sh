#!/bin/bash
# run-thread-safety.sh - does the compiler find locking mistakes, and only those?
#
# Compiles each tests/thread-safety/*.c with clang-22's thread-safety analysis and compares its warnings with the marks
# in the file:
#
#     value++; /* expect: part of the warning's text */
#
# Each mark must be answered by a warning on its line that contains the text, and each warning by a mark. A file without
# marks must compile in silence. CLANG names another compiler.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

clang=${CLANG:-clang-22}
flags=(-std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wthread-safety -Wthread-safety-beta)

# Prints "line:text" of a file's marks; of a compilation's warnings and errors.
marks() {
	awk 'match($0, /\/\* expect: .* \*\//) { print NR ":" substr($0, RSTART + 11, RLENGTH - 14) }' "$1"
}
warnings() {
	sed -n -E 's/^[^:]+:([0-9]+):[0-9]+: (warning|error|fatal error): (.*)$/\1:\3/p'
}

# Prints what was expected and did not come, and what came and was not expected; fails if there is any.
compare() {
	awk '
	function line(s) { return substr(s, 1, index(s, ":") - 1) }
	function text(s) { return substr(s, index(s, ":") + 1) }
	FILENAME == ARGV[1] { mark[++marks] = $0; next }
	{
		for (i = 1; i <= marks; i++)
			if (!(i in met) && line(mark[i]) == line($0) && index(text($0), text(mark[i]))) {
				met[i] = 1
				next
			}
		print "not expected, line " $0
		bad = 1
	}
	END {
		for (i = 1; i <= marks; i++)
			if (!(i in met)) {
				print "missing, line " mark[i]
				bad = 1
			}
		exit bad
	}' "$1" "$2"
}

as_marked() {
	if ! "$clang" "${flags[@]}" -I"$root/include" -fsyntax-only "$1" 2>"$scratch/output"; then
		cat "$scratch/output"
		return 1
	fi
	marks "$1" >"$scratch/marks"
	warnings <"$scratch/output" >"$scratch/warnings"
	compare "$scratch/marks" "$scratch/warnings"
}

for file in "$root"/tests/thread-safety/*.c; do
	name="$(basename "$file"): $(marks "$file" | wc -l) planted, all found, and nothing else"
	if command -v "$clang" >/dev/null; then
		check "$name" as_marked "$file"
	else
		skip "$name" "$clang is not installed"
	fi
done
tap_end
