/*
 * two_readers - two threads write, two others read both variables in opposite orders. Under --weak only.
 *
 * Breaks: with release and acquire the two readers may disagree on which of the writes came first.
 * Mended: sequentially consistent accesses have one order for all.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef MENDED
#define STORE memory_order_release
#define LOAD memory_order_acquire
#else
#define STORE memory_order_seq_cst
#define LOAD memory_order_seq_cst
#endif

static atomic_int x, y;
static int xy[2], yx[2];

static void *write_x(void *unused)
{
	(void)unused;
	atomic_store_explicit(&x, 1, STORE);
	return NULL;
}

static void *write_y(void *unused)
{
	(void)unused;
	atomic_store_explicit(&y, 1, STORE);
	return NULL;
}

static void *read_xy(void *unused)
{
	(void)unused;
	xy[0] = atomic_load_explicit(&x, LOAD);
	xy[1] = atomic_load_explicit(&y, LOAD);
	return NULL;
}

static void *read_yx(void *unused)
{
	(void)unused;
	yx[0] = atomic_load_explicit(&y, LOAD);
	yx[1] = atomic_load_explicit(&x, LOAD);
	return NULL;
}

int main(void)
{
	void *(*const parts[])(void *) = {write_x, write_y, read_xy, read_yx};
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, parts[i], NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert(!(xy[0] == 1 && xy[1] == 0 && yx[0] == 1 && yx[1] == 0)); /* here */
	return 0;
}
