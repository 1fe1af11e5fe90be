#!/bin/bash
# run-frames-command.sh BUILD - the command fairlead: frames list, watch and save beside a producer (producer.c); help,
# completion; and whether the man pages have the options that the command has, and no others.
#
# All happens in a directory of its own ($XDG_RUNTIME_DIR). Nothing is waited for by time: the producer says what it has
# done, and what the command says is read from a pipe.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
fairlead=$build/cli/fairlead
pages=$root/docs/man
export XDG_RUNTIME_DIR=$scratch/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
cd "$scratch" || exit 1
started=()
trap 'kill -KILL "${started[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

# Runs the command, which must not take for ever. What it says is in `out` and `err`.
tool() {
	timeout -s KILL 60 "$fairlead" "$@" >out 2>err
}

says() {
	cat out
	grep -q -- "$1" out
}

# A producer, $pid, that is told by fd 3 and heard by fd 4. start NAME FORMAT SIZE
start() {
	rm -f to from
	mkfifo to from
	"$build/tests/producer" "$@" <to >from &
	pid=$!
	started+=("$pid")
	exec 3>to 4<from
	hear ready
}
hear() {
	if ! read -r -t 60 word <&4 || [ "$word" != "$1" ]; then
		echo "Bail out! the producer said '$word', not $1"
		exit 1
	fi
}
tell() {
	echo "$1" >&3
	hear "done"
}
end() {
	exec 3>&-
	wait "$pid"
	exec 4<&-
}
cut_down() {
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	exec 3>&- 4<&-
}

# is_json EXPRESSION - each line of `out` is JSON, and for the list of them, `lines`, the expression is true.
is_json() {
	cat out
	python3 -c 'import json, sys
lines = [json.loads(line) for line in open("out")]
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1"
}

# is_gray HEAD BYTES FILE - the file has that head, and behind it as many bytes, all of about 128.
is_gray() {
	python3 - "$@" <<-'END'
		import sys
		data = open(sys.argv[3], "rb").read()
		head = sys.argv[1].encode().decode("unicode_escape").encode()
		pixels = data[len(head):]
		print(data[:20], len(pixels), min(pixels), max(pixels))
		sys.exit(not (data.startswith(head) and len(pixels) == int(sys.argv[2]) and
			      all(abs(pixel - 128) <= 2 for pixel in pixels)))
	END
}
is_jpeg() {
	[ "$(head -c 3 "$1" | od -An -tx1)" = " ff d8 ff" ] && [ "$(tail -c 2 "$1" | od -An -tx1)" = " ff d9" ]
}
nothing_is_left() {
	! find . -name '.*.??????' | grep .
}

# Words.

check "the version is said" tool --version
check "it is this library's" says '^fairlead [0-9]*\.[0-9]*\.[0-9]*$'
check "help is given" tool --help
check "it names the commands" says '^  frames '
check "help of a group is given" tool frames --help
check "it names its commands" says '^  watch '
check "help of a command is given" tool frames watch --help
check "it names its options" says '^  -n, --count N '
check "help COMMAND is the same" tool help frames watch
check "it names its options, too" says '^  -n, --count N '
check "without a command it is wrong usage" fails_with 2 "Usage: fairlead COMMAND"
check "a wrong command is said" fails_with 2 "there is no command 'frmaes'; did you mean 'frames'?" frmaes
check "a wrong command of a group is said" fails_with 2 "did you mean 'watch'?" frames wacth cam
check "an option in a command's place is said" fails_with 2 "a command is expected, not --json" frames --json
check "a wrong option is said" fails_with 2 "did you mean --count?" frames watch cam --cuont 3
check "an argument that is missing is said" fails_with 2 "CHANNEL is missing" frames watch
check "one too many is said" fails_with 2 "'b' is one argument too many" frames watch a b
check "a wrong name is said" fails_with 2 "'a/b': a channel's name is of" frames watch a/b
check "a wrong name is said by save, too" fails_with 2 "'.a': a channel's name is of" frames save .a x.jpg
check "a wrong duration is said" fails_with 2 "--for 3 days: it is not a duration" frames list --for '3 days'
check "help of no command is said" fails_with 2 "there is no command 'frame'; did you mean 'frames'?" help frame
check "a full disk is noticed" fails sh -c "'$fairlead' --help >/dev/full"

# Nobody there.

