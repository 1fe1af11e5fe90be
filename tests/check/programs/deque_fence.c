/*
 * deque_fence - a work-stealing deque without the two fences between "I lower the bottom" and "I look at the top", and
 * between "I look at the top" and "I look at the bottom". Under --weak only.
 *
 * Breaks: the owner lowers the bottom and reads an old top, the thief raises the top and reads an old bottom; both run
 * the second task.
 * Mended: sequentially consistent fences.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define TASKS 2
#if defined(__GNUC__) && !defined(__clang__)
/* Says that the sanitizer does not know fences. The checker does. */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static atomic_int top, bottom = TASKS;
static atomic_int done[TASKS];

static void fence(void)
{
#ifdef MENDED
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

static void run(int task)
{
	int before = atomic_fetch_add_explicit(&done[task], 1, memory_order_relaxed);
	assert(before == 0); /* here */
}

static void take(void)
{
	int last = atomic_load_explicit(&bottom, memory_order_relaxed) - 1;
	atomic_store_explicit(&bottom, last, memory_order_relaxed);
	fence();
	int first = atomic_load_explicit(&top, memory_order_relaxed);
	if (first < last) {
		run(last);
		return;
	}
	if (first == last && atomic_compare_exchange_strong_explicit(&top, &first, first + 1, memory_order_seq_cst,
								     memory_order_relaxed))
		run(last);
	atomic_store_explicit(&bottom, last + 1, memory_order_relaxed);
}

static void *steal(void *unused)
{
	(void)unused;
	for (int i = 0; i < TASKS; i++) {
		int first = atomic_load_explicit(&top, memory_order_acquire);
		fence();
		int last = atomic_load_explicit(&bottom, memory_order_acquire);
		if (first < last && atomic_compare_exchange_strong_explicit(&top, &first, first + 1,
									    memory_order_seq_cst, memory_order_relaxed))
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
