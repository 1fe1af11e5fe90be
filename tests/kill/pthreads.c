/*
 * pthreads.c - what glibc has for processes: mutexes, plain and robust; rwlock, condition and barrier; sem_t.
 *
 * A robust mutex tells its next holder of a death, and that one mends. The others have no such word. The rwlock prefers
 * writers, for with glibc's usual kind readers that follow each other starve a writer without any kill.
 *
 * Two of these are the controls of the harness itself: the plain mutex gets stuck, the robust one never.
 */
#define _GNU_SOURCE
#include "kill.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

static int make_mutex(pthread_mutex_t *mutex, int robust)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, robust);
	return -pthread_mutex_init(mutex, &attributes);
}

/* After a call that acquires a mutex. */
static void mend(pthread_mutex_t *mutex, int error)
{
	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(mutex);
	if (error)
		kill_fail("a mutex", error);
}

/* ---- mutexes ---- */

struct locked {
	pthread_mutex_t mutex;
	struct kill_guarded guarded;
};

static int make_plain(void *memory)
{
	return make_mutex(&((struct locked *)memory)->mutex, PTHREAD_MUTEX_STALLED);
}

static int make_robust(void *memory)
{
	return make_mutex(&((struct locked *)memory)->mutex, PTHREAD_MUTEX_ROBUST);
}

static void acquire(void *memory, struct kill_worker *worker)
{
	struct locked *locked = memory;

	(void)worker;
	mend(&locked->mutex, pthread_mutex_lock(&locked->mutex));
}

static void release(void *memory, struct kill_worker *worker)
{
	(void)worker;
	pthread_mutex_unlock(&((struct locked *)memory)->mutex);
}

static void use_locked(void *memory, struct kill_worker *worker)
{
	acquire(memory, worker);
	kill_guarded_use(&((struct locked *)memory)->guarded, worker);
	release(memory, worker);
	kill_dwell(worker);
}

static void check_locked(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct locked *)memory)->guarded, verdict);
}

/* ---- rwlock ---- */

struct read_locked {
	pthread_rwlock_t lock;
	struct kill_guarded guarded;
};

static int make_rwlock(void *memory)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	return -pthread_rwlock_init(&((struct read_locked *)memory)->lock, &attributes);
}

static void acquire_rwlock(void *memory, struct kill_worker *worker)
{
	(void)worker;
	pthread_rwlock_wrlock(&((struct read_locked *)memory)->lock);
}

static void release_rwlock(void *memory, struct kill_worker *worker)
{
	(void)worker;
	pthread_rwlock_unlock(&((struct read_locked *)memory)->lock);
}

static void use_rwlock(void *memory, struct kill_worker *worker)
{
	struct read_locked *locked = memory;

	pthread_rwlock_rdlock(&locked->lock);
	kill_guarded_look(&locked->guarded);
	kill_dwell(worker);
	pthread_rwlock_unlock(&locked->lock);
	pthread_rwlock_wrlock(&locked->lock);
	kill_guarded_use(&locked->guarded, worker);
	pthread_rwlock_unlock(&locked->lock);
	kill_dwell(worker);
}

static void check_rwlock(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct read_locked *)memory)->guarded, verdict);
}

/* ---- condition: a box for one item, under a robust mutex ---- */

struct box {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t item;
	struct kill_ledger ledger;
};

static int make_box(void *memory)
{
	struct box *box = memory;
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&box->changed, &attributes);
	return make_mutex(&box->mutex, PTHREAD_MUTEX_ROBUST);
}

static void put_in_box(struct box *box, struct kill_worker *worker)
{
	uint64_t item = kill_item_next(&box->ledger, worker);

	mend(&box->mutex, pthread_mutex_lock(&box->mutex));
	while (box->item)
		mend(&box->mutex, pthread_cond_wait(&box->changed, &box->mutex));
	box->item = item;
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->mutex);
	kill_item_put(&box->ledger, worker);
}

static void take_from_box(struct box *box)
{
	uint64_t item;

	mend(&box->mutex, pthread_mutex_lock(&box->mutex));
	while (!box->item)
		mend(&box->mutex, pthread_cond_wait(&box->changed, &box->mutex));
	item = box->item;
	box->item = 0;
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->mutex);
	kill_item_got(&box->ledger, item);
}

static void use_box(void *memory, struct kill_worker *worker)
{
	if (worker->role == 0)
		put_in_box(memory, worker);
	else
		take_from_box(memory);
	kill_dwell(worker);
}

static void check_box(const void *memory, struct kill_verdict *verdict)
{
	kill_ledger_check(&((const struct box *)memory)->ledger, 1, 0, verdict);
}

