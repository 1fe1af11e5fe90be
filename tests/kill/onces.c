/*
 * onces.c - the Once of Fairlead, shared.
 *
 * The function fails some times, and then succeeds; then the next once has its turn. Nobody but the runner is inside
 * the function, and each once succeeds one time, or again only if its runner was killed on the way out. The last once
 * never succeeds, so that there is always one to call.
 */
#define _GNU_SOURCE
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/once.h>
#include <pthread.h>
#include <unistd.h>

enum { ONCES = 1 << 16 };

struct turn {
	fl_once once;
	uint32_t runs;
	uint32_t done; /* when it succeeded: one more than how many had been killed by then; or 0 */
};

struct place {
	uint32_t current, spare;
	struct turn all[ONCES];
};

struct shared {
	struct kill_guarded guarded;
	uint64_t strange;
};

/* What the function gets. */
struct run {
	struct shared *shared;
	struct kill_worker *worker;
	uint32_t index;
};

static struct place *place;

#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

static int make_place(void *object, void *arg)
{
	struct place *made = object;

	(void)arg;
	for (unsigned i = 0; i < ONCES; i++)
		fl_once_init_shared(&made->all[i].once);
	return 0;
}

static int init(void *memory)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct place, 1);
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	if (error == 0)
		error = fl_segment_object(segment, "place", &type, make_place, NULL, (void **)&place);
	return error < 0 ? error : 0;
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	fl_event *never;
	int error = fl_segment_event(segment, "never", &never);

	(void)memory, (void)worker;
	if (error < 0 || fl_event_wait_until(never, 0, NULL) != -ETIMEDOUT)
		kill_fail("fl_event_wait_until", EINVAL);
}

/* How often it fails: the first ones seldom, so that single steps see both. */
static uint32_t failures(uint32_t index)
{
	return index == ONCES - 1 ? UINT32_MAX : index < 64 ? index % 3 : 100;
}

static int function(void *arg)
{
	struct run *run = arg;
	struct turn *turn = &place->all[run->index];
	uint32_t runs = load(&turn->runs), done = load(&turn->done);

	if (done != 0 && kill_deaths() < done)
		__atomic_add_fetch(&run->shared->strange, 1, __ATOMIC_RELAXED);
	kill_guarded_use(&run->shared->guarded, run->worker);
	store(&turn->runs, runs + 1);
	if (runs < failures(run->index))
		return -EAGAIN;
	store(&turn->done, (uint32_t)kill_deaths() + 1);
	return 0;
}

static void call(struct run *run)
{
	uint32_t current = run->index;
	int error = fl_once_call(&place->all[current].once, function, run);

	if (error != 0 && error != -EAGAIN)
		kill_fail("fl_once_call", error);
	if (error != 0)
		return;
	if (load(&place->all[current].done) == 0)
		__atomic_add_fetch(&run->shared->strange, 1, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(&place->current, &current, current + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void operate(void *memory, struct kill_worker *worker)
{
	struct run run = {memory, worker, load(&place->current)};

	call(&run);
	kill_dwell(worker);
}

/* A thread that is inside the function until it is told to go on. */

static pthread_t thread;
static uint32_t entered, go_on;

static int stay(void *arg)
{
	store(&entered, 1);
	while (!load(&go_on))
		usleep(100);
	return function(arg);
}

static void *call_and_stay(void *arg)
{
	struct run *run = arg;

	if (fl_once_call(&place->all[run->index].once, stay, run) != 0)
		kill_fail("fl_once_call", EIO);
	return NULL;
}

static void enter(void *memory, struct kill_worker *worker)
{
	static struct run run;

	run = (struct run){memory, worker, 0};
	if (pthread_create(&thread, NULL, call_and_stay, &run) != 0)
		kill_fail("pthread_create", EAGAIN);
	while (!load(&entered))
		usleep(100);
}

static void go_away(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	store(&go_on, 1);
	pthread_join(thread, NULL);
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct shared *)memory)->guarded, verdict);
	verdict->broken += ((const struct shared *)memory)->strange;
}

const struct kill_object kill_onces[] = {
	{.name = "once",
	 .what = "Fairlead shared Once",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "alone, it succeeds"},
			{.name = "alone, it fails", .before = operate},
			{.name = "another one runs it", .before = enter, .meanwhile = go_away},
			{.name = "its runner died", .before = enter, .dies = true},
			{.name = "another one waits", .queues = true}}},
	{0},
};
