#!/bin/bash
# run-check-strategies.sh BUILD [NAME...] - how soon each strategy finds the failures of tests/check/strategies.
#
# A program's first lines say `check: found STRATEGY RUNS...`: with each of 20 seeds, the strategy has to find its
# failure in so many runs. A race is none here: what it leads to is.
source "$(dirname "$0")/tap.sh"

build=$1
shift
library=$build/src/check/libtsan.so.2
seeds=${SEEDS:-20}
declare -A number=([portfolio]=0 [random]=1 [pos]=2 [pct]=3 [directed]=4 [reads-from]=5 [places]=8)

# Succeeds if the strategy finds the failure with every seed.
finds() {
	local program=$1 strategy=$2 runs=$3 seed said
	for seed in $(seq "$seeds"); do
		said=$(DRIVE_PLAIN=1 DRIVE_STRATEGY=${number[$strategy]} \
			"$scratch/drive" "$library" 1 "$runs" "$seed" "$program" 2>/dev/null)
		if [[ $said != verdict* ]]; then
			echo "seed $seed: $said"
			return 1
		fi
	done
}

check "the driver is compiled" "${CC:-gcc}" -D_GNU_SOURCE -O1 -o "$scratch/drive" "$root/tests/check/drive.c"
for source in "$root"/tests/check/strategies/*.c; do
	name=$(basename "$source" .c)
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	check "$name is compiled" "${CC:-gcc}" -g -O0 -fsanitize=thread -pthread -o "$scratch/$name" "$source"
	read -ra bounds < <(sed -n '1,12s/.*check: found \(.*\) \*\//\1/p' "$source")
	for ((i = 0; i < ${#bounds[@]}; i += 2)); do
		check "$name: ${bounds[i]} finds it in ${bounds[i + 1]} runs" \
			finds "$scratch/$name" "${bounds[i]}" "${bounds[i + 1]}"
	done
done
tap_end
