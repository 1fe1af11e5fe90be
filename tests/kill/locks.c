/*
 * locks.c - the Lock of Fairlead, shared.
 *
 * The harness makes a segment without a name, and the workers inherit it. `lock-comers` come and go: each operation
 * opens the segment, takes a place in it, uses the lock and leaves. Those of `lock-threads` have more threads that wait
 * for it: when two workers are killed at once, whom the kernel wakes for the one death may be of the other.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/lock.h>
#include <pthread.h>

struct shared {
	struct kill_guarded guarded;
};

static fl_lock *lock;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	return error < 0 ? error : fl_segment_lock(segment, "lock", &lock);
}

static void acquire(void)
{
	int error = fl_lock_acquire(lock);

	if (error == -EOWNERDEAD)
		error = fl_lock_mend(lock);
	if (error != 0)
		kill_fail("fl_lock_acquire", error);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_lock_acquire_try(lock))
		fl_lock_release(lock);
}

enum { MORE_THREADS = 3 };

static void *hold_now_and_then(void *worker_)
{
	struct kill_worker mine = *(struct kill_worker *)worker_; /* its dice: nobody else reads it */

	for (;;) {
		acquire();
		kill_dwell(&mine);
		fl_lock_release(lock);
	}
	return NULL;
}

static void begin_with_threads(void *memory, struct kill_worker *worker)
{
	pthread_t thread;

	begin(memory, worker);
	for (int i = 0; i < MORE_THREADS; i++)
		if (pthread_create(&thread, NULL, hold_now_and_then, worker) != 0)
			kill_fail("pthread_create", EAGAIN);
}

static void hold(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	acquire();
}

static void let_go(void *memory, struct kill_worker *worker)
{
	kill_guarded_use(&((struct shared *)memory)->guarded, worker);
	fl_lock_release(lock);
}

static void operate(void *memory, struct kill_worker *worker)
{
	acquire();
	let_go(memory, worker);
}

static void come_and_go(void *memory, struct kill_worker *worker)
{
	fl_segment *mine;
	int error = fl_segment_adopt(&mine, fl_segment_fd(segment), NULL);

	if (error == 0)
		error = fl_segment_lock(mine, "lock", &lock);
	if (error != 0)
		kill_fail("fl_segment_adopt", error);
	operate(memory, worker);
	fl_segment_close(mine);
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct shared *)memory)->guarded, verdict);
}

const struct kill_object kill_locks[] = {
	{.name = "lock",
	 .what = "Fairlead shared Lock",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "free"},
			{.name = "held", .before = hold, .meanwhile = let_go},
			{.name = "its holder died", .before = hold, .dies = true},
			{.name = "another one waits", .queues = true}}},
	{.name = "lock-comers",
	 .what = "Fairlead shared Lock, whose users come and go",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .operate = come_and_go,
	 .check = check},
	{.name = "lock-threads",
	 .what = "Fairlead shared Lock, processes of four threads",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin_with_threads,
	 .operate = operate,
	 .check = check},
	{0},
};
