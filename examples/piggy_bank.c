/*
 * piggy_bank.c - where does the lock of an object belong?
 *
 * Into the object, beside what it guards: each bank has its own, so threads that use different banks do not wait for
 * each other, and whoever has the bank has the lock. Its functions take the lock themselves, and do a test and the
 * change that depends on it under one hold: between "is there enough?" and "take it" nobody else may come.
 *
 * Two parents put 1000 coins in each while a child takes 3 whenever there are 3. Prints that no coin was made or
 * lost.
 */
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdio.h>

struct piggy_bank {
	fl_lock lock;
	long coins FL_GUARDED_BY(&lock);
};

static void bank_put(struct piggy_bank *bank, long coins)
{
	fl_with (&bank->lock)
		bank->coins += coins;
}

static bool bank_take(struct piggy_bank *bank, long coins)
{
	fl_guard(&bank->lock);
	if (bank->coins < coins)
		return false; /* released here too */
	bank->coins -= coins;
	return true;
}

static void *parent(void *bank)
{
	for (int i = 0; i < 1000; i++)
		bank_put(bank, 1);
	return NULL;
}

int main(void)
{
	struct piggy_bank bank = {.lock = FL_LOCK_INIT};
	fl_thread *mother, *father;
	long taken = 0;

	if (fl_thread_start(&mother, NULL, parent, &bank) < 0 || fl_thread_start(&father, NULL, parent, &bank) < 0)
		return 1;
	for (int i = 0; i < 500; i++)
		taken += bank_take(&bank, 3) ? 3 : 0;
	fl_thread_join(mother, NULL);
	fl_thread_join(father, NULL);
	fl_with (&bank.lock) {
		printf("put in: 2000, taken and left: %ld\n", taken + bank.coins);
		printf("in debt: %s\n", bank.coins < 0 ? "yes" : "never");
	}
	return 0;
}
