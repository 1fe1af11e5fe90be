/*
 * three_transfers - moves money between accounts and locks the payer first: 0 to 1, 1 to 2, 2 to 0.
 *
 * Breaks: each thread holds its payer and waits for the next one's; no two of them suffice for it.
 * Mended: locks the account with the lower number first.
 */
#include <pthread.h>
#include <stdint.h>

#define ACCOUNTS 3

static struct {
	pthread_mutex_t lock;
	int balance;
} accounts[ACCOUNTS];

static void transfer(int from, int to)
{
#ifndef MENDED
	int first = from, second = to;
#else
	int first = from < to ? from : to, second = from + to - first;
#endif
	pthread_mutex_lock(&accounts[first].lock);
	pthread_mutex_lock(&accounts[second].lock); /* here */
	accounts[from].balance--;
	accounts[to].balance++;
	pthread_mutex_unlock(&accounts[second].lock);
	pthread_mutex_unlock(&accounts[first].lock);
}

static void *pay(void *number)
{
	int from = (int)(intptr_t)number;
	transfer(from, (from + 1) % ACCOUNTS);
	return NULL;
}

int main(void)
{
	pthread_t threads[ACCOUNTS];
	for (int i = 0; i < ACCOUNTS; i++)
		pthread_mutex_init(&accounts[i].lock, NULL);
	for (intptr_t i = 0; i < ACCOUNTS; i++)
		pthread_create(&threads[i], NULL, pay, (void *)i);
	for (int i = 0; i < ACCOUNTS; i++)
		pthread_join(threads[i], NULL);
	return accounts[0].balance == 0 ? 0 : 1;
}
