/*
 * rwlocks.c - the RWLock of Fairlead, shared: each reads, and then writes. There is one place less than there are
 * workers, so that readers wait for readers, too.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/rwlock.h>

struct shared {
	struct kill_guarded guarded;
};

static fl_rwlock *lock;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);
	unsigned places = kill_workers() > 2 ? kill_workers() - 2 : 1;

	(void)memory;
	return error < 0 ? error : fl_segment_rwlock(segment, "lock", places, &lock);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	fl_rwlock_readers(lock);
}

static void acquire_write(void)
{
	int error = fl_rwlock_acquire_write(lock);

	if (error == -EOWNERDEAD)
		error = fl_rwlock_mend(lock);
	if (error != 0)
		kill_fail("fl_rwlock_acquire_write", error);
}

static void acquire_read(void)
{
	int error = fl_rwlock_acquire_read(lock);

	if (error != 0 && error != -EOWNERDEAD)
		kill_fail("fl_rwlock_acquire_read", error);
}

static void hold_write(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	acquire_write();
}

static void hold_read(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	acquire_read();
}

static void release_write(void *memory, struct kill_worker *worker)
{
	kill_guarded_use(&((struct shared *)memory)->guarded, worker);
	fl_rwlock_release_write(lock);
}

static void release_read(void *memory, struct kill_worker *worker)
{
	kill_guarded_look(&((struct shared *)memory)->guarded);
	kill_dwell(worker);
	fl_rwlock_release_read(lock);
}

static void operate(void *memory, struct kill_worker *worker)
{
	acquire_read();
	release_read(memory, worker);
	acquire_write();
	release_write(memory, worker);
	kill_dwell(worker);
}

/* A third of the writers goes on as a reader. */
static void read_or_write(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;

	if (worker->role == 0) {
		acquire_read();
		release_read(memory, worker);
		return;
	}
	acquire_write();
	kill_guarded_use(&shared->guarded, worker);
	if (worker->progress % 3 == 0) {
		fl_rwlock_downgrade(lock);
		release_read(memory, worker);
	} else {
		fl_rwlock_release_write(lock);
	}
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct shared *)memory)->guarded, verdict);
}

const struct kill_object kill_rwlocks[] = {
	{.name = "rwlock",
	 .what = "Fairlead shared RWLock",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "free"},
			{.name = "written", .before = hold_write, .meanwhile = release_write},
			{.name = "read", .before = hold_read, .meanwhile = release_read},
			{.name = "its writer died", .before = hold_write, .dies = true},
			{.name = "its reader died", .before = hold_read, .dies = true},
			{.name = "another one waits", .queues = true}}},
	{.name = "rwlock-sides",
	 .what = "Fairlead shared RWLock, readers and writers",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .workers = 6,
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = read_or_write,
	 .check = check,
	 .situations = {{.name = "read, and a writer waits", .queues = true},
			{.name = "write, and a reader waits", .role = 1, .queues = true}}},
	{0},
};
