/*
 * planted_list.c - which mistakes are planted, where, and how the model must find them.
 *
 * For each primitive at least one order made relaxed and one wake-up dropped: by the kernel, or because the
 * mark that says that somebody waits is not set.
 */
#include "planted.h"

#define WAITERS 0x80000000u
#define EVENT_WAITERS 2u
#define QUEUE_WAITING 1u
#define QUEUE_FD 2u
#define JOINERS 1u
#define FUTURE_WATCHED 8u

#define WEAKEN(scenario, tag, finding) \
	{ \
		scenario, MODEL_WEAKEN, tag, "its order is relaxed", 0, finding \
	}
#define LOSE_WAKE(scenario, finding) \
	{ \
		scenario, MODEL_LOSE_WAKE, "one wake-up", "is lost", 0, finding \
	}
#define LOSE_MARK(scenario, place, mask, finding) \
	{ \
		scenario, MODEL_LOSE_MARK, place, "the mark of those who wait is lost", mask, finding \
	}
#define LEAVE_OUT(scenario, place, finding) \
	{ \
		scenario, MODEL_LEAVE_OUT, place, "is left out once", 0, finding \
	}

#define WOKEN "base/park.c wake exchange word"

const struct model_planted model_planted[] = {
	WEAKEN("inner", "inner.1", "data race on &o->counter"),
	WEAKEN("inner", "inner.2", "data race on &o->counter"),
	WEAKEN("inner", "inner.3", "data race on &o->counter"),

	WEAKEN("lock", "lock.1", "data race on &o->counter"),
	WEAKEN("lock", "lock.2", "data race on &o->counter"),
	WEAKEN("lock", "lock.3", "data race on &o->counter"),
	WEAKEN("lock-three", "lock.4", "data race on &o->counter"),
	WEAKEN("lock", "park.1", "data race"),
	WEAKEN("lock", "park.2", "data race"),
	WEAKEN("lock-atomic", "lock.3", "data race on &o->counter"),
	LOSE_WAKE("lock", "deadlock"),
	LOSE_MARK("lock", "sync/lock.c mark cas &lock->fl_word", WAITERS, "deadlock"),
	{"lock", MODEL_LOSE_BARRIER, "the barrier", "does nothing", 0, "deadlock"},
	LEAVE_OUT("lock-foreign", WOKEN, "deadlock"),

	WEAKEN("condition-all", "lock.4", "data race"),
	WEAKEN("condition-all", "park.1", "data race"),
	LOSE_MARK("condition-queue", "sync/lock.c wake_first store &lock->fl_word", WAITERS, "deadlock"),
	WEAKEN("condition-lock", "inner.2", "data race"),
	LOSE_WAKE("condition", "deadlock"),
	LOSE_WAKE("condition-then-wait", "deadlock"),
	LOSE_MARK("condition", "sync/lock.c fl_lock_expect_waiter_ cas &lock->fl_word", WAITERS, "deadlock"),

	WEAKEN("event-look", "event.1", "data race on &o->data"),
	WEAKEN("event-look", "event.2", "data race on &o->data"),
	WEAKEN("event-look", "event.3", "data race on &o->data"),
	WEAKEN("event", "park.1", "data race"),
	LOSE_WAKE("event", "deadlock"),
	LOSE_MARK("event", "sync/event.c queue cas &event->fl_state", EVENT_WAITERS, "deadlock"),
	LEAVE_OUT("event", WOKEN, "deadlock"),
	LOSE_WAKE("event-any", "deadlock"),

	WEAKEN("semaphore", "semaphore.1", "data race on &o->data"),
	WEAKEN("semaphore", "semaphore.2", "data race on &o->data"),
	WEAKEN("semaphore-two", "semaphore.3", "data race on &o->data"),
	WEAKEN("semaphore", "semaphore.4", "data race on &o->data"),
	WEAKEN("semaphore", "park.2", "data race"),
	LOSE_WAKE("semaphore", "deadlock"),
	LOSE_MARK("semaphore", "sync/semaphore.c queue cas &semaphore->fl_value", WAITERS, "deadlock"),
	LEAVE_OUT("semaphore-two", WOKEN, "deadlock"),

	WEAKEN("barrier", "inner.2", "data race"),
	WEAKEN("barrier", "park.1", "data race"),
	WEAKEN("barrier", "park.2", "data race"),
	LOSE_WAKE("barrier", "deadlock"),
	LEAVE_OUT("barrier-three", WOKEN, "deadlock"),
	LEAVE_OUT("barrier", "sync/barrier.c set store field", "scenario_rounds.c"),

	WEAKEN("rwlock", "rwlock.1", "data race on &o->value"),
	WEAKEN("rwlock", "rwlock.2", "data race on &o->value"),
	LOSE_WAKE("rwlock", "deadlock"),
	LOSE_MARK("rwlock", "sync/rwlock.c mark cas &lock->fl_state", WAITERS, "deadlock"),

	WEAKEN("rwlock-left", "rwlock.3", "data race on &o->value"),
	WEAKEN("rwlock", "rwlock.4", "data race on &o->value"),
	WEAKEN("rwlock", "rwlock.5", "data race on &o->value"),

	WEAKEN("once-until", "once.1", "data race on &o->made"),
	WEAKEN("once-until", "once.2", "data race on &o->made"),
	WEAKEN("once-failing", "once.3", "data race on &o->tried"),
	LOSE_WAKE("once", "deadlock"),

	WEAKEN("note", "note.1", "data race on &o->made"),
	WEAKEN("note", "note.2", "data race on &o->made"),
	LOSE_WAKE("note", "deadlock"),
	LOSE_WAKE("event-cancel", "deadlock"),

	WEAKEN("frames-latest", "pins.1", "data race"),
	WEAKEN("frames-latest", "pins.2", "data race"),
	WEAKEN("frames-latest", "pins.4", "data race"),
	WEAKEN("frames-every", "pins.5", "data race"),
	WEAKEN("frames-every", "pins.6", "data race"),
	WEAKEN("frames-latest", "pins.9", "data race"),
	WEAKEN("frames-every", "pins.9 fl_pins_take_queued_", "data race"),
	LOSE_WAKE("frames-wait", "deadlock"),
	LOSE_WAKE("frames-every", "deadlock"),
	LEAVE_OUT("frames-latest", "frame/pins.c fl_pins_take_latest_ store &pins->hold[index]", "data race"),
	LEAVE_OUT("frames-every", "frame/pins.c fl_pins_take_queued_ store &pins->hold[index]", "data race"),
	LEAVE_OUT("frames-wait", "frame/pins.c fl_pins_arm_ store &pins->armed", "deadlock"),
	LEAVE_OUT("frames-every", "frame/pins.c fl_pins_ask_room_ store &pinned->pins->wants_room", "deadlock"),
	WEAKEN("frames-readers", "inner.2", "data race on &o->n_seats"),
	LOSE_WAKE("frames-readers", "deadlock"),
	LEAVE_OUT("frames-readers", WOKEN, "deadlock"),
	LOSE_WAKE("frames-readers-until", "deadlock"),

	WEAKEN("queue-two", "queue.1", "data race"),
	WEAKEN("queue-two", "queue.2", "data race on items"),
	WEAKEN("queue-two", "queue.3", "data race"),
	WEAKEN("queue-two", "queue.4", "data race on items"),
	WEAKEN("queue-join", "join.1", "data race on &o->data"),
	WEAKEN("queue-join", "join.2", "data race on &o->data"),
	LOSE_WAKE("queue", "deadlock"),
	LOSE_WAKE("queue-two", "deadlock"),
	LOSE_WAKE("queue-burst", "deadlock"),
	LOSE_WAKE("queue-join", "deadlock"),
	LOSE_WAKE("queue-shutdown", "deadlock"),
	LOSE_WAKE("queue-shutdown-full", "deadlock"),
	LOSE_MARK("queue", "queue/wait.c set_alert store &side->alert", QUEUE_WAITING, "deadlock"),
	LOSE_MARK("queue-lifo", "queue/wait.c set_alert store &side->alert", QUEUE_WAITING, "deadlock"),
	LOSE_MARK("queue-fd", "queue/descriptor.c arm store &queue->put.alert", QUEUE_FD, "deadlock"),
	LOSE_MARK("queue-join", "queue/join.c queue_up or &queue->done", JOINERS, "deadlock"),
	LEAVE_OUT("queue", WOKEN, "deadlock"),
	LEAVE_OUT("queue-shutdown", WOKEN, "deadlock"),
	/* Who comes does not say so: then it does not wake the next one either, and nobody else does. */
	LEAVE_OUT("queue-chain", "queue/wait.c set_coming store &side->coming", "deadlock"),
	LEAVE_OUT("queue-putters", "queue/wait.c set_coming store &side->coming", "side->coming == 0"),
	LEAVE_OUT("queue-spin", "queue/wait.c set_coming store &side->coming", "side->coming == 0"),
	WEAKEN("future", "future.1", "data race on &o->data"),
	WEAKEN("future", "future.2", "data race on &o->data"),
	WEAKEN("future-freed", "future.3", "data race"),
	WEAKEN("future-freed", "future.4", "data race"),
	LOSE_WAKE("future", "deadlock"),
	LOSE_WAKE("future-two", "deadlock"),
	LOSE_MARK("future", "run/wait.c fl_future_watch_ cas &future->state", FUTURE_WATCHED, "deadlock"),
	LOSE_MARK("future-callback", "run/future.c fl_future_call_ cas &future->state", FUTURE_WATCHED,
		  "scenario_future.c"),
	LOSE_WAKE("future-completed", "deadlock"),

	WEAKEN("executor", "lane.1", "data race"),
	WEAKEN("executor", "lane.2", "data race"),
	LOSE_WAKE("executor-awaited", "deadlock"),
	LOSE_WAKE("executor-lend", "deadlock"),
	LEAVE_OUT("executor", WOKEN, "deadlock"),
	WEAKEN("executor-grow", "lane.5", "data race"),

	WEAKEN("parallel", "parallel.1", "data race on &o->"),
	WEAKEN("parallel", "parallel.2", "data race on &o->"),
	WEAKEN("parallel-callers", "parallel.3", "data race on &o->executor"),
	WEAKEN("parallel-callers", "parallel.4", "data race on &o->executor"),
	WEAKEN("parallel", "parallel.5", "data race"),
	WEAKEN("parallel", "parallel.6", "data race"),
	LOSE_WAKE("parallel", "deadlock"),
	LEAVE_OUT("parallel", "run/parallel.c count_done sub &loop->left", "deadlock"),
	LEAVE_OUT("parallel-halves", "run/parallel.c take_from_others store &loop->seats[mine].share", "deadlock"),
	LEAVE_OUT("parallel", "run/parallel.c ask_helper add &loop->refs", "add touches freed memory"),
	LEAVE_OUT("parallel", "run/parallel.c unref sub &loop->refs", "scenario_parallel.c"),
	LEAVE_OUT("parallel-refused", "run/parallel.c ask_helper sub &loop->refs", "scenario_parallel.c"),
	LEAVE_OUT("parallel-three", "run/parallel.c help add &loop->taken", "deadlock"),
	{"parallel", MODEL_LOSE_MARK, "run/parallel.c take_piece cas &seat->share",
	 "leaves the first piece where it is", 1, "scenario_parallel.c"},
	{"parallel-error", MODEL_LOSE_MARK, "run/parallel.c fail cas &loop->error", "keeps no error", 0xffffffffu,
	 "scenario_parallel.c"},

	WEAKEN("group", "event.1", "data race"),
	WEAKEN("group", "event.3", "data race"),
	WEAKEN("group-child", "inner.1", "data race"),
	WEAKEN("group-child", "inner.2", "data race"),
	LOSE_WAKE("group", "deadlock"),
	LOSE_WAKE("group-error", "deadlock"),
	LEAVE_OUT("group-error", "sync/note.c cancel_one store &note->fl_state", "deadlock"),
	{"group-error", MODEL_LOSE_MARK, "run/group.c fail cas &group->error", "keeps no error", 0xffffffffu,
	 "scenario_group.c"},
	{"group-cancel", MODEL_LOSE_MARK, "run/group.c fail cas &group->error", "keeps no error", 0xffffffffu,
	 "scenario_group.c"},
	{0},
};
