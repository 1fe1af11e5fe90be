#!/bin/bash
# run-man.sh BUILD - is what the pages say true? The man pages, docs/guide.md and README.md. (What those of
# section 1 say of options is compared with the command by run-frames-command.sh.)
#
# A man page renders without a warning, has its sections, lists every function of its header in the NAME line (from
# which docs/meson.build makes the names that man finds it by), declares each in the SYNOPSIS as the header does, and
# refers to pages that exist. Every program in a page compiles without a warning, links, runs, and prints what the page
# says; in the Markdown pages what has no main compiles at least. The block after a line that begins with "It prints"
# is the output of the program before it.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
pages=$root/docs/man
library=$build/src/libfairlead.a
warnings=(-std=gnu11 -Wall -Wextra -Werror)
# What a piece without a main may use without including it.
prelude=(-include fairlead/fairlead.h -include errno.h -include stdatomic.h -include stdio.h)

# Prints the code blocks of a page's section as C; scdoc reads a backslash as an escape in them too.
section_code() {
	awk -v wanted="# $2" '
		/^```/ { inside = !inside; next }
		inside && section == wanted { print }
		!inside && /^# / { section = $0 }' "$1" | sed 's/\\\(.\)/\1/g'
}

# examples FILE DIRECTORY - writes the file's Nth piece of C to N.c and what it prints to N.out.
examples() {
	mkdir -p "$2"
	awk -v directory="$2" -v man="$([ "${1%.scd}" = "$1" ] || echo yes)" '
		/^```/ && inside { inside = 0; prints = 0; close(file); next }
		/^```/ && (prints || (man ? section == "# EXAMPLE" : $0 == "```c")) {
			inside = 1
			file = directory "/" (prints ? n ".out" : ++n ".c")
			printf "" >file
			next
		}
		/^```/ { inside = 1; file = "/dev/null"; next }
		inside { print >file; next }
		/^# / { section = $0 }
		/^It prints/ { prints = 1 }' "$1"
	[ "${1%.scd}" = "$1" ] || sed -i 's/\\\(.\)/\1/g' "$2"/*
}

# Succeeds if the command says nothing, to standard output either, and succeeds.
in_silence() {
	! "$@" 2>&1 | grep . && [ "${PIPESTATUS[0]}" = 0 ]
}

format() {
	in_silence groff -k -t -ww -man -Tutf8 -z "$1"
}
renders() {
	scdoc <"$1" >"$scratch/page" && format "$scratch/page"
}

# The names that the NAME line lists.
names() {
	awk '
		/^# / { inside = $0 == "# NAME"; next }
		inside { line = line " " $0 }
		END { sub(/ - .*/, "", line); gsub(/ /, "", line); gsub(/,/, "\n", line); print line }' "$1"
}

has_its_sections() {
	local wanted="NAME SYNOPSIS DESCRIPTION RETURN ERRORS NOTES EXAMPLE SEE"

	[ "${1%.1.scd}" = "$1" ] || wanted="NAME SYNOPSIS DESCRIPTION OPTIONS EXIT EXAMPLE SEE"
	[ "$(basename "$1")" != fairlead.7.scd ] || wanted="NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXAMPLE SEE"
	diff <(sed -n 's/^# \([A-Z]*\).*/\1/p' "$1") <(tr ' ' '\n' <<<"$wanted")
}

# Prints the functions that a C file declares, itself or in a header, by the path of that.
declared() {
	gcc -std=gnu11 -include stddef.h -I"$root/include" -fsyntax-only -aux-info /dev/stdout -x c "$1" |
		sed -n "s,^/\* $2:[^*]*\*/ extern .*[ *]\(fl_[a-z0-9_]*[a-z0-9]\) (.*,\1,p" | sort -u
}
declares_its_functions() {
	local header
	header=$root/include/fairlead/$(basename "$1" .3.scd | sed 's/^fl_//').h

	section_code "$1" SYNOPSIS >"$scratch/synopsis.c"
	gcc "${warnings[@]}" -include stddef.h -I"$root/include" -fsyntax-only "$scratch/synopsis.c" || return
	[ -e "$header" ] || return 0
	declared "$scratch/synopsis.c" "$header" >"$scratch/functions"
	# processor.h has types and an object that its user defines; of any other header, none found means a mistake
	# here.
	if [ "$(basename "$header")" = processor.h ]; then
		in_silence cat "$scratch/functions"
		return
	fi
	[ -s "$scratch/functions" ] || { echo "no functions found in $header"; return 1; }
	diff "$scratch/functions" <(declared "$scratch/synopsis.c" "$scratch/synopsis.c") || return
	names "$1" | sort | comm -23 "$scratch/functions" - | sed 's/^/not in NAME: /' | in_silence cat
}

refers_to_pages() {
	grep -oE '\*(fl_[a-z_]*|fairlead[a-z-]*)\*\([137]\)' "$1" | tr -d '*()' | sort -u |
		grep -vxFf "$scratch/all-names" | sed 's/^/no such page: /' | in_silence cat
}

builds() {
	local compiler

	if ! grep -q '^int main(' "$1"; then
		gcc "${warnings[@]}" "${prelude[@]}" -I"$root/include" -c "$1" -o /dev/null
		return
	fi
	for compiler in gcc clang; do
		command -v $compiler >/dev/null || continue
		$compiler "${warnings[@]}" -I"$root/include" -c "$1" -o /dev/null || return
	done
	gcc "${warnings[@]}" -O2 -I"$root/include" "$1" "$library" -pthread -o "${1%.c}"
}

# Runs what builds() has built: nothing, where there is no main.
does_as_it_says() {
	local program=${1%.c}

	[ -x "$program" ] || return 0
	timeout 60 "$program" >"$program.said" || { echo "its status is $?"; return 1; }
	[ ! -e "$program.out" ] || diff "$program.out" "$program.said"
}

check_examples() {
	local name file
	name=$(basename "$1" .scd)
	examples "$1" "$scratch/$name"
	check "$name has examples" test -s "$scratch/$name/1.c"
	for file in "$scratch/$name"/*.c; do
		check "$name: example $(basename "$file" .c) compiles and links" builds "$file"
		check "$name: it does what the page says" does_as_it_says "$file"
	done
}

missing=
for tool in scdoc groff; do
	command -v $tool >/dev/null || missing=$tool
done
for page in "$pages"/*.scd; do
	section=${page%.scd}
	names "$page" | sed "s/\$/${section##*.}/"
done >"$scratch/all-names"
for page in "$pages"/*.scd; do
	name=$(basename "$page" .scd)
	if [ -z "$missing" ]; then
		check "$name renders without a warning" renders "$page"
	else
		skip "$name renders without a warning" "$missing is not installed"
	fi
	check "$name has its sections" has_its_sections "$page"
	check "$name refers to pages that exist" refers_to_pages "$page"
	[ "${name%.1}" = "$name" ] || continue # no C in them
	check "$name names and declares its header's functions" declares_its_functions "$page"
	check_examples "$page"
done
for page in "$root"/docs/guide.md "$root"/README.md; do
	check_examples "$page"
done

every_header_has_a_page() {
	local header

	for header in "$root"/include/fairlead/*.h; do
		header=$(basename "$header" .h)
		case $header in
		attributes | fairlead) continue ;; # the macros others are written with; an umbrella
		esac
		test -e "$pages/fl_$header.3.scd" || { echo "no page for $header.h"; return 1; }
	done
}
check "every header has a page" every_header_has_a_page

# These tests can fail. plant SED - a page with a mistake.
plant() {
	sed "$1" "$pages/fl_event.3.scd" >"$scratch/fl_event.3.scd"
	! cmp -s "$pages/fl_event.3.scd" "$scratch/fl_event.3.scd" || { echo "Bail out! $1 changes nothing"; exit 1; }
	rm -rf "$scratch/planted"
	examples "$scratch/fl_event.3.scd" "$scratch/planted"
}
if [ -z "$missing" ]; then
	plant 's/^An event is/*An event is/'
	check "a page that does not render is found" fails renders "$scratch/fl_event.3.scd"
	printf '.TH planted 3\n.no_such_macro\n' >"$scratch/planted.3"
	check "a page that the formatter warns of is found" fails format "$scratch/planted.3"
fi
plant 's/^# ERRORS/# MISTAKES/'
check "a missing section is found" fails has_its_sections "$scratch/fl_event.3.scd"
plant 's/^void fl_event_set(.*/int fl_event_set(fl_event *event);/'
check "a declaration that is not the header's is found" fails declares_its_functions "$scratch/fl_event.3.scd"
plant '/^void fl_event_set(/d'
check "a function that is not declared is found" fails declares_its_functions "$scratch/fl_event.3.scd"
plant 's/fl_event_set, //'
check "a function that is not in the NAME line is found" fails declares_its_functions "$scratch/fl_event.3.scd"
plant 's/\*fl_note\*(3)/*fl_not*(3)/'
check "a reference to no page is found" fails refers_to_pages "$scratch/fl_event.3.scd"
plant 's/puts(message)/puts(messages)/'
check "an example that does not compile is found" fails builds "$scratch/planted/1.c"
plant 's/^	fl_event_set(&ready);/	(void)0;/; s/FL_SECONDS(10)/0/'
builds "$scratch/planted/1.c"
check "an example that prints something else is found" fails does_as_it_says "$scratch/planted/1.c"
tap_end
