/*
 * stages - forty threads book an order and then its invoice, each under a lock of its own; one thread compares.
 *
 * Breaks when the one that compares has seen an order, and comes to the invoices before all others: forty threads have
 * to be slow at one place. No race on memory gives it away.
 */
/* check: found portfolio 150 reads-from 150 places 60 */
#include <assert.h>
#include <pthread.h>

#define THREADS 40

static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t invoice_lock = PTHREAD_MUTEX_INITIALIZER;
static int orders, invoices;

static int change(pthread_mutex_t *lock, int *what, int by)
{
	int now;

	pthread_mutex_lock(lock);
	*what += by;
	now = *what;
	pthread_mutex_unlock(lock);
	return now;
}

static void *book(void *arg)
{
	change(&order_lock, &orders, 1);
	change(&invoice_lock, &invoices, 1);
	return arg;
}

static void *compare(void *arg)
{
	if (change(&order_lock, &orders, 0) > 0)
		assert(change(&invoice_lock, &invoices, 0) > 0);
	return arg;
}

int main(void)
{
	pthread_t thread[THREADS + 1];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, book, NULL);
	pthread_create(&thread[THREADS], NULL, compare, NULL);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
