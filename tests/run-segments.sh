#!/bin/bash
# run-segments.sh BUILD - the command fairlead segments beside processes that attach, leave and are killed (attacher.c).
#
# All happens in a directory of its own, but for what is completed: that is asked of the user's own, where there is a
# segment of this script's for the moment. Nothing is waited for by time: a process says when it is attached, and who
# was killed has been waited for.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
mine=run-segments-$$
# shellcheck source=attached.sh
. "$root/tests/attached.sh"
trap 'kill -KILL "${started[@]}" 2>/dev/null; "$fairlead" segments --remove "$mine" 2>/dev/null; rm -rf "$scratch"' EXIT

# Runs the command, which must not take for ever. What it says is in `out` and `err`.
tool() {
	timeout -s KILL 60 "$fairlead" segments "$@" --directory "$directory" >out 2>err
}

says() {
	cat out
	grep -qE -- "$1" out
}

# is_json EXPRESSION - each line of `out` is JSON, and for the list of them, `lines`, the expression is true.
is_json() {
	cat out
	python3 -c 'import json, sys
lines = [json.loads(line) for line in open("out")]
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1"
}

# attach DIRECTORY SEGMENT PROCESS [OBJECT...] - one of attacher.c.
attach() {
	begin attacher "$@"
}

# Nothing there.

check "list of an empty directory succeeds" tool
check "and says that there is none" grep -q "There is no segment in $directory" err
check "as JSON it says nothing" tool --json
check "nothing at all" fails test -s out
check "nothing to clean is no failure" tool --clean
check "and is said" grep -q "There is no stale segment in" err
check "one that there is not is said" fails_with 1 "there is no segment 'shop'" shop
check "it is not removed either" fails_with 1 "there is no segment 'shop'" --remove shop
chmod 777 "$directory"
check "a directory that everybody may write to is refused" fails_with 1 "others may write to it"
chmod 700 "$directory"

# Wrong usage.

check "a segment and --clean are one thing too many" fails_with 2 "exclude each other" shop --clean
check "so are --clean and --remove" fails_with 2 "exclude each other" --clean --remove shop
check "two segments are one too many" fails_with 2 "'b' is one argument too many" a b
check "a wrong option is said" fails_with 2 "did you mean --clean?" --claen
check "a wrong name is said" fails_with 1 "'../x' is no name for a segment" --remove ../x
check "a full disk is noticed" fails sh -c "'$fairlead' segments --help >/dev/full"

# Used.

attach "$directory" shop till prices stock
till=$pid
check "a segment is listed" tool
check "with its state and its processes" says '^shop  +used  +1  +0  +1\.0 MiB  +16 GiB  +[0-9]+s$'
check "under what each is" says '^SEGMENT  STATE   ALIVE  DEAD      SIZE      MOST   AGE$'
attach "$directory" shop $'cam\033[31mera\377'
camera=$pid
check "another process is counted" tool --json
check "and all of it is JSON" is_json 'len(lines) == 1 and list(lines[0]) == ["name", "state", "alive", "dead", "size",
	"most", "age"] and lines[0]["name"] == "shop" and lines[0]["state"] == "used" and lines[0]["alive"] == 2 and
	lines[0]["dead"] == 0 and lines[0]["size"] >= 1 << 20 and lines[0]["most"] == 1 << 34 and
	0 <= lines[0]["age"] < 600'
check "one is shown" tool shop
check "how it is" says '^shop: used, 1\.0 MiB of at most 16 GiB, made [0-9]+s ago$'
check "its processes" says "^ *$till  alive  +[0-9]+s  till\$"
check "what would be an order to the terminal is not printed" says "^ *$camera  alive  +[0-9]+s  cam\?\[31mera\?\$"
check "its objects, in the order of their names" grep -Pzq '\nprices +8 +7  uint64_t\nstock +8 +7  uint64_t\n' out
check "the same as JSON" tool shop --json
check "is one line" is_json 'len(lines) == 1 and lines[0]["state"] == "used" and
	[o["name"] for o in lines[0]["objects"]] == ["prices", "stock"] and
	[(o["type"], o["version"], o["size"]) for o in lines[0]["objects"]] == [("uint64_t", 7, 8)] * 2 and
	all(o["offset"] % 64 == 0 for o in lines[0]["objects"]) and
	[p["name"] for p in lines[0]["processes"]] == ["till", "cam?[31mera?"] and
	all(p["alive"] and p["start"] > 0 and p["age"] >= 0 for p in lines[0]["processes"])'