check "list without a directory succeeds" tool frames list
check "and says that there is none" grep -q 'There is no channel' err
check "as JSON it says nothing" tool frames list --json
check "nothing at all" fails test -s out
check "save of no channel fails" fails_with 1 "none: nobody serves it" frames save none x.jpg --wait 10ms
check "watch of no channel ends in time" tool frames watch none --for 10ms
check "with a summary" says '^none: 0 frames in '
check "a number of frames that did not come is a failure" fails tool frames watch none --for 10ms --count 1

# A channel.

start cam RGB3 64x48
check "save waits for the first frame" fails_with 1 "cam: there has been no frame yet" frames save cam x.jpg --wait 10ms
check "and leaves no file" fails test -e x.jpg
tell frame
check "list looks at it" tool frames list --for 10ms
check "it says what it is" says '^cam  *alive  *0\.00  64x48  *RGB3$'
check "and how long it has looked" says 'FPS (0.01s)'
check "list as JSON" tool frames list --for 10ms --json
check "is JSON" is_json 'lines == [{"name": "cam", "state": "alive", "fps": 0.0, "measured": 0.01, "width": 64,
	"height": 48, "format": "RGB3", "size": 9216}]'
tell 'stream 2'
check "list counts" tool frames list --json --for 100ms
check "the frames of a second" is_json '0 < lines[0]["fps"] < 1000'
check "watch counts frames" tool frames watch cam --count 5
check "and ends with a summary" \
	says '^cam: 5 frames in .* fps, 64x48 RGB3, latency p50 / p99 .* missed [0-9]*, restarts 0$'
check "watch as JSON" tool frames watch cam --count 20 --every 30 --json
check "is JSON" is_json 'lines[-1]["state"] == "summary" and lines[-1]["frames"] == 20 and lines[-1]["missed"] == 0 and
	0 < lines[-1]["latency"]["p50"] <= lines[-1]["latency"]["p99"] <= lines[-1]["latency"]["max"] and
	lines[-1]["capture"]["p50"] > 0.039 and lines[-1]["format"] == "RGB3"'
check "on a terminal" script -qec "'$fairlead' frames watch cam --count 3" terminal
check "the line is written over itself" grep -q "$(printf '\r\033\\[Kcam: ')" terminal

# Whole files.

saves() {
	tool frames save cam "$@" && nothing_is_left
}
check "a .jpg is saved" saves a.jpg
check "it is a JPEG" is_jpeg a.jpg
check "a .ppm is saved" saves a.ppm
check "it has the pixels" is_gray 'P6\n64 48\n255\n' 9216 a.ppm
check "a .pgm is saved" saves a.pgm
check "it has the pixels" is_gray 'P5\n64 48\n255\n' 3072 a.pgm
check "a .raw is saved" saves a.raw
check "what it is is said" says '^cam: 9216 bytes, format RGB3, 64 x 48 pixels, planes: offset 0 stride 192$'
check "it has the bytes" is_gray '' 9216 a.raw
check "to standard output" saves - --format pgm
check "the same is written" cmp out a.pgm
check "a JPEG to standard output" saves -
check "is one" is_jpeg out
cp a.pgm before
check "a file that is there is left alone" fails_with 1 "a.pgm: it is there already; --force" frames save cam a.pgm
check "as it is" cmp a.pgm before
check "it is replaced by --force" saves a.pgm --force --format raw
check "with what is new" cmp a.pgm a.raw
mkdir directory.jpg
check "a directory is not replaced" fails_with 1 "it is not a file" frames save cam directory.jpg --force
check "a directory that is not there is said" fails_with 1 "No such file" frames save cam not/there.jpg
check "an ending that means nothing is said" fails_with 2 "--format says what" frames save cam a.png
check "no ending is said" fails_with 2 "'jpg' does not end with" frames save cam jpg
check "an unknown format is said" fails_with 2 "it is jpg, ppm, pgm or raw" frames save cam a --format png
check "a quality is checked" fails_with 2 "it must be from 1 to 100" frames save cam b.jpg --quality 101
check "to a full disk" fails sh -c "'$fairlead' frames save cam - >/dev/full"
printf 'format = ppm\nquality = 10\n' >config
check "options may stand in a file" saves - --config config
check "and are taken from there" cmp out a.ppm
check "the command line wins" saves - --config config --format raw
check "over the file" cmp out a.raw
check "nothing is left behind" nothing_is_left

# Ends.

