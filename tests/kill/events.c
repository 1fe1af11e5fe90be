/*
 * events.c - the Event of Fairlead, shared.
 *
 * Workers are pairs: the first one counts up, rings and waits for the answer; the other one waits for the bell, answers
 * and rings back. Each clears the event before it looks whether there is something for it, and only then waits: so who
 * takes a dead one's place finds what that was about, and all that could keep the two from going on is a set that was
 * not heard.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/event.h>
#include <stdio.h>

enum { PAIRS = KILL_MOST_WORKERS / 2 };

struct pair {
	fl_event bell, reply;
	uint64_t asked, answered;
};

struct place {
	fl_event never;
	struct pair pairs[PAIRS];
};

struct shared {
	uint64_t strange;
};

static struct place *place;

static int make_place(void *object, void *arg)
{
	struct place *made = object;

	(void)arg;
	fl_event_init_shared(&made->never);
	for (unsigned i = 0; i < PAIRS; i++) {
		fl_event_init_shared(&made->pairs[i].bell);
		fl_event_init_shared(&made->pairs[i].reply);
	}
	return 0;
}

static int init(void *memory)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(struct place, 1);
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	return error < 0                                                                           ? error
	       : fl_segment_object(segment, "place", &type, make_place, NULL, (void **)&place) < 0 ? -EIO
												   : 0;
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_event_wait_until(&place->never, 0, NULL) != -ETIMEDOUT)
		kill_fail("fl_event_wait_until", EINVAL);
}

#define load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

static void wait(fl_event *event)
{
	int error = fl_event_wait(event);

	if (error != 0)
		kill_fail("fl_event_wait", error);
}

static void ask(struct pair *pair)
{
	if (load(&pair->asked) == load(&pair->answered))
		store(&pair->asked, pair->asked + 1);
	fl_event_set(&pair->bell);
	for (;;) {
		fl_event_clear(&pair->reply);
		if (load(&pair->answered) == load(&pair->asked))
			return;
		wait(&pair->reply);
	}
}

static void answer(struct pair *pair)
{
	fl_event_set(&pair->reply); /* the one before this may have died before it did */
	for (;;) {
		fl_event_clear(&pair->bell);
		if (load(&pair->answered) != load(&pair->asked))
			break;
		wait(&pair->bell);
	}
	store(&pair->answered, pair->answered + 1);
	fl_event_set(&pair->reply);
}

static void operate(void *memory, struct kill_worker *worker)
{
	struct pair *pair = &place->pairs[worker->index / 2];
	uint64_t ahead;

	if (worker->role == 0)
		ask(pair);
	else
		answer(pair);
	ahead = load(&pair->asked) - load(&pair->answered);
	if (ahead + 1 > 2)
		__atomic_add_fetch(&((struct shared *)memory)->strange, 1, __ATOMIC_RELAXED);
	kill_dwell(worker);
}

static void be_there(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	verdict->broken += ((const struct shared *)memory)->strange;
}

const struct kill_object kill_events[] = {
	{.name = "event",
	 .what = "Fairlead shared Event",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "set, and another one waits", .waits = true},
			{.name = "wait", .role = 1, .before = be_there, .meanwhile = operate},
			{.name = "answer, and another one waits", .role = 1, .waits = true}}},
	{0},
};
