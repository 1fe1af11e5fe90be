/*
 * tickets - takes a number by an atomic load and an atomic store, which are no atomic step together.
 *
 * Breaks: a thread loads the number, another loads the same one; both hold the same ticket.
 * Mended: one atomic addition.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int next_ticket;
static atomic_int holders[4];

static int take_ticket(void)
{
#ifndef MENDED
	int mine = atomic_load(&next_ticket);
	atomic_store(&next_ticket, mine + 1);
	return mine;
#else
	return atomic_fetch_add(&next_ticket, 1);
#endif
}

static void *visit(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		int others = atomic_fetch_add(&holders[take_ticket()], 1);
		assert(others == 0); /* here */
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, visit, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
