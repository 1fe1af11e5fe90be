#!/bin/bash
# run-ps.sh BUILD - the command fairlead ps beside processes that hold objects, wait for them and are killed (sharer.c).
#
# Nothing is waited for by time: a process says when it is ready, and what follows of itself, that it sleeps, say, is
# looked at until it is so.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
# shellcheck source=attached.sh
. "$root/tests/attached.sh"

# Runs the command, which must not take for ever. What it says is in `out` and `err`.
tool() {
	timeout -s KILL 60 "$fairlead" ps "$@" --directory "$directory" >out 2>err
}

says() {
	cat out
	grep -qE -- "$1" out
}

# The names of the objects in the table.
names() {
	awk 'NR > 1 { print $2 }' out | tr '\n' ' '
}

# is_json EXPRESSION - `out` is one document of JSON, and for it the expression is true. `objects` are those of all its
# segments by name and part, `all` is the document.
is_json() {
	cat out
	python3 -c 'import json, sys
all = json.load(open("out"))
objects = {o["name"] + ("/" + o["part"] if o["part"] else ""): o for s in all["segments"] for o in s["objects"]}
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1"
}

# becomes EXPRESSION - the same, as soon as it is true.
becomes() {
	local end=$((SECONDS + 60))

	until tool --json && is_json "$1" >/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { cat out err; return 1; }
	done
}

# Nothing there.

check "without a segment there is nothing to show" tool
check "nothing is printed" fails test -s out
check "where there is none is said" grep -qF "There is no segment in $directory." err
check "as JSON, too" tool --json
check "there is none" is_json 'all == {"segments": []}'
check "one that is not there cannot be shown" fails_with 1 "there is no segment 'shop'" shop
check "two cannot be asked for" fails_with 2 "argument" shop other
check "an interval is a duration" fails_with 2 "soon" --interval soon
check "and more than 0" fails_with 2 "" --interval 0s
check "an unknown option is refused" fails_with 2 "--slow" --slow

# What is held, and by whom.

share shop till number:prices lock:door rlock:desk rlock:desk set:open seat:seats seat:seats once:setup
till=$pid
check "each object is shown" tool
check "under what it is" says '^SEGMENT  OBJECT +KIND +STATE +VALUE  WAITING  WAITED  HOLDER$'
check "a lock, and who holds it" says "^shop     door +Lock +held +-  +0 +-  till\($till\)\$"
check "an RLock, and how often" says "^shop +desk +RLock +held +-  +0 +-  till\($till\) x2\$"
check "a semaphore, its permits, and who has them" says "^shop +seats +Semaphore +free +1/3 +0 +-  till\($till\) x2\$"
check "an event" says '^shop +open +Event +set +-  +0 +-  -$'
check "a once, and who runs it" says "^shop +setup +Once +running +- +0 +-  till\($till\)\$"
check "an object of others, by its type" says '^shop +prices +uint64_t +idle +- +0 +-  -$'
check "in the order of their names" test "$(names)" = 'desk door open prices seats setup '
check "only what matters" tool --busy
check "is left" test "$(names)" = 'desk door seats setup '

# Who waits.

share shop clerk want-lock:door
clerk=$pid
check "who waits is seen" becomes '[w["pid"] for w in objects["door"]["waiters"]] == ['"$clerk"']'
check "and what he waits for, and for how long" is_json '[(w["name"], w["role"], w["alive"], 0 <= w["waited"] < 600)
	for w in objects["door"]["waiters"]] == [("clerk", "acquire", True, True)]'
check "and how often anybody had to wait" is_json 'all["segments"][0]["waits"] == 1'
check "it is in the table" tool
check "with the time" says "^shop +door +Lock +held +- +1 +[0-9.]+s  till\($till\)\$"
waited() {
	python3 -c 'import json; print(json.load(open("out"))["segments"][0]["objects"][1]["waiters"][0]["waited"])'
}
check "look again" tool --json
first=$(waited)
check "the time grows" becomes 'objects["door"]["waiters"][0]["waited"] > '"$first"
check "a segment is shown with its threads" tool shop
check "those that hold" says "^till\($till\) x2 +holds   holder   +-  seats\$"
check "and those that wait" says "^clerk\($clerk\) +waits   acquire  +[0-9.]+s  door\$"

share shop reader read:books
reader=$pid
share shop writer want-write:books
writer=$pid
check "a writer waits for readers to leave" becomes 'objects["books"]["state"] == "closing" and
	[h["role"] for h in objects["books"]["holders"]] == ["reader", "next"] and
	[w["role"] for w in objects["books"]["waiters"]] == ["drain"] and objects["books"]["value"] == 1 and
	objects["books"]["most"] == 4 and objects["books"]["unit"] == "readers"'
