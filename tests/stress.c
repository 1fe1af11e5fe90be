/*
 * stress.c - many threads at every primitive, for as many rounds as you like, with invariants checked all the time.
 *
 *     stress [NAME...] [--rounds N] [--threads T]
 *
 * Runs the named kinds, or all, each with 2, 8 and 32 threads, or with T. N rounds are divided among the threads: a
 * round is one acquisition, wait or hand-over by one thread. Of barriers and onces there are N, and all threads take
 * part in each. It speaks TAP: a line for each kind and number of threads, with how the asking ended. It exits with 1
 * at the first invariant that does not hold.
 *
 * A watchdog looks every second whether anybody has begun a new round (watchdog.h). If nobody has for 30 s it says what
 * each thread is blocked in, and who is queued for it, and the program fails.
 */
#define _GNU_SOURCE
#include "stress.h"

#include "base/park.h"
#include "watchdog.h"
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_ROUNDS = 20000 };

static const unsigned usual_threads[] = {2, 8, 32};

static struct {
	const struct stress_kind *kind;
	unsigned threads;
	struct stress_worker *workers;
	int number;
} run;

/* ---- for the kinds ---- */

static void say_where(void)
{
	printf("not ok %d - %s, %u threads\n", run.number + 1, run.kind->name, run.threads);
}

_Noreturn void stress_fail(const char *file, int line, const char *format, ...)
{
	static int failing;
	va_list args;

	if (__atomic_exchange_n(&failing, 1, __ATOMIC_RELAXED))
		for (;;)
			pause(); /* the first to fail speaks and ends the process */
	say_where();
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

unsigned stress_random(struct stress_worker *worker, unsigned n)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (unsigned)(worker->random >> 33) % n;
}

fl_time stress_soon(struct stress_worker *worker)
{
	return fl_after((fl_time)stress_random(worker, 40000));
}

struct stress_way stress_way(struct stress_worker *worker)
{
	switch (stress_random(worker, 8)) {
	case 0:
		return (struct stress_way){stress_soon(worker), NULL};
	case 1:
		return (struct stress_way){0, NULL};
	case 2:
		return (struct stress_way){FL_FOREVER, &worker->note};
	case 3:
		return (struct stress_way){stress_soon(worker), &worker->note};
	default:
		return (struct stress_way){FL_FOREVER, NULL};
	}
}

void stress_dwell(struct stress_worker *worker)
{
	unsigned how = stress_random(worker, 64);
	fl_time until;

	if (how < 4)
		for (until = fl_after((fl_time)stress_random(worker, 30000)); fl_now() < until;)
			;
	else if (how == 4)
		sched_yield();
}

static void cancel_another(struct stress_worker *worker)
{
	struct stress_worker *other = &run.workers[stress_random(worker, run.threads)];

	pthread_mutex_lock(&other->mutex);
	fl_note_cancel(&other->note);
	pthread_mutex_unlock(&other->mutex);
}

void stress_round(struct stress_worker *worker)
{
	stress_add(&worker->round, 1);
	if (stress_random(worker, 32) == 0)
		cancel_another(worker);
}

void stress_calls(struct stress_worker *worker, const char *call, const void *object)
{
	stress_store(&worker->object, object);
	stress_store(&worker->call, call);
}

static void renew_note(struct stress_worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	fl_note_init(&worker->note, NULL, FL_FOREVER);
	pthread_mutex_unlock(&worker->mutex);
}

bool stress_ended(struct stress_worker *worker, struct stress_way way, int error)
{
	stress_store(&worker->call, NULL);
	if (error == 0) {
		worker->had++;
	} else if (error == -ETIMEDOUT) {
		stress_check(way.deadline <= fl_now(), "timed out before its time");
		worker->timed_out++;
	} else {
		stress_check(error == -ECANCELED, "returned %d", error);
		stress_check(way.note && fl_note_is_cancelled(way.note), "cancelled, but the note is not");
		worker->cancelled++;
		if (way.note == &worker->note)
			renew_note(worker);
	}
	return error == 0;
}

/* ---- the watchdog ---- */

static uint64_t progress(void)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < run.threads; i++)
		sum += stress_load(&run.workers[i].round);
	return sum;
}

static void say_what_it_does(const struct stress_worker *worker)
{
	const char *call = stress_load(&worker->call);
	const void *object = stress_load(&worker->object);
	uint32_t words[2] = {0};

	if (object)
		memcpy(words, object, sizeof(words));
	printf("# thread %u, round %llu of %llu: ", worker->index, (unsigned long long)stress_load(&worker->round),
	       (unsigned long long)worker->rounds);
	if (!call)
		printf("in no call\n");
	else
		printf("in %s(%p), which holds %#x %#x\n", call, object, words[0], words[1]);
	fflush(stdout);
}

static _Noreturn void give_up(void)
{
	unsigned i;

	say_where();
	printf("# nobody has begun a round for %d s\n", WATCHDOG_PATIENCE);
	for (i = 0; i < run.threads; i++)
		say_what_it_does(&run.workers[i]);
	for (i = 0; i < run.threads; i++) /* last: it takes the locks of the queues */
		printf("# queued for %p: %u\n", run.workers[i].object, fl_park_waiting_(run.workers[i].object));
	fflush(stdout);
	_exit(1);
}

