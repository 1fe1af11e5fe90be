#!/bin/bash
# run-embed.sh - scripts/embed puts files into C as they are, the same each time, under the right path and type.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"

cd "$scratch" || exit 1
mkdir in again
printf '<p>"quotes" \\ and %% and \303\251</p>\n' >in/page.html
head -c 3000 /dev/urandom >in/page.js
: >in/page.css
echo '<svg/>' >in/icon.svg
cat >main.c <<'END'
#include "page/page.h"

#include <stdio.h>

/* Prints the table; with an argument, the content of that entry. */
int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 1 && i < n_page_files; i++)
		printf("%s|%s|%zu\n", page_files[i].path, page_files[i].type, page_files[i].size);
	for (size_t i = 0; argc == 3 && i < n_page_files; i++)
		printf("%s %s\n", page_files[i].path, page_files[i].etag);
	if (argc == 2)
		fwrite(page_files[argv[1][0] - '0'].data, 1, page_files[argv[1][0] - '0'].size, stdout);
	return 0;
}
END

embed() {
	"$root/scripts/embed" "$@"
}

compiles() {
	embed page.c in/page.html in/page.js in/page.css in/icon.svg &&
		"${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -pedantic -I"$root/hub" -o table main.c page.c
}

table_is() {
	./table >table.txt && diff -u - table.txt <<END
/|text/html; charset=utf-8|$(stat -c %s in/page.html)
/icon.svg|image/svg+xml|7
/page.css|text/css; charset=utf-8|0
/page.js|text/javascript; charset=utf-8|3000
END
}

same() {
	./table "$1" | cmp - "$2"
}

# The order of the arguments, and where the files are, make no difference.
deterministic() {
	cp in/* again/ && embed other.c again/icon.svg again/page.js again/page.html again/page.css &&
		cmp page.c other.c
}

# Succeeds if a change of page.js changes its etag and no other.
etag_follows() {
	./table all etags >before && echo >>in/page.js && compiles && ./table all etags >after
	diff before after >changes
	[ "$(grep -c '^[<>] ' changes)" = 2 ] && grep -q '^> /page.js "[0-9a-f]*"$' changes
}

refuses() {
	: >in/notes.txt
	rm -f none.c
	fails embed none.c in/page.html in/notes.txt && fails embed none.c in/page.js again/page.js &&
		fails embed none.c && [ ! -e none.c ]
}

check "what it writes compiles without a warning" compiles
check "the table has the paths, types and sizes, in order" table_is
check "a text comes out as it went in" same 0 in/page.html
check "any bytes come out as they went in" same 3 in/page.js
check "an empty file is empty" same 2 in/page.css
check "the same files give the same C" deterministic
check "an etag follows the content" etag_follows
check "what has no type, or the path of another, is refused and writes nothing" refuses
tap_end