share shop guest want-condition:ready
guest=$pid
check "one waits for a notify" becomes '[w["pid"] for w in objects["ready"]["waiters"]] == ['"$guest"'] and
	objects["ready"]["state"] == "waiting" and objects["ready/lock"]["state"] == "free"'
share shop early want-barrier:start
early=$pid
check "one has come to a barrier" becomes 'objects["start"]["state"] == "waiting" and objects["start"]["value"] == 1 and
	objects["start"]["counts"] == "rounds" and objects["start"]["count"] == 0 and
	[w["pid"] for w in objects["start"]["waiters"]] == ['"$early"']'
share shop fan want-event:show permit:coins
check "one waits for an event" becomes '[w["role"] for w in objects["show"]["waiters"]] == ["set"]'
check "in the table the parts of an object have its name" tool
check "and their own" says '^shop +ready/lock +RLock +free '

# Several looks.

check "looking for a while" tool --interval 200ms
check "shows more" says '^SEGMENT  OBJECT +KIND +STATE +VALUE +RATE +BUSY  WAITING  WAITED +SEEN  HOLDER$'
check "for how long a holder was seen" says "^shop +door .* 100% +1 +[0-9.]+s +[0-9.]+s  till\($till\)\$"
share shop clock want-tick:second
clock=$pid
check "what is counted" becomes '"second" in objects'
check "has a rate" tool --interval 300ms --json
check "by the second" is_json 'objects["second"]["rate"] > 100 and objects["second"]["busy"] is None and
	objects["door"]["rate"] is None and objects["door"]["busy"] == 1 and
	0.3 <= objects["door"]["holders"][0]["seen"] < 60 and all["segments"][0]["waits_rate"] >= 0'
cut_down "$clock"

# Nobody is disturbed.

kill -STOP "$till"
check "a holder that is stopped" tool
check "holds it as before" says "^shop +door +Lock +held "
kill -CONT "$till"
check "who looks has taken no place" "$fairlead" segments shop --directory "$directory" --json

# The dead.

cut_down "$early"
cut_down "$till"
check "a lock goes to the next one, to be mended" becomes 'objects["door"]["state"] == "mending" and
	[h["pid"] for h in objects["door"]["holders"]] == ['"$clerk"']'
check "permits of the dead can be had" is_json 'objects["seats"]["value"] == 3 and
	[(h["alive"], h["times"], h["name"]) for h in objects["seats"]["holders"]] == [(False, 2, "till")]'
check "what is not finished is orphaned" is_json 'objects["setup"]["state"] == objects["desk"]["state"] == "orphaned"'
check "the dead are shown" tool
check "as that" says "^shop +desk +RLock +orphaned .*  dead till\($till\) x2\$"
leave "$reader"
check "the writer writes" becomes 'objects["books"]["state"] == "written" and
	[h["pid"] for h in objects["books"]["holders"]] == ['"$writer"']'
for pid in "${started[@]}"; do
	cut_down "$pid"
done
check "when all have died" tool --json
check "the segment is stale, and what they left is seen" is_json 'all["segments"][0]["state"] == "stale" and
	objects["books"]["state"] == "orphaned" and objects["door"]["holders"][0]["alive"] is False and
	not any(o["waiters"] for o in objects.values())'
check "it is stale as before" "$fairlead" segments --directory "$directory"

# Names that are orders to the terminal; several segments; what is damaged.

share bank $'ev\033[31mil\377' lock:vault
check "two segments are shown" tool
check "a name is no order" says '^bank +vault +Lock +held +- +0 +-  ev\?\[31mil\?\('
check "one" tool bank
check "is shown alone" fails grep -q shop out
leave "$pid"
share torn clerk lock:a
leave "$pid"
tr '\0' '\377' </dev/zero | dd of="$directory/torn" bs=64 seek=6 count=32 conv=notrunc status=none
printf 'a note' >"$directory/note"
check "what is broken does not keep others from being shown" tool
check "they are there" says '^bank +vault '
check "it is said, and why" grep -qF "'note': it is no segment" err
check "of both" grep -qF "'torn': the segment is damaged" err
check "as JSON" tool --json
check "likewise" is_json '[(s["name"], s["state"]) for s in all["segments"] if "error" in s] ==
	[("note", "broken"), ("torn", "broken")]'
check "one that is broken cannot be shown" fails_with 1 "'note': it is no segment" note
check "nor one that is damaged" fails_with 1 "'torn': the segment is damaged" torn

# Completion.

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
check "the command is completed" completes 'fairlead ps' ps
check "its options are" completes 'fairlead ps --' --directory --busy --interval --json --config --help --version
tap_end
