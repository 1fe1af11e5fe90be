/*
 * check/unseen/bank.c - see bank.h. Each transfer locks the account that coins are taken from first.
 */
#include "bank.h"

#include <fairlead/lock.h>
#include <stdlib.h>

struct bank {
	struct {
		fl_lock lock;
		int coins;
	} account[2];
};

struct bank *bank_open(void)
{
	return calloc(1, sizeof(struct bank));
}

void bank_move(struct bank *bank, int from, int coins)
{
	fl_lock_acquire(&bank->account[from].lock);
	fl_lock_acquire(&bank->account[!from].lock); /* the transfer waits */
	bank->account[from].coins -= coins;
	bank->account[!from].coins += coins;
	fl_lock_release(&bank->account[!from].lock);
	fl_lock_release(&bank->account[from].lock);
}

int bank_close(struct bank *bank)
{
	int sum = bank->account[0].coins + bank->account[1].coins;

	free(bank);
	return sum;
}
