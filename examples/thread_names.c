/*
 * thread_names.c - how does each thread keep something of its own, that functions deep down can reach?
 *
 * In an fl_local: one variable, as many values as threads. A thread's value is made when it first asks, and destroyed
 * when it ends. Nobody else can touch it, so no lock guards it, and greet() need not be told whom to greet.
 * Prints what each thread called itself, and how many names are left in the end: the main thread's own.
 */
#include <fairlead/local.h>
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 3, LENGTH = 32 };
static atomic_int names;

static void *make_name(void)
{
	atomic_fetch_add(&names, 1);
	return calloc(1, LENGTH);
}

static void destroy_name(void *name)
{
	atomic_fetch_sub(&names, 1);
	free(name);
}

static fl_local name = FL_LOCAL_INIT(make_name, destroy_name);

static void greet(char *ret_greeting)
{
	snprintf(ret_greeting, LENGTH, "hello from %.16s", (const char *)fl_local_get(&name));
}

static void *run(void *greeting)
{
	if (fl_local_get(&name) != NULL)
		snprintf(fl_local_get(&name), LENGTH, "thread %c", *(char *)greeting);
	greet(greeting);
	return NULL;
}

int main(void)
{
	char greetings[THREADS][LENGTH] = {"1", "2", "3"}, own[LENGTH] = "0";
	fl_thread *threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (fl_thread_start(&threads[i], NULL, run, greetings[i]) < 0)
			return 1;
	run(own);
	for (int i = 0; i < THREADS; i++) {
		fl_thread_join(threads[i], NULL);
		puts(greetings[i]);
	}
	printf("%s\nnames left: %d\n", own, atomic_load(&names));
	return 0;
}
