/*
 * published_once.c - can threads read something without a lock?
 *
 * Yes, if it never changes once it is published, and the publishing is done right: write all of it, then store its
 * address with release order; readers load the address with acquire order. They find nothing or the whole, never half;
 * a plain pointer does not promise that. fl_once is for what somebody has to make first: the first to come makes it.
 *
 * Prints how often the table was made, and how many looks at the published value saw half of it.
 */
#include <fairlead/once.h>
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>

#define THREADS 4

static fl_once table_made = FL_ONCE_INIT;
static int table[10], times_made;
static struct size {
	int width, height, area;
} screen;
static _Atomic(const struct size *) published;
static atomic_int halves;

static int make_table(void *ret_times)
{
	++*(int *)ret_times;
	for (int i = 0; i < 10; i++)
		table[i] = i * i;
	return 0;
}

static void *read_both(void *ret_square)
{
	fl_once_call(&table_made, make_table, &times_made);
	*(int *)ret_square = table[9];
	for (int i = 0; i < 10000; i++) {
		const struct size *size = atomic_load_explicit(&published, memory_order_acquire);
		atomic_fetch_add(&halves, size != NULL && size->area != size->width * size->height);
	}
	return NULL;
}

int main(void)
{
	fl_thread *threads[THREADS];
	int squares[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (fl_thread_start(&threads[i], NULL, read_both, &squares[i]) < 0)
			return 1;
	screen = (struct size){640, 480, 640 * 480};
	atomic_store_explicit(&published, &screen, memory_order_release);
	for (int i = 0; i < THREADS; i++) {
		fl_thread_join(threads[i], NULL);
		printf("reader %d: 9 * 9 = %d\n", i + 1, squares[i]);
	}
	printf("table made: %d time, halves seen: %d\n", times_made, atomic_load(&halves));
	return 0;
}
