/*
 * arrays.c - the Array of Fairlead, shared.
 *
 * Each operation counts in one element by an addition, reads the whole array, overwrites most of it by the worker's
 * number, and counts in another element by a compare and exchange. What was overwritten must be one number whenever it
 * is read; at the end each count is how many operations ended, and at most one more for each kill.
 *
 * The addition comes first: if one who was killed in the middle of overwriting could leave something, it would be read
 * right after it. The elements are so small that writes begin and end in the middle of words.
 */
#include "in_segment.h"
#include "kill.h"

#include "shm/array.h"
#include <errno.h>
#include <fairlead/array.h>

/* What is overwritten: a few elements from the first one on where each step is tried, many where kills come at
 * random. */
enum { ADDED, COMPARED, FIRST, FEW = 13, MANY = 4001, N = FIRST + MANY };

struct shared {
	uint64_t ended[KILL_MOST_WORKERS];
	uint64_t torn;
};

static const fl_segment_type type = FL_SEGMENT_TYPE(uint32_t, 1);
static fl_array array;

static int init(void *memory)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	(void)memory;
	if (error == 0)
		error = fl_segment_array(segment, "array", &type, N, &array);
	return error < 0 ? error : 0;
}

static void need(const char *what, int error)
{
	if (error != 0)
		kill_fail(what, error);
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (fl_rlock_acquire_try(fl_array_lock(&array)))
		fl_rlock_release(fl_array_lock(&array));
}

/* The lock of writers, as one holds it in the middle of a write. */
static void hold(void *memory, struct kill_worker *worker)
{
	fl_lock *writing = &fl_array_head(&array)->writing;
	int error = fl_lock_acquire(writing);

	(void)memory, (void)worker;
	need("fl_lock_acquire", error == -EOWNERDEAD ? fl_lock_mend(writing) : error);
}

static void let_go(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	fl_lock_release(&fl_array_head(&array)->writing);
}

static void look(struct shared *shared, unsigned n)
{
	uint32_t elements[MANY];
	bool whole;

	need("fl_array_read", fl_array_read(&array, FIRST, n, elements));
	whole = elements[0] <= KILL_MOST_WORKERS;
	for (unsigned i = 1; i < n; i++)
		whole = whole && elements[i] == elements[0];
	if (!whole)
		__atomic_add_fetch(&shared->torn, 1, __ATOMIC_RELAXED);
}

static void operate(void *memory, struct kill_worker *worker)
{
	struct shared *shared = memory;
	uint64_t *ended = &shared->ended[worker->index];
	uint32_t numbers[MANY], before = 0, n = worker->steady ? FEW : MANY;
	int result;

	need("fl_array_add", fl_array_add(&array, ADDED, 1, NULL));
	look(shared, n);
	for (unsigned i = 0; i < n; i++)
		numbers[i] = worker->index + 1;
	need("fl_array_write", fl_array_write(&array, FIRST, n, numbers));
	kill_dwell(worker);
	need("fl_array_get", fl_array_get(&array, COMPARED, &before));
	while ((result = fl_array_compare_exchange(&array, COMPARED, &before, &(uint32_t){before + 1})) == 0)
		;
	need("fl_array_compare_exchange", result < 0 ? result : 0);
	__atomic_store_n(ended, *ended + 1, __ATOMIC_RELAXED);
}

static void judge(uint64_t counted, uint64_t ended, struct kill_verdict *verdict)
{
	verdict->lost += counted < ended ? ended - counted : 0;
	verdict->doubled += counted > ended + kill_deaths() ? counted - ended - kill_deaths() : 0;
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	struct shared *shared = (struct shared *)(uintptr_t)memory;
	uint32_t counts[2], last;
	uint64_t ended = 0;

	for (unsigned i = 0; i < KILL_MOST_WORKERS; i++)
		ended += shared->ended[i];
	need("fl_array_read", fl_array_read(&array, ADDED, 2, counts));
	judge(counts[0], ended, verdict);
	judge(counts[1], ended, verdict);
	need("fl_array_get", fl_array_get(&array, N - 1, &last));
	look(shared, last == 0 ? FEW : MANY);
	verdict->broken += shared->torn;
}

const struct kill_object kill_arrays[] = {
	{.name = "array",
	 .what = "Fairlead shared Array",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct shared),
	 .init = init,
	 .fini = close_segment,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "nobody writes"},
			{.name = "somebody writes", .before = hold, .meanwhile = let_go},
			{.name = "who wrote died", .before = hold, .dies = true}}},
	{0},
};
