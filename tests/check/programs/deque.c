/*
 * deque - a work-stealing deque whose owner takes the last task by a store.
 *
 * Breaks: the owner finds one task left; before it raises the top, the thief does by an exchange; both run that task.
 * Mended: the owner takes the last one by an exchange of the top, too.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define TASKS 2

static atomic_int top, bottom = TASKS;
static atomic_int done[TASKS];

static void run(int task)
{
	int before = atomic_fetch_add(&done[task], 1);
	assert(before == 0); /* here */
}

static void take(void)
{
	int last = atomic_fetch_sub(&bottom, 1) - 1;
	int first = atomic_load(&top);
	if (first < last) {
		run(last);
		return;
	}
#ifndef MENDED
	if (first == last) {
		atomic_store(&top, first + 1);
#else
	if (first == last && atomic_compare_exchange_strong(&top, &first, first + 1)) {
#endif
		run(last);
	}
	atomic_store(&bottom, last + 1);
}

static void *steal(void *unused)
{
	(void)unused;
	for (int i = 0; i < TASKS; i++) {
		int first = atomic_load(&top);
		if (first < atomic_load(&bottom) && atomic_compare_exchange_strong(&top, &first, first + 1))
			run(first);
	}
	return NULL;
}

int main(void)
{
	pthread_t thief;
	pthread_create(&thief, NULL, steal, NULL);
	for (int i = 0; i < TASKS; i++)
		take();
	pthread_join(thief, NULL);
	return 0;
}
