# Fairlead's commands. Each makes sure first that the packages it needs are there (scripts/setup). What is built, and
# how, stands in the meson.build files and nowhere else.
BUILD = build
PREFIX = /usr/local
DESTDIR =
ARGS =
# Of the soak: for how long, as 20s, 10m or 1h; and what its random numbers begin with, to have the same one again.
HUB = 1m
SEED =
# If it is set, the soak kills users of Fairlead's shared objects so often, of each, instead.
KILLS =
# Of the fuzzing, for each part; for a hub that runs (the part http) a hundredth.
ROUNDS = 1000000
# Whatever is to be passed to `meson setup`, -Dchecks=false say.
MESON_ARGS =

# What stress, histories, mutants, survival and bench print is TAP or a table, and JSON if asked for: there, what sets
# up and builds says on standard error.

.PHONY: help build run tour test stress histories mutants
.PHONY: survival soak fuzz bench lint sanitize install clean
.DELETE_ON_ERROR:

help: ## show this list
	@awk -F ':[^#]*## ' '/^[a-z]+:.*##/ { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

build: ## build the library
	@scripts/setup build
	@scripts/configure $(BUILD) $(MESON_ARGS)
	@ninja -C $(BUILD) installed

run: ## build the frame hub and run it on the synthetic camera; ARGS="--source door=v4l2:/dev/video0" for a real one
	@scripts/setup hub
	@scripts/configure $(BUILD) -Dhub=enabled $(MESON_ARGS)
	@ninja -C $(BUILD) installed
	@$(BUILD)/cli/fairlead hub $(ARGS)

tour: ## build the examples and run them one after the other: a guided tour
	@scripts/setup examples
	@scripts/configure $(BUILD) $(MESON_ARGS)
	@scripts/tour $(BUILD)

test: ## build and run every test; ARGS="lock event" for some
	@scripts/setup test
	@scripts/configure $(BUILD) -Dtests=enabled -Dbench=enabled -Ddocs=enabled -Dhub=enabled $(MESON_ARGS)
	@scripts/test $(BUILD) $(ARGS)

stress: ## put every primitive through 1 000 000 rounds, checking invariants; ARGS="lock --threads 8" for less
	@scripts/setup test >&2
	@scripts/configure $(BUILD) -Dtests=enabled $(MESON_ARGS) >&2
	@ninja -C $(BUILD) --quiet tests/stress >&2
	@$(BUILD)/tests/stress --rounds 1000000 $(ARGS)

histories: ## put 10 000 000 items through queues of every kind, and check what all threads saw; ARGS="lifo" for less
	@scripts/setup test >&2
	@scripts/configure $(BUILD) -Dtests=enabled $(MESON_ARGS) >&2
	@ninja -C $(BUILD) --quiet tests/queue_history >&2
	@$(BUILD)/tests/queue_history --items 10000000 --round 250000 --small 10000 $(ARGS)

mutants: ## weaken each memory order, lose each wake-up in turn: is it noticed? ARGS="--only sync/" for some
	@scripts/setup test >&2
	@scripts/configure $(BUILD) -Dtests=enabled $(MESON_ARGS) >&2
	@ninja -C $(BUILD) --quiet tests/checked/checked >&2
	@tests/checked/mutants.py $(BUILD) $(ARGS)

survival: ## kill the users of shared objects, Fairlead's and the peers': who gets stuck? ARGS="--kills 400 --runs 3"
	@scripts/setup test >&2
	@scripts/configure $(BUILD) -Dtests=enabled -Dbench=enabled $(MESON_ARGS) >&2
	@ninja -C $(BUILD) --quiet tests/kill/kill >&2
	@tests/kill/survival $(BUILD) $(ARGS)

soak: ## run the hub for HUB=1m while all that may happen to it does; or kill users of each shared object, KILLS=100000
	@scripts/setup test
ifneq ($(KILLS),)
	@scripts/configure $(BUILD) -Dtests=enabled $(MESON_ARGS)
	@ninja -C $(BUILD) tests/kill/kill
	@$(BUILD)/tests/kill/kill --ours --random --kills $(KILLS) $(if $(SEED),--seed "$(SEED)") $(ARGS)
else
	@scripts/configure $(BUILD) -Dtests=enabled -Dhub=enabled $(MESON_ARGS)
	@ninja -C $(BUILD) installed tests/producer
	@tests/hub/soak.py $(BUILD) --for $(HUB) $(if $(SEED),--seed "$(SEED)") $(ARGS)
endif

fuzz: ## throw ROUNDS=1000000 damaged messages, images and requests at what reads them; ARGS="--only ingest" for a part
	@scripts/setup test >&2
	@scripts/configure $(BUILD) -Dtests=enabled -Dhub=enabled $(MESON_ARGS) >&2
	@ninja -C $(BUILD) --quiet installed tests/fuzz_hub >&2
	@scripts/fuzz $(BUILD) $(ROUNDS) $(ARGS)

bench: ## build and run the benchmarks beside the peers; ARGS="lock --json" for one, as JSON
	@scripts/setup bench >&2
	@scripts/configure $(BUILD) -Dbench=enabled $(MESON_ARGS) >&2
	@scripts/bench $(BUILD) $(ARGS)

lint: ## check format, layers, exports, atomics' pairs, sizes, docs and more; ARGS="layers style" for some
	@scripts/setup lint
	@scripts/lint $(ARGS)

sanitize: ## run the C tests under ASan and UBSan, then under TSan; ARGS="lock" for some
	@scripts/setup test
	@scripts/sanitize $(ARGS)

install: ## install under PREFIX=/usr/local; DESTDIR=... for packaging
	@scripts/setup docs hub
	@scripts/configure $(BUILD) --prefix=$(PREFIX) -Ddocs=enabled -Dhub=enabled $(MESON_ARGS)
	@scripts/install $(BUILD) "$(DESTDIR)"

clean: ## remove everything that was built
	rm -rf build build-*
