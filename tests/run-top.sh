#!/bin/bash
# run-top.sh BUILD - the command fairlead top, in a terminal of its own (terminal.py), beside processes that use
# objects (sharer.c).
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
# shellcheck source=attached.sh
. "$root/tests/attached.sh"

# does ARGUMENT... - runs it, 80x24 or $size, while what stands in the file `steps` comes true.
does() {
	timeout -s KILL 300 python3 "$root/tests/terminal.py" --size "${size-80x24}" "$fairlead" top "$@" \
		--directory "$directory" <steps
}
# it NAME ARGUMENT... - the same as a test; the steps are standard input.
it() {
	local name=$1
	shift
	cat >steps
	check "$name" does "$@"
}
fails_with() {
	local wanted=$1 words=$2 status
	shift 2
	timeout -s KILL 60 "$@" --directory "$directory" >out 2>err
	status=$?
	cat out err
	[ "$status" = "$wanted" ] && grep -qF -- "$words" err
}

# What it cannot do.

check "it needs a terminal" fails_with 1 "it needs a terminal; 'fairlead ps' does not" "$fairlead" top
check "a segment that is not there cannot be shown" fails_with 1 "there is no segment 'shop'" "$fairlead" top shop
check "an interval is a duration" fails_with 2 "soon" "$fairlead" top --interval soon
export TERMINAL=no-such-terminal
it "it has to know the terminal" <<'EOF'
see the terminal 'no-such-terminal' is not known
end 1
cooked
EOF
unset TERMINAL
it "nothing there is no failure" <<'EOF'
see 0 segments, 0 objects, 0 waiting, 0 dead
keys <down><up>s/q\n
keys q
end 0
cooked
EOF

# What it shows.

share shop till lock:door rlock:desk rlock:desk seat:seats set:open
till=$pid
share shop clerk want-lock:door
clerk=$pid
share shop clock want-tick:second
clock=$pid
it "it shows objects, what they do, and how often" <<EOF
see ^fairlead top: 1 segment, 5 objects, 1 waiting, 0 dead, [0-9.]+ waits/s
see ^OBJECT +KIND +STATE +VALUE +RATE +WAIT +WAITED +SEEN +HOLDER
see ^shop/door +Lock +held +- +100% +1 +[0-9.]+[smh] +[0-9.]+s till
see ^shop/seats +Semaphore +free +2/3 +100% +0 +- +[0-9.]+s till
see ^shop/second +Event +(set|clear) +- +[1-9][0-9.]*[kM]?/s +0
keys q
end 0
cooked
EOF
it "of a segment that is named, without its name" shop --interval 200ms <<EOF
see ^door +Lock +held .* 2\.[0-9]s till\($till\)
keys q
end 0
EOF
size=132x40 it "a large terminal has room for more" <<EOF
see till\($till\) x2$
keys q
end 0
EOF
it "the selected one is shown with its threads" --interval 200ms <<EOF
see ^holds: till\($till\) x2 holder [0-9.]+s
see ^waits: nobody
keys <down>
see ^waits: clerk\($clerk\) acquire [0-9.]+
keys <up>
see ^waits: nobody
keys <next>
see ^holds: nobody
keys <prior><down>
see ^waits: clerk
keys q
end 0
EOF
it "keys sort, filter, pause and help" --interval 200ms <<EOF
see sort: name
keys s
see sort: waiting
keys sss
see sort: name
keys b
not ^shop/open
keys b
see ^shop/open
keys /Lock held
see /Lock held_
not seats
keys \x7f\x7f\x7f\x7f\n
see filter: Lock
see ^shop/desk
keys \x1b
see ^shop/seats
keys h
see ^  SEEN +for how long the same thread
keys x
see ^shop/seats
keys p
see \[paused\]
keys p
not \[paused\]
keys q
end 0
cooked
EOF
it "it sorts by who waits" <<EOF
see ^shop/door
keys s
see sort: waiting
see ^holds: till\($till\) x2
keys <prior>
see ^waits: clerk
keys q
end 0
EOF
it "it draws what there is room for" --interval 200ms <<EOF
see ^shop/seats
size 60x8
see ^OBJECT
see ^shop/door
not ^shop/seats
keys <next><next>
see ^shop/seats
size 20x3
keys h
keys h
size 100x50
see ^shop/seats .* till\($till\)
keys q
end 0
EOF
it "only what matters, to begin with" --busy <<EOF
see ^shop/door
not ^shop/open
keys q
end 0
EOF

# How it ends.

for signal in SIGTERM SIGINT SIGHUP SIGQUIT; do
	it "$signal gives the terminal back" <<EOF
see ^shop/door
signal $signal
end -$(kill -l "$signal")
cooked
EOF
done
it "so does Control-C" <<'EOF'
see ^shop/door
keys \x03
end -2
cooked
EOF
it "it ends with its terminal" <<'EOF'
see ^shop/door
hang up
end -1
EOF

# What happens meanwhile. The steps are those of a script beside it: a death is one.

mkfifo steps-of
does_beside() {
	timeout -s KILL 300 python3 "$root/tests/terminal.py" "$fairlead" top "$@" --directory "$directory" <steps-of
}
dies() {
	does_beside shop --interval 200ms &
	exec {steps}>steps-of
	echo 'see ^door .* held' >&"$steps"
	echo 'say there' >&"$steps"
	read -r -t 120 _ <&"$said" || return
	kill -KILL "$till"
	echo 'see ^desk +RLock +orphaned .* dead till' >&"$steps"
	echo 'see 2 dead' >&"$steps"
	echo 'see ^door .* mending' >&"$steps"
	echo 'say seen' >&"$steps"
	read -r -t 120 _ <&"$said" || return
	"$fairlead" segments --remove shop --directory "$directory"
	echo 'see the segment is gone' >&"$steps"
	echo 'keys q' >&"$steps"
	echo 'end 0' >&"$steps"
	exec {steps}>&-
	wait $!
}
mkfifo said
exec {said}<>said
check "who dies is seen, and a segment that goes" dies
cut_down "$clerk"
cut_down "$clock"
unset "started[$till]"
tap_end
