/*
 * planted.c - objects with a mistake that has nothing to do with kills, which the invariants must find: a lock that
 * locks nothing, and a queue that drops an item now and then and hands another one out twice.
 *
 * Without them an invariant that looks at nothing would pass for ever.
 */
#define _GNU_SOURCE
#include "kill.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void use_nothing(void *memory, struct kill_worker *worker)
{
	kill_guarded_use(memory, worker);
	kill_dwell(worker);
}

static void check_guarded(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(memory, verdict);
}

/* ---- a pipe, with a hole ---- */

enum { EVERY = 100 };

static int ends[2];

static int make_pipe(void *memory)
{
	(void)memory;
	return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

static void close_pipe(void *memory)
{
	(void)memory;
	close(ends[0]);
	close(ends[1]);
}

static void put(uint64_t item)
{
	unsigned times = item % EVERY == 0 ? 0 : item % EVERY == 1 ? 2 : 1;

	for (unsigned i = 0; i < times; i++)
		if (write(ends[1], &item, sizeof(item)) != sizeof(item))
			kill_fail("write", errno);
}

static void use_pipe(void *memory, struct kill_worker *worker)
{
	uint64_t item;

	if (worker->role == 0) {
		put(kill_item_next(memory, worker));
		kill_item_put(memory, worker);
	} else {
		if (read(ends[0], &item, sizeof(item)) != sizeof(item))
			kill_fail("read", errno);
		kill_item_got(memory, item);
	}
	kill_dwell(worker);
}

static void check_ledger(const void *memory, struct kill_verdict *verdict)
{
	kill_ledger_check(memory, 1, 0, verdict);
}

const struct kill_object kill_planted[] = {
	{.name = "planted-lock",
	 .what = "planted: a lock that locks nothing",
	 .expects = KILL_GOES_WRONG,
	 .size = sizeof(struct kill_guarded),
	 .operate = use_nothing,
	 .check = check_guarded},
	{.name = "planted-queue",
	 .what = "planted: a queue that loses and doubles items",
	 .expects = KILL_LOSES_AND_DOUBLES,
	 .size = sizeof(struct kill_ledger),
	 .roles = 2,
	 .drains = true,
	 .init = make_pipe,
	 .fini = close_pipe,
	 .operate = use_pipe,
	 .check = check_ledger},
	{0},
};
