/*
 * pool.c - the pool of Fairlead, whose workers are killed.
 *
 * Each worker of the harness has a pool of its own, and maps a function over some numbers with it, again and again. It
 * is the pool's processes that are killed. Whoever waits for the map has to get on, and its results have to be right.
 */
#include "kill.h"

#include <dirent.h>
#include <fairlead/fairlead.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 64, CHUNK = 4, PROCESSES = 2, TRIES = 1000 };

struct shared {
	uint64_t wrong;
};

static fl_pool *pool;

static int square(const void *item, void *ret_result, fl_task *task, void *arg)
{
	unsigned n;

	(void)task, (void)arg;
	memcpy(&n, item, sizeof(n));
	n *= n;
	memcpy(ret_result, &n, sizeof(n));
	return 0;
}

static void begin(void *memory, struct kill_worker *worker)
{
	int error = fl_pool_create(&pool, &(fl_pool_options){.max_workers = PROCESSES, .tries = TRIES});

	(void)memory, (void)worker;
	if (error < 0)
		kill_fail("fl_pool_create", error);
}

static void map(void *memory, struct kill_worker *worker)
{
	unsigned items[ITEMS], results[ITEMS] = {0};
	const fl_pool_items over = {.function = square,
				    .n = ITEMS,
				    .items = items,
				    .item_size = sizeof(items[0]),
				    .results = results,
				    .result_size = sizeof(results[0]),
				    .chunk = CHUNK};
	int error;

	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = i + worker->index;
	error = fl_pool_map(pool, &over);
	if (error < 0)
		kill_fail("fl_pool_map", error);
	for (unsigned i = 0; i < ITEMS; i++)
		if (results[i] != items[i] * items[i])
			__atomic_add_fetch(&((struct shared *)memory)->wrong, 1, __ATOMIC_RELAXED);
}

/* Adds the children of one thread: a process is a child of the thread that has started it. */
static unsigned add_children(int worker, const char *thread, int *children, unsigned n, unsigned most)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", worker, thread);
	file = fopen(path, "r");
	while (file && n < most && fscanf(file, "%d", &children[n]) == 1)
		n++;
	if (file)
		fclose(file);
	return n;
}

static int any_child(int worker, uint64_t random)
{
	enum { MOST = 16 };
	int children[MOST];
	char path[32];
	struct dirent *entry;
	unsigned n = 0;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", worker);
	threads = opendir(path);
	while (threads && (entry = readdir(threads)))
		n = add_children(worker, entry->d_name, children, n, MOST);
	if (threads)
		closedir(threads);
	return n > 0 ? children[random % n] : 0;
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	verdict->broken += ((const struct shared *)memory)->wrong;
}

const struct kill_object kill_pools[] = {
	{.name = "pool",
	 .what = "Fairlead pool, its map",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .workers = 2,
	 .start = begin,
	 .operate = map,
	 .victim = any_child,
	 .check = check},
	{0},
};
