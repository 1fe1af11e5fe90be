#!/bin/bash
# run-hub-docs.sh BUILD - is what is written about the hub true, and does what is installed beside it work?
#
# The programs in README.md and docs/guide.md are taken out of there and run beside a hub: a program of --exec, a
# plug-in, senders in Python and JavaScript (in a browser whose camera is made up). The man page names all there is
# in the status and in the metrics. The example configuration has every option, and the hub takes it, with each line
# that is a comment there, too. systemd takes the units.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1
# shellcheck source=hub.sh
. "$(dirname "$0")/hub.sh"
page=$root/docs/man/fairlead-hub.1.scd
conf=$root/docs/hub.conf
flags=(-std=gnu11 -Wall -Wextra -Werror -O2 -I"$root/include")

# block FILE LANGUAGE HEADING N - the Nth piece of that language under a heading.
block() {
	awk -v language="$2" -v heading="## $3" -v n="$4" '
		/^## / { under = $0 == heading }
		/^```/ && inside { inside = 0; next }
		/^```/ { inside = 1; mine = under && $0 == "```" language && ++count == n; next }
		inside && mine' "$1"
}
is_short() {
	[ -s "$1" ] && [ "$(wc -l <"$1")" -le 25 ]
}

# The programs.

cd "$scratch" || exit 1
block "$root/README.md" c "The frame hub" 1 >brightness.c
block "$root/docs/guide.md" c "Cameras over the network" 1 >bright.c
block "$root/docs/guide.md" python "Cameras over the network" 1 >send.py
block "$root/docs/guide.md" js "Cameras over the network" 1 >send.js
check "README's program of --exec has at most 25 lines" is_short brightness.c
check "it compiles as printed" gcc "${flags[@]}" brightness.c "$build/src/libfairlead.a" -pthread -o brightness
check "guide's plug-in compiles as printed" gcc "${flags[@]}" -shared -fPIC bright.c -o bright.so

hub --exec ./brightness --processor ./bright.so --isolated alone=./bright.so
says() {
	until_status "float(streams['$1']['results'].get('$2', 0)) > 0"
}
check "the hub shows what README's program says" says brightness mean
check "and what guide's plug-in says" says bright bright
check "also in a process of its own" says alone bright
is_as_readme_says() {
	local said
	said=$(block "$root/README.md" text "The frame hub" 1)
	until_status '(lambda says, stream: all(says[key] == stream[key] for key in says if key != "results") and
		says["results"].keys() == stream["results"].keys())'"({${said//true/True}}, streams['brightness'])"
}
check "the status has what README shows of it" is_as_readme_says
check "the program ends with the hub" hub_end
check "nothing was complained of" fails grep . complaints

hub --source camera=synthetic:320x240@10
asks /jpeg/camera >1.jpg
cp 1.jpg 2.jpg
if "$python" -c 'import websockets' 2>/dev/null; then
	check "guide's Python sends" timeout 60 "$python" send.py "ws://127.0.0.1:$port/in/door" 1.jpg 2.jpg
	check "the hub has got it" until_status 'streams["door"]["frames"] >= 2 and streams["door"]["width"] == 320'
	check "and finds nothing wrong with it" until_status 'streams["door"]["bad"] == 0'
else
	skip "guide's Python sends" "python3-websockets is not installed"
fi
check "it ends" hub_end