# A watch in the background, $watcher, whose lines are read from fd 5.
watch() {
	rm -f lines
	mkfifo lines
	"$fairlead" frames watch --json "$@" >lines &
	watcher=$!
	started+=("$watcher")
	exec 5<lines
}
# Reads lines until one has this state; the last one is in `out`.
await_state() {
	while read -r -t 60 line <&5; do
		echo "$line" >out
		[[ $line != *"\"state\": \"$1\""* ]] || return 0
	done
	return 1
}
ends_by() {
	kill "-$1" "$watcher"
	await_state summary && wait "$watcher"
}

watch cam
check "watch goes on" await_state online
check "SIGINT ends it" ends_by INT
check "with a summary" is_json 'lines[0]["state"] == "summary" and lines[0]["frames"] > 0'
watch cam
check "watch goes on again" await_state online
check "SIGTERM ends it, too" ends_by TERM
watch cam
check "watch sees a producer" await_state online
cut_down
check "and that it is gone" await_state "waiting for a producer"
check "list says that its socket is stale" tool frames list
check "as a state" says '^cam  *stale  *-  -  *-$'
check "it is not among the names" tool frames list --names
check "of those that are served" fails test -s out
check "save does not find it" fails_with 1 "cam: nobody serves it" frames save cam b.jpg --wait 10ms
start cam YUYV 32x16
tell 'stream 2'
check "watch sees another producer, and its frames" await_state online
check "and has counted it" is_json 'lines[0]["restarts"] == 1 and lines[0]["format"] == "YUYV"'
check "it ends" ends_by INT

kill -STOP "$pid"
check "a producer that is stopped" tool frames list
check "is silent" says '^cam  *silent  '
kill -CONT "$pid"
tell frame
check "it goes on" tool frames list --names
check "and has its name" says '^cam$'
end
check "a producer that ends takes its socket along" tool frames list --json
check "so there is no channel" fails test -s out

# Formats.

for format in GREY RGB3 BGR3 AB24 AR24 YUYV UYVY NV12 YU12; do
	start cam $format 32x16
	tell frame
	rm -f f.*
	check "$format becomes a .ppm" saves f.ppm
	check "with its pixels" is_gray 'P6\n32 16\n255\n' 1536 f.ppm
	check "$format becomes a .pgm" saves f.pgm
	check "with its pixels" is_gray 'P5\n32 16\n255\n' 512 f.pgm
	check "$format becomes a .jpg" saves f.jpg
	check "which is one" is_jpeg f.jpg
	end
done

start cam JPEG 64x48
tell "file $scratch/a.jpg"
rm -f f.*
check "a frame that is a JPEG becomes a .jpg" saves f.jpg
check "as it is" cmp f.jpg a.jpg
check "it becomes a .ppm" saves f.ppm
check "with its pixels" is_gray 'P6\n64 48\n255\n' 9216 f.ppm
check "it becomes a .raw" saves f.raw
check "as it is, too" cmp f.raw a.jpg
head -c 300 a.jpg >half
tell "file $scratch/half"
rm -f f.*
check "half a JPEG does not become a .jpg" fails_with 1 "but its end is missing" frames save cam f.jpg
check "nor a .ppm" fails_with 1 "its end is missing" frames save cam f.ppm
check "there is no file" fails test -e f.jpg -o -e f.ppm
check "it becomes a .raw" saves f.raw
end
start cam NONE 0x0
tell frame
check "bytes are no image" fails_with 1 "frames of format none are no images" frames save cam f.jpg
rm -f f.*
check "but bytes" saves f.raw
check "as they are" test "$(stat -c %s f.raw)" = 64
end
start cam ABCD 5x5
tell frame
check "what is not known is no image" fails_with 1 "frames of format ABCD are no images" frames save cam f.ppm
check "list names it" tool frames list --for 10ms
check "by its letters" says 'ABCD$'

# Completion.

