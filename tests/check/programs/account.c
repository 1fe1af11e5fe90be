/*
 * account - checks under the lock, acts under the lock, and lets go of it between the two.
 *
 * Breaks: both threads read 100, each finds 70 to be there, and both take them: the balance is -40.
 * Mended: one critical section does both.
 */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance = 100;

#ifndef MENDED
static int read_balance(void)
{
	pthread_mutex_lock(&lock);
	int seen = balance;
	pthread_mutex_unlock(&lock);
	return seen;
}
#endif

static void *withdraw(void *amount)
{
	int wanted = *(int *)amount;
#ifndef MENDED
	if (read_balance() < wanted)
		return NULL;
	pthread_mutex_lock(&lock);
#else
	pthread_mutex_lock(&lock);
	if (balance >= wanted)
#endif
	balance -= wanted;
	assert(balance >= 0); /* here */
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	int amount = 70;
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, withdraw, &amount);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