# A page at another address: so the hub needs its origin. Its server says its port, and serves until it is killed.
serve_page() {
	mkdir site
	mkfifo site.port
	"$python" -c '
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="site")
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()' >site.port 2>/dev/null &
	server=$!
	started+=("$server")
	read -r -t 60 site <site.port
}
browse() {
	{
		echo '<!DOCTYPE html><script type="module">'
		sed "s/127\.0\.0\.1:8999/127.0.0.1:$port/" send.js
		echo '</script>'
	} >site/index.html
	HOME=$scratch chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$scratch/profile" --use-fake-device-for-media-stream --use-fake-ui-for-media-stream \
		--remote-debugging-port=0 "http://127.0.0.1:$site/" >browser.log 2>&1 &
	browser=$!
	started+=("$browser")
}
if command -v chromium >/dev/null; then
	serve_page
	hub --source camera=synthetic:320x240@10 --origin "http://127.0.0.1:$site"
	browse
	check "guide's JavaScript sends" until_status 'streams.get("desk", {"frames": 0})["frames"] >= 3'
	check "and the hub finds nothing wrong with it" until_status 'streams["desk"]["bad"] == 0'
	kill "$browser"
	wait "$browser" 2>/dev/null
	check "it ends after that" hub_end
	kill "$server"
	wait "$server" 2>/dev/null
else
	skip "guide's JavaScript sends" "chromium is not installed"
fi

# The man page.

hub --processor motion --record camera=film.mkv --verify
asks /status >status
asks /metrics >metrics
check "a hub that records and verifies ends" hub_end
# Prints the keys of the status that the page has not.
missing_keys() {
	"$python" - status "$1" <<-'END'
		import json, re, sys
		page = set(re.findall(r"\*([a-z_0-9]+)\*", open(sys.argv[2]).read()))
		def keys(value):
		    for item in value if isinstance(value, list) else []:
		        yield from keys(item)
		    for key, item in value.items() if isinstance(value, dict) else []:
		        yield key
		        if key != "results":
		            yield from keys(item)
		there = set(keys(json.load(open(sys.argv[1]))))
		print("\n".join(sorted(there - page)))
		sys.exit(len(there) < 40 or bool(there - page))
	END
}
missing_metrics() {
	diff <(sed -n 's/^# TYPE \(fairlead_[a-z_]*\) .*/\1/p' metrics | sort) \
		<(grep -o '\*fairlead_[a-z_]*\*' "$1" | tr -d '*' | sort)
}
check "the man page has all that the status has" missing_keys "$page"
check "the man page has the metrics, and no others" missing_metrics "$page"
sed 's/\*skipped\*/skipped/' "$page" >planted
check "a key that is not in the page is found" fails missing_keys planted
sed 's/\*fairlead_readers\*,//' "$page" >planted
check "a metric that is not in the page is found" fails missing_metrics planted

# The configuration.

runs() {
	timeout 60 "$fairlead" hub --config "$1" --listen :0 --for 100ms
}
# Each line that is a comment becomes an option, but for the files that are not there.
uncommented() {
	sed 's/^#\([a-z]\)/\1/' "$conf" | grep -v '^token-file\|^certificate\|^key'
}
has_all_options() {
	diff <("$fairlead" help --options hub | awk -F '\t' '$5 != "Others" { print $1 }' | sort) \
		<(sed -n 's/^#\{0,1\}\([a-z-]*\) = .*/\1/p' "$1" | sort -u)
}
check "the hub takes the example configuration" runs "$conf"
uncommented >all.conf
check "and all of its comments" runs all.conf
check "a mistake in it is found" fails runs <(echo 'sourc = camera=synthetic')
check "it has all options, and no others" has_all_options "$conf"
grep -v '^#linger' "$conf" >planted
check "an option that it lacks is found" fails has_all_options planted

# The units.

if command -v systemd-analyze >/dev/null; then
	mkdir units
	cp "$root/docs/systemd/fairlead-hub.socket" units
	sed "s,^ExecStart=[^ ]*,ExecStart=$fairlead," "$build/docs/fairlead-hub.service" >units/fairlead-hub.service
	accepts() {
		systemd-analyze verify --man=no units/fairlead-hub.service units/fairlead-hub.socket >verified 2>&1
		# It may say something of other units of this machine, too.
		! grep fairlead-hub verified
	}
	check "systemd takes the units" accepts
	echo 'Nonsense=yes' >>units/fairlead-hub.socket
	check "it would say what is wrong with them" fails accepts
else
	skip "systemd takes the units" "systemd-analyze is not installed"
fi
tap_end
