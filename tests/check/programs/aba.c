/*
 * aba - Treiber's stack of nodes that are used again, whose head is the index of a node and nothing else.
 *
 * Breaks: a thread reads head 0 and its next 1; the other pops 0, pops 1 and pushes 0; the head is 0 again, and the
 * exchange succeeds and makes 1 the head, which the other thread still owns.
 * Mended: the head has a tag in its upper half that each exchange counts up.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define NODES 3
#ifndef MENDED
#define TAG UINT64_C(0)
#else
#define TAG (UINT64_C(1) << 32)
#endif

static _Atomic uint64_t head;
static _Atomic uint32_t nexts[NODES + 1];
static atomic_int owned[NODES];

static int pop(void)
{
	uint64_t seen = atomic_load(&head);
	for (;;) {
		uint32_t node = (uint32_t)seen;
		if (node == NODES)
			return -1;
		uint64_t next = (seen - node + TAG) | atomic_load(&nexts[node]);
		if (atomic_compare_exchange_strong(&head, &seen, next)) {
			int owners = atomic_exchange(&owned[node], 1);
			assert(owners == 0); /* here */
			return (int)node;
		}
	}
}

static void push(int node)
{
	atomic_store(&owned[node], 0);
	uint64_t seen = atomic_load(&head);
	uint64_t next;
	do {
		atomic_store(&nexts[node], (uint32_t)seen);
		next = ((seen >> 32 << 32) + TAG) | (uint64_t)node;
	} while (!atomic_compare_exchange_strong(&head, &seen, next));
}

static void *take_one(void *unused)
{
	(void)unused;
	pop();
	return NULL;
}

static void *take_two(void *unused)
{
	(void)unused;
	int one = pop();
	pop();
	if (one >= 0)
		push(one);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (uint32_t i = 0; i < NODES; i++)
		atomic_store(&nexts[i], i + 1);
	pthread_create(&threads[0], NULL, take_one, NULL);
	pthread_create(&threads[1], NULL, take_two, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	while (pop() >= 0)
		;
	return 0;
}