/* ---- running ---- */

static void *work(void *arg)
{
	struct stress_worker *worker = arg;

	watchdog_begin();
	run.kind->work(worker);
	watchdog_end();
	return NULL;
}

/* Each worker goes through that many rounds. */
static void start_workers(uint64_t rounds)
{
	unsigned i;

	run.workers = aligned_alloc(64, run.threads * sizeof(*run.workers));
	stress_check(run.workers != NULL, "no memory");
	memset(run.workers, 0, run.threads * sizeof(*run.workers));
	watchdog_expect(run.threads);
	for (i = 0; i < run.threads; i++) {
		struct stress_worker *worker = &run.workers[i];

		worker->index = i;
		worker->threads = run.threads;
		worker->rounds = rounds;
		worker->random = 0x9e3779b97f4a7c15u * (i + 1);
		pthread_mutex_init(&worker->mutex, NULL);
	}
	for (i = 0; i < run.threads; i++)
		stress_check(pthread_create(&run.workers[i].thread, NULL, work, &run.workers[i]) == 0, "no thread");
}

static void add_up(struct stress_worker *ret_sum)
{
	unsigned i;

	*ret_sum = (struct stress_worker){0};
	for (i = 0; i < run.threads; i++) {
		pthread_join(run.workers[i].thread, NULL);
		ret_sum->had += run.workers[i].had;
		ret_sum->timed_out += run.workers[i].timed_out;
		ret_sum->cancelled += run.workers[i].cancelled;
	}
}

static void stress(const struct stress_kind *kind, unsigned threads, uint64_t rounds)
{
	fl_time begun = fl_now();
	struct stress_worker sum;

	run.kind = kind;
	run.threads = threads;
	if (!kind->all_take_part)
		rounds = (rounds + threads - 1) / threads;
	kind->set_up(threads, rounds);
	start_workers(rounds);
	watchdog_watch(progress, give_up);
	add_up(&sum);
	kind->check(sum.had);
	free(run.workers);
	printf("ok %d - %s, %u threads: %llu rounds in %.2f s: %llu had, %llu timed out, %llu cancelled\n",
	       ++run.number, kind->name, threads, (unsigned long long)(kind->all_take_part ? rounds : rounds * threads),
	       (double)(fl_now() - begun) / 1e9, (unsigned long long)sum.had, (unsigned long long)sum.timed_out,
	       (unsigned long long)sum.cancelled);
	fflush(stdout);
}

/* ---- the command line ---- */

struct options {
	uint64_t rounds;
	unsigned threads; /* 0: the usual numbers */
	const char *names[64];
	unsigned n_names;
};

/* The kind of that number, NULL after the last. */
static const struct stress_kind *kind_at(unsigned i)
{
	static const struct stress_kind *const lists[] = {stress_locks, stress_signals, stress_queues, stress_executors,
							  stress_loops};
	const struct stress_kind *kind;
	unsigned list;

	for (list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
		for (kind = lists[list]; kind->name; kind++)
			if (i-- == 0)
				return kind;
	return NULL;
}

static const struct stress_kind *find(const char *name)
{
	const struct stress_kind *kind;
	unsigned i;

	for (i = 0; (kind = kind_at(i)); i++)
		if (strcmp(kind->name, name) == 0)
			break;
	return kind;
}

static _Noreturn void explain(void)
{
	unsigned i;

	fprintf(stderr, "usage: stress [NAME...] [--rounds N] [--threads T]\nnames:");
	for (i = 0; kind_at(i); i++)
		fprintf(stderr, " %s", kind_at(i)->name);
	fprintf(stderr, "\n");
	exit(2);
}

static uint64_t number_after(char **args, uint64_t most)
{
	char *end = NULL;
	uint64_t number = args[1] ? strtoull(args[1], &end, 10) : 0;

	if (number == 0 || number > most || *end)
		explain();
	return number;
}

static struct options read_options(char **args)
{
	struct options options = {.rounds = SHORT_ROUNDS};

	for (; *args; args++) {
		if (strcmp(*args, "--rounds") == 0)
			options.rounds = number_after(args++, UINT32_MAX);
		else if (strcmp(*args, "--threads") == 0)
			options.threads = (unsigned)number_after(args++, STRESS_MOST_THREADS);
		else if (options.n_names < 64 && find(*args))
			options.names[options.n_names++] = *args;
		else
			explain();
	}
	return options;
}

static void stress_usually(const struct stress_kind *kind, const struct options *options)
{
	unsigned i;

	if (options->threads)
		stress(kind, options->threads, options->rounds);
	for (i = 0; !options->threads && i < sizeof(usual_threads) / sizeof(usual_threads[0]); i++)
		stress(kind, usual_threads[i], options->rounds);
}

int main(int argc, char **argv)
{
	struct options options = read_options(argv + 1);
	unsigned i;

	(void)argc;
	for (i = 0; i < options.n_names; i++)
		stress_usually(find(options.names[i]), &options);
	for (i = 0; options.n_names == 0 && kind_at(i); i++)
		stress_usually(kind_at(i), &options);
	printf("1..%d\n# every invariant held\n", run.number);
	return 0;
}