check "a script for bash is printed" tool completion bash
cp out completion.bash
check "bash reads it" bash -n completion.bash
check "for no other shell" fails_with 2 "there is none for 'csh', only for bash" completion csh
check "what is installed is the same" cmp completion.bash "$build/cli/fairlead.bash"
# completes WORDS WANTED... - what comes for the last one of the words, which end with | where it is empty.
completes() {
	local words=$1
	shift
	(
		# shellcheck source=/dev/null
		. ./completion.bash
		read -r -a COMP_WORDS <<<"${words%|}"
		[ "${words%|}" = "$words" ] || COMP_WORDS+=("")
		COMP_WORDS[0]=$fairlead
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_fairlead
		diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) <(printf '%s\n' "$@" | sort)
	)
}
touch some-file
check "commands are completed" completes 'fairlead f' frames
check "commands of a group" completes 'fairlead frames |' list watch save send
check "options" completes 'fairlead frames list --' --for --json --names --config --help --version
check "options with a beginning" completes 'fairlead frames watch --c' --count --config
check "options behind an argument" completes 'fairlead frames watch cam --e' --every
check "words of an option's argument" completes 'fairlead frames save --format p' ppm pgm
check "the same behind =" completes 'fairlead frames save --format = |' jpg ppm pgm raw
check "and right behind =" completes 'fairlead frames save --format =' jpg ppm pgm raw
check "names of files" completes 'fairlead frames save cam some' some-file
check "names of an option's files" completes 'fairlead frames watch --config some' some-file
check "names of channels" completes 'fairlead frames watch |' cam
check "names of channels behind options" completes 'fairlead frames watch --count 3 --json c' cam
check "names of files where several may stand" completes 'fairlead frames send cam a.jpg some' some-file
check "options of a flag's command" completes 'fairlead frames send --t' --to --token-file --trust
check "nothing for numbers" completes 'fairlead frames watch --count |' ''
check "no options behind --" completes 'fairlead frames watch -- --c' ''
check "no options behind a program" completes 'fairlead watch true --s' ''
check "but in front of it" completes 'fairlead watch --s' --sort
check "commands for help" completes 'fairlead help comp' completion
end

# The man pages. options_of_page PATH PAGE - name and letter of each option that the page has for a command: those under
# its own heading, or in a page of its own all of OPTIONS.
options_of_page() {
	local heading="## fairlead $1"
	grep -qxF "$heading" "$2" || heading='# OPTIONS'
	awk -v heading="$heading" '
		$0 == heading { inside = 1; next }
		/^# / || (/^## / && heading ~ /^##/) { inside = 0 }
		inside' "$2" |
		sed -n 's/^\(\*-\(.\)\*, \)\{0,1\}\*--\([a-z-]*\)\*.*/\3 \2/p' | sed 's/ $/ -/' | sort
}
page_of() {
	[ -e "$pages/fairlead-${1%% *}.1.scd" ] && echo "$pages/fairlead-${1%% *}.1.scd" || echo "$pages/fairlead.1.scd"
}
# In fairlead(1), the options that all commands have stand before the headings of its own commands.
common_options() {
	sed -n '/^# OPTIONS/,/^##/p' "$1" |
		sed -n 's/^\(\*-\(.\)\*, \)\{0,1\}\*--\([a-z-]*\)\*.*/\3 \2/p' | sed 's/ $/ -/'
}
# has_options PATH [PAGE] - the options of a command, without those of all, are those of its page.
has_options() {
	local own
	# shellcheck disable=SC2086 # the path is words
	own=$("$fairlead" help --options $1 | awk -F '\t' '$5 != "Others" { print $1, $2 }' | sort)
	if [ -z "$own" ]; then
		! grep -qxF "## fairlead $1" "${2:-$(page_of "$1")}"
		return
	fi
	diff <(echo "$own") <(options_of_page "$1" "${2:-$(page_of "$1")}")
}
while read -r path; do
	check "the man page has the options of $path, and no others" has_options "$path"
done < <("$fairlead" help --options)
all_have() {
	diff <("$fairlead" help --options completion | awk -F '\t' '{ print $1, $2 }' | sort) \
		<(common_options "$pages/fairlead.1.scd" | sort)
}
check "the man page has the options that all have" all_have
no_others() {
	sed -n 's/^## fairlead //p' "$pages"/fairlead*.1.scd | sort | diff - \
		<("$fairlead" help --options | while read -r path; do
			grep -qxF "## fairlead $path" "$(page_of "$path")" && echo "$path"
		done | sort)
}
check "the man pages have no other commands" no_others
page=$pages/fairlead-frames.1.scd
sed '/^\*--every\*/d' "$page" >planted.1
check "an option that is not in the page is found" fails has_options "frames watch" "$scratch/planted.1"
sed 's/^\*-n\*, \*--count\*/*--count*/' "$page" >planted.1
check "a letter that is not in the page is found" fails has_options "frames watch" "$scratch/planted.1"
sed 's/^\*--every\*/*--each*/' "$page" >planted.1
check "an option that there is not is found" fails has_options "frames watch" "$scratch/planted.1"
tap_end