check "with the processes' numbers" is_json "[p['pid'] for p in lines[0]['processes']] == [$till, $camera]"
check "the names of the objects" tool shop --names
check "alone" test "$(cat out)" = $'prices\nstock'
check "who looks has taken no place" tool --json
check "there are two as before" is_json 'lines[0]["alive"] == 2'

# Killed.

cut_down "$camera"
check "who was killed is known" tool
check "as dead" says '^shop  +used  +1  +1  '
check "and is shown" tool shop
check "as who it was" says "^ *$camera  dead  +[0-9]+s  cam"
check "one that is used is not cleaned away" tool --clean
check "so none is said" fails test -s out
kill -STOP "$till"
check "a process that is stopped lives" tool
check "as before" says '^shop  +used  +1  +1  '
kill -CONT "$till"
cut_down "$till"
check "when all were killed" tool
check "it is stale" says '^shop  +stale  +0  +2  '
check "it can be looked at" tool shop
check "with all its dead" test "$(grep -c ' dead ' out)" = 2
check "and its objects" says '^prices '
check "looking has changed nothing" tool --json
check "it is stale as before" is_json 'lines[0]["state"] == "stale" and lines[0]["dead"] == 2'

# Left.

attach "$directory" calm clerk
leave "$pid"
check "one that all have left" tool
check "is left" says '^calm  +left  +0  +0  '
attach "$directory" mended clerk
clerk=$pid
attach "$directory" mended heir
cut_down "$clerk"
leave "$pid"
check "one that somebody has left who outlived another" tool mended --json
check "is left, too" is_json 'lines[0]["state"] == "left" and lines[0]["processes"] == []'
check "it is removed" tool --remove mended
check "the names alone" tool --names
check "are all there are, in their order" test "$(cat out)" = $'calm\nshop'

# Broken.

printf 'a note' >"$directory/note"
mkfifo "$directory/pipe"
ln -s shop "$directory/alias"
attach "$directory" torn clerk thing
leave "$pid"
tr '\0' '\377' </dev/zero | dd of="$directory/torn" bs=64 seek=6 count=32 conv=notrunc status=none
attach "$directory" open clerk
leave "$pid"
chmod 602 "$directory/open"
check "what is no segment does not keep others from being listed" tool
check "they are there" says '^shop  +stale '
check "a file is broken, and why" says '^note  +broken  it is no segment$'
check "so is a pipe" says "^pipe  +broken  'pipe' is no file\$"
check "and a link, wherever it leads" says "^alias  +broken  'alias' is no file\$"
check "and what everybody may write to" says "^open  +broken  everybody may write to the segment 'open'\$"
check "as JSON" tool --json
check "with the reason" is_json '{"name": "note", "state": "broken", "error": "it is no segment"} in lines'
check "one that is broken cannot be shown" fails_with 1 "'note': it is no segment" note
check "nor what is in one that is damaged" fails_with 1 "'torn': the segment is damaged: a chain of objects" torn
check "what is known of it is shown" says '^torn: left, '

# Removing.

check "the stale ones are removed" tool --clean
check "and named" test "$(cat out)" = shop
check "they are gone" fails_with 1 "there is no segment 'shop'" shop
check "those that were left are there" tool calm
attach "$directory" shop till
cut_down "$pid"
check "the same as JSON" tool --clean --json
check "says what became of it" is_json 'lines == [{"name": "shop", "state": "removed"}]'
attach "$directory" busy clerk
check "any may be removed by name" tool --remove busy
check "it is found no more" fails_with 1 "there is no segment 'busy'" busy
check "who has it goes on" leave "$pid"
check "what is broken may be removed, too" tool --remove note
check "it is gone" fails test -e "$directory/note"

# The user's own directory, and completion.

attach - "$mine" clerk
check "without --directory it is the user's own" "$fairlead" segments "$mine"
"$fairlead" completion bash >completion.bash
# completes WORDS WANTED... - what comes for the last one of the words.
completes() {
	local words=$1
	shift
	(
		# shellcheck source=/dev/null
		. ./completion.bash
		read -r -a COMP_WORDS <<<"$words"
		COMP_WORDS[0]=$fairlead
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_fairlead
		diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) <(printf '%s\n' "$@" | sort)
	)
}
check "the command is completed" completes 'fairlead seg' segments
check "its options are" completes 'fairlead segments --' --directory --clean --remove --json --names --config --help \
	--version
check "names of segments are" completes "fairlead segments $mine" "$mine"
check "those of an option, too" completes "fairlead segments --remove ${mine%?}" "$mine"
check "names of directories are" completes 'fairlead segments --directory seg' segments
leave "$pid"
check "what was made for that is removed" "$fairlead" segments --remove "$mine"
tap_end
