/*
 * rcu - readers follow a pointer without a lock; the writer exchanges it and frees what it pointed to.
 *
 * Breaks: a reader has the old pointer, the writer exchanges and frees, the reader reads.
 * Mended: readers count themselves in and out, and the writer waits until it has seen nobody.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct route {
	int from, to;
};

static struct route *_Atomic current;
static atomic_int readers;

static struct route *make(int from)
{
	struct route *route = malloc(sizeof(*route));
	assert(route);
	route->from = from;
	route->to = from + 1;
	return route;
}

static void *look(void *unused)
{
	(void)unused;
	atomic_fetch_add(&readers, 1);
	struct route *route = atomic_load(&current);
	assert(route->to == route->from + 1); /* here */
	atomic_fetch_sub(&readers, 1);
	return NULL;
}

static void *replace(void *unused)
{
	(void)unused;
	struct route *old = atomic_exchange(&current, make(5));
#ifdef MENDED
	while (atomic_load(&readers) > 0)
		sched_yield();
#endif
	free(old);
	return NULL;
}

int main(void)
{
	pthread_t reader, writer;
	atomic_store(&current, make(1));
	pthread_create(&reader, NULL, look, NULL);
	pthread_create(&writer, NULL, replace, NULL);
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	free(atomic_load(&current));
	return 0;
}
