/*
 * check/unseen/customer.c - two threads that move coins in a bank, in both directions; with an argument, in one.
 */
#include "bank.h"

#include <pthread.h>

static struct bank *bank;
static int one_way;

static void *move(void *arg)
{
	bank_move(bank, !one_way, 2);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argv;
	one_way = argc > 1;
	bank = bank_open();
	pthread_create(&thread, NULL, move, NULL);
	bank_move(bank, 0, 1);
	pthread_join(thread, NULL);
	return bank_close(bank);
}
