#!/bin/bash
# run-bench-hub.sh - bench/hub measures what it says, and a hub that does not start is an error.
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
build=$1

measures() {
	"$root/bench/hub" --build "$build" --rounds 1 --frames 5 --snapshots 3 --seconds 0.2 --json >"$scratch/rows" &&
		python3 - "$scratch/rows" <<-'END'
			import json, sys
			rows = [json.loads(line) for line in open(sys.argv[1])]
			names = [row["what"] for row in rows]
			wanted = "ingest memcpy ingest-cpu snapshot-watched snapshot-alone idle-cpu idle-wakeups"
			assert names == wanted.split()
			assert all(row["min"] <= row["median"] <= row["max"] for row in rows), rows
			assert all(row["median"] > 0 for row in rows[:2] + rows[3:5]), rows
		END
}
check "each figure is there, as JSON" measures

mkdir "$scratch/cli"
printf '#!/bin/sh\nexit 1\n' >"$scratch/cli/fairlead"
chmod +x "$scratch/cli/fairlead"
fails() {
	! "$root/bench/hub" --build "$scratch" 2>"$scratch/said" && grep -q 'did not start' "$scratch/said"
}
check "a hub that does not start is an error" fails
tap_end
