/*
 * tests/watch/cases.h - what the programs that `fairlead watch` is tested with are written with.
 *
 * A program has cases; its first argument says which is run. `in_turns` starts a thread for each function and lets them
 * do their work one after the other, while all of them live: so that what they do could have been at the same time, and
 * never is. They take turns by a barrier, which orders nothing that the command knows of.
 */
#ifndef TESTS_WATCH_CASES_H
#define TESTS_WATCH_CASES_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watch_case {
	const char *name;
	void (*run)(void);
};

#define MUST(call) \
	do { \
		if ((call) != 0) { \
			fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #call); \
			exit(99); \
		} \
	} while (0)

struct turns {
	pthread_barrier_t barrier;
	int n;
};

struct turn {
	struct turns *turns;
	void (*work)(void);
	int number;
};

static inline void *take_turn(void *argument)
{
	const struct turn *turn = (const struct turn *)argument;

	for (int i = 0; i < turn->turns->n; i++) {
		if (i == turn->number)
			turn->work();
		pthread_barrier_wait(&turn->turns->barrier);
	}
	return NULL;
}

/* `works` ends with NULL. */
static inline void run_in_turns(void (*const *works)(void))
{
	struct turns turns;
	struct turn all[16];
	pthread_t threads[16];
	int n = 0;

	while (works[n])
		n++;
	turns.n = n;
	MUST(pthread_barrier_init(&turns.barrier, NULL, (unsigned)n));
	for (int i = 0; i < n; i++) {
		all[i].turns = &turns;
		all[i].work = works[i];
		all[i].number = i;
		MUST(pthread_create(&threads[i], NULL, take_turn, &all[i]));
	}
	for (int i = 0; i < n; i++)
		MUST(pthread_join(threads[i], NULL));
	pthread_barrier_destroy(&turns.barrier);
}

#define in_turns(...) \
	do { \
		void (*const works_[])(void) = {__VA_ARGS__, NULL}; \
		run_in_turns(works_); \
	} while (0)

/* A thread that does its work, and is joined. */
static inline void *do_work(void *work)
{
	(*(void (**)(void))work)();
	return NULL;
}

static inline void in_a_thread(void (*work)(void))
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, do_work, &work));
	MUST(pthread_join(thread, NULL));
}

static inline int run_case(const struct watch_case *cases, int argc, char **argv)
{
	for (; cases->name; cases++) {
		if (argc < 2)
			puts(cases->name);
		else if (strcmp(cases->name, argv[1]) == 0)
			return cases->run(), 0;
	}
	return argc < 2 ? 0 : 98;
}

#endif
