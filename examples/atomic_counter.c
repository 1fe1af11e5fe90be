/*
 * atomic_counter.c - does a counter need a lock?
 *
 * Not if it is one number that stands for itself. C11 has atomic types: atomic_fetch_add loads, adds and stores in
 * one step that no thread can come between, and so does `counter++` on an atomic variable. Mind what is not one step:
 * `counter = counter + 1` is a load and a store, also on an atomic variable, and two atomic variables never change
 * together.
 *
 * Prints 200000, every time.
 */
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>

#define ROUNDS 100000

static atomic_long counter;

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		atomic_fetch_add(&counter, 1);
	return NULL;
}

int main(void)
{
	fl_thread *one, *other;

	if (fl_thread_start(&one, NULL, count, NULL) < 0 || fl_thread_start(&other, NULL, count, NULL) < 0)
		return 1;
	fl_thread_join(one, NULL);
	fl_thread_join(other, NULL);
	printf("%ld\n", atomic_load(&counter));
	return 0;
}