static void leave_box_empty(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

/* ---- barrier ---- */

struct gate {
	pthread_barrier_t barrier;
	uint64_t opened, arrived[KILL_MOST_WORKERS]; /* how often it has opened, and who in each place has come to it */
	uint64_t early;
};

static int make_gate(void *memory)
{
	pthread_barrierattr_t attributes;

	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	return -pthread_barrier_init(&((struct gate *)memory)->barrier, &attributes, kill_workers());
}

/* It opens when all have come: so who is in another place has come as often as it has opened. */
static void count_opening(struct gate *gate)
{
	uint64_t opened = __atomic_add_fetch(&gate->opened, 1, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < kill_workers(); i++)
		if (__atomic_load_n(&gate->arrived[i], __ATOMIC_RELAXED) < opened)
			__atomic_store_n(&gate->early, 1, __ATOMIC_RELAXED);
}

static void go_through(void *memory, struct kill_worker *worker)
{
	struct gate *gate = memory;

	__atomic_add_fetch(&gate->arrived[worker->index], 1, __ATOMIC_RELAXED);
	if (pthread_barrier_wait(&gate->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		count_opening(gate);
	kill_dwell(worker);
}

static void check_gate(const void *memory, struct kill_verdict *verdict)
{
	verdict->broken += ((const struct gate *)memory)->early;
}

static void stay_away(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

/* ---- sem_t with one permit, as a lock ---- */

struct permitted {
	sem_t semaphore;
	struct kill_guarded guarded;
};

static int make_semaphore(void *memory)
{
	return sem_init(&((struct permitted *)memory)->semaphore, 1, 1) < 0 ? -errno : 0;
}

static void acquire_semaphore(void *memory, struct kill_worker *worker)
{
	(void)worker;
	while (sem_wait(&((struct permitted *)memory)->semaphore) < 0)
		if (errno != EINTR)
			kill_fail("sem_wait", errno);
}

static void release_semaphore(void *memory, struct kill_worker *worker)
{
	(void)worker;
	sem_post(&((struct permitted *)memory)->semaphore);
}

static void use_semaphore(void *memory, struct kill_worker *worker)
{
	acquire_semaphore(memory, worker);
	kill_guarded_use(&((struct permitted *)memory)->guarded, worker);
	release_semaphore(memory, worker);
	kill_dwell(worker);
}

static void check_semaphore(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct permitted *)memory)->guarded, verdict);
}

const struct kill_object kill_pthreads[] = {
	{.name = "pthread-mutex",
	 .what = "pthread mutex, process-shared",
	 .expects = KILL_GETS_STUCK,
	 .alone = true,
	 .size = sizeof(struct locked),
	 .init = make_plain,
	 .operate = use_locked,
	 .check = check_locked,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire, .meanwhile = release},
			{.name = "wanted", .queues = true}}},
	{.name = "pthread-robust",
	 .what = "pthread mutex, process-shared, robust",
	 .alone = true,
	 .size = sizeof(struct locked),
	 .init = make_robust,
	 .operate = use_locked,
	 .check = check_locked,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire, .meanwhile = release},
			{.name = "wanted", .queues = true},
			{.name = "orphaned", .before = acquire, .dies = true}}},
	{.name = "pthread-rwlock",
	 .what = "pthread rwlock, process-shared",
	 .size = sizeof(struct read_locked),
	 .init = make_rwlock,
	 .operate = use_rwlock,
	 .check = check_rwlock,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire_rwlock, .meanwhile = release_rwlock},
			{.name = "wanted", .queues = true}}},
	{.name = "pthread-cond",
	 .what = "pthread condition, process-shared, with a robust mutex",
	 .size = sizeof(struct box),
	 .roles = 2,
	 .drains = true,
	 .init = make_box,
	 .operate = use_box,
	 .check = check_box,
	 .situations = {{.name = "notify", .waits = true},
			{.name = "wait", .role = 1, .before = leave_box_empty, .meanwhile = use_box}}},
	{.name = "pthread-barrier",
	 .what = "pthread barrier, process-shared",
	 .size = sizeof(struct gate),
	 .init = make_gate,
	 .operate = go_through,
	 .check = check_gate,
	 .situations = {{.name = "first", .before = stay_away, .meanwhile = go_through},
			{.name = "last", .waits = true}}},
	{.name = "sem_t",
	 .what = "sem_t, process-shared, as a lock",
	 .size = sizeof(struct permitted),
	 .init = make_semaphore,
	 .operate = use_semaphore,
	 .check = check_semaphore,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire_semaphore, .meanwhile = release_semaphore},
			{.name = "wanted", .queues = true}}},
	{0},
};
