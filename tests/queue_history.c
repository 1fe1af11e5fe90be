/*
 * queue_history.c - threads that put into and get from one queue in every way, and whether what they saw is what a
 * queue does.
 *
 *     queue_history [fifo] [lifo] [priority] [--items N] [--round N] [--small N] [--limit N] [--threads PxC]
 *                   [--seed N] [--plant FAULT]
 *
 * Large: of each kind, unbounded and with two bounds, with 1, 4 and 16 producers and as many consumers, until N items
 * were put. They put and get one or several, for ever, with deadlines that are about to pass, with notes that others
 * cancel, and without waiting; in rounds, each of which ends with a shutdown: when all is put, or while producers are
 * in the midst of it, with or without what is left being dropped. Every call is recorded, with the time before and
 * after it, in memory of its own thread; after the round history_check says whether that was a queue (history.h: which
 * is exact without a bound).
 *
 * Small: --small N times three threads make six calls each, on a queue with no bound, or one of 1 or 2; history_search
 * says whether that was one, which is exact always.
 *
 * It speaks TAP, and exits with 1 at the first history that is none. A watchdog ends it if nothing happens for 30 s
 * (watchdog.h). --plant makes this program itself disturb what goes through the queue, and the checker must notice
 * (run-queue-history.sh).
 *
 * The time is CLOCK_MONOTONIC, which the kernel keeps from running backwards from one processor to another; around it
 * stands a fence, so that what a call has written is seen by others before the time at which it says it returned.
 */
#define _GNU_SOURCE
#include "queue_history.h"

#include "watchdog.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	int number; /* of the test */
	char doing[80];
} common;

struct recording recording;

/* ---- what went wrong ---- */

_Noreturn void recording_fail(const char *format, ...)
{
	static int failing;
	va_list args;

	if (__atomic_exchange_n(&failing, 1, __ATOMIC_RELAXED))
		for (;;)
			pause(); /* the first to fail speaks and ends the process */
	printf("not ok %d - %s\n# ", common.number + 1, common.doing);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n# again: --seed %llu\n", (unsigned long long)recording.seed);
	fflush(stdout);
	_exit(1);
}

static uint64_t progress(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < recording.threads; i++)
		sum += __atomic_load_n(&recording.workers[i].calls, __ATOMIC_RELAXED);
	return sum;
}

static _Noreturn void give_up(void)
{
	printf("# %llu in the queue, %llu not done, shut down: %d\n",
	       (unsigned long long)fl_queue_size(recording.queue),
	       (unsigned long long)fl_queue_unfinished(recording.queue), fl_queue_is_shutdown(recording.queue));
	for (unsigned i = 0; i < recording.threads; i++) {
		const char *in = __atomic_load_n(&recording.workers[i].in, __ATOMIC_RELAXED);

		printf("# thread %u: %s\n", i, in ? in : "in no call");
	}
	recording_fail("nobody has begun a call for %d s", WATCHDOG_PATIENCE);
}

/* ---- threads ---- */

static void *work(void *arg)
{
	struct worker *worker = arg;

	watchdog_begin();
	recording.work(worker);
	watchdog_end();
	return NULL;
}

/* Runs work in so many threads until all have ended. */
static void run_workers(unsigned threads, void (*body)(struct worker *worker))
{
	recording.threads = threads;
	recording.work = body;
	recording.workers = aligned_alloc(64, threads * sizeof(*recording.workers));
	if (!recording.workers)
		recording_fail("no memory");
	memset(recording.workers, 0, threads * sizeof(*recording.workers));
	watchdog_expect(threads);
	for (unsigned i = 0; i < threads; i++) {
		struct worker *worker = &recording.workers[i];

		worker->index = i;
		worker->random = (recording.seed + recording.rounds * 64 + i + 1) * 0x9e3779b97f4a7c15u;
		pthread_mutex_init(&worker->mutex, NULL);
	}
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&recording.workers[i].thread, NULL, work, &recording.workers[i]) != 0)
			recording_fail("no thread");
	watchdog_watch(progress, give_up);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(recording.workers[i].thread, NULL);
}

static void free_workers(void)
{
	for (unsigned i = 0; i < recording.threads; i++)
		free(recording.workers[i].records);
	free(recording.workers);
}

/* ---- a round ---- */

static const char *const kind_names[] = {"fifo", "lifo", "priority"};

static void make_queue(enum history_kind kind, uint64_t limit)
{
	fl_queue_options options = {
		.kind = (enum fl_queue_kind)kind, .item_size = sizeof(struct item), .limit = limit, .priority_at = 0};

	if (limit > 0 && recording.plant == PLANT_BOUND)
		options.limit++;
	recording.kind = kind;
	recording.limit = limit;
	recording.is_shut = false;
	recording.dropped = recording.done = recording.arrived = 0;
	if (fl_queue_create(&recording.queue, &options) != 0)
		recording_fail("no queue");
	recording.rounds++;
}

/* Half of the rounds end in the midst. */
static void plan_end(unsigned producers)
{
	struct worker dice = {.random = (recording.seed + recording.rounds + 1) * 0x9e3779b97f4a7c15u};
	bool in_the_midst = recording_random(&dice, 2) == 0 && recording.plant == PLANT_NONE;

	recording.shut_by = recording_random(&dice, producers);
	recording.shut_at = in_the_midst ? recording_random(&dice, recording.of_one) : UINT32_MAX;
	recording.drops = recording_random(&dice, 2) == 0 && recording.plant == PLANT_NONE;
}

static void collect_record(struct history *history, const struct record *record)
{
	struct history_span span = {record->call, record->ret};

	switch (record->what) {
	case WAS_PUT:
		history_put(history, (uint32_t)record->item, record->priority, span);
		break;
	case WAS_GOT:
		history_got(history, record->item, span);
		break;
	case SHUT_IT:
		history->shutdown = span;
		history->drops = record->priority != 0;
		break;
	default:
		history_answered(history, record->what, span);
	}
}

/* Notes which item came before this one in the same call. */
static void collect_order(struct history *history, const struct record *before, const struct record *record)
{
	if (before->what != record->what || before->call != record->call || before->ret != record->ret)
		return;
	if (record->item >= history->n_items || before->item >= history->n_items)
		return;
	if (record->what == WAS_PUT)
		history->items[record->item].put_after = (uint32_t)before->item + 1;
	else if (record->what == WAS_GOT)
		history->items[record->item].got_after = (uint32_t)before->item + 1;
}

static void collect_from(struct history *history, const struct worker *worker)
{
	for (size_t r = 0; r < worker->n_records; r++) {
		collect_record(history, &worker->records[r]);
		if (r > 0)
			collect_order(history, &worker->records[r - 1], &worker->records[r]);
	}
}

/* Makes a history of what was recorded; all calls have returned. */
static void collect(struct history *history)
{
	uint64_t left = fl_queue_size(recording.queue);

	history_init(history, recording.kind, recording.limit, recording.of_one * recording.producers);
	history->of_one = recording.of_one;
	for (unsigned i = 0; i < recording.threads; i++)
		collect_from(history, &recording.workers[i]);
	history->unclaimed = left + recording.dropped;
	if (history->drops && left > 0)
		history_wrong(history, "%llu left after all were dropped", (unsigned long long)left);
}

/* Whether all that was got is done, and joined. */
static void check_join(void)
{
	uint64_t left = fl_queue_size(recording.queue), unfinished = fl_queue_unfinished(recording.queue);
	int joined = fl_queue_join_until(recording.queue, 0, NULL);

	if (unfinished != left)
		recording_fail("%llu are not done, and %llu left", (unsigned long long)unfinished,
			       (unsigned long long)left);
	if (joined != (left > 0 ? -ETIMEDOUT : 0))
		recording_fail("join returned %d, and %llu are left", joined, (unsigned long long)left);
}

static void add_up(struct tally *tally)
{
	for (unsigned i = 0; i < recording.threads; i++) {
		const struct tally *one = &recording.workers[i].tally;

		tally->put += one->put;
		tally->got += one->got;
		tally->timed_out += one->timed_out;
		tally->cancelled += one->cancelled;
		tally->refused += one->refused;
	}
	tally->dropped += recording.dropped;
}

static fl_time check_round(struct tally *tally, bool search)
{
	struct history history;
	fl_time begun = fl_now();

	collect(&history);
	if (recording.plant == PLANT_NONE)
		check_join();
	if (search && !history_search(&history))
		recording_fail("no order of the calls explains what they returned: %s", history.fault);
	if (!history_check(&history))
		recording_fail("%s", history.fault);
	add_up(tally);
	history_free(&history);
	free_workers();
	fl_queue_destroy(recording.queue);
	return fl_now() - begun;
}

static void say(const struct tally *tally, fl_time ran, fl_time checked)
{
	printf("ok %d - %s: %llu rounds, %.1f s and %.1f s to check: %llu put, %llu got, %llu dropped; %llu timed out, "
	       "%llu cancelled, %llu refused\n",
	       ++common.number, common.doing, (unsigned long long)recording.rounds, (double)ran / 1e9,
	       (double)checked / 1e9, (unsigned long long)tally->put, (unsigned long long)tally->got,
	       (unsigned long long)tally->dropped, (unsigned long long)tally->timed_out,
	       (unsigned long long)tally->cancelled, (unsigned long long)tally->refused);
	fflush(stdout);
}

/* ---- large and small ---- */

struct options {
	bool kinds[3];
	uint64_t items, round, small, limit;
	unsigned producers, consumers;
	bool has_limit;
};

static void record_large(enum history_kind kind, uint64_t limit, unsigned producers, unsigned consumers,
			 const struct options *options)
{
	struct tally tally = {0};
	fl_time ran = 0, checked = 0;

	snprintf(common.doing, sizeof(common.doing), "%s, limit %llu, %u x %u", kind_names[kind],
		 (unsigned long long)limit, producers, consumers);
	recording.rounds = 0;
	recording.producers = producers;
	while (tally.put < options->items) {
		uint64_t left = options->items - tally.put;
		fl_time begun = fl_now();

		recording.of_one = (uint32_t)((left < options->round ? left : options->round) / producers + 1);
		make_queue(kind, limit);
		plan_end(producers);
		run_workers(producers + consumers, recording_work_large);
		ran += fl_now() - begun;
		checked += check_round(&tally, false);
	}
	say(&tally, ran, checked);
}

static void record_small(enum history_kind kind, uint64_t limit, uint64_t n)
{
	struct tally tally = {0};
	fl_time begun = fl_now(), checked = 0;

	snprintf(common.doing, sizeof(common.doing), "small %s, limit %llu", kind_names[kind],
		 (unsigned long long)limit);
	recording.rounds = 0;
	recording.producers = 3;
	recording.of_one = 16;
	while (recording.rounds < n) {
		make_queue(kind, limit);
		plan_end(3);
		run_workers(3, recording_work_small);
		checked += check_round(&tally, true);
	}
	say(&tally, fl_now() - begun - checked, checked);
}

static void record_kind(enum history_kind kind, const struct options *options)
{
	static const uint64_t limits[] = {0, 3, 1000};
	static const unsigned threads[] = {1, 4, 16};

	for (unsigned l = 0; l < 3; l++)
		for (unsigned t = 0; t < 3; t++) {
			uint64_t limit = options->has_limit ? options->limit : limits[l];
			unsigned producers = options->producers ? options->producers : threads[t];

			if ((t > 0 && options->producers) || (l > 0 && options->has_limit))
				continue;
			record_large(kind, limit, producers, options->producers ? options->consumers : producers,
				     options);
		}
	for (uint64_t limit = 0; limit < 3 && options->small > 0; limit++)
		record_small(kind, limit, options->small);
}

/* ---- the command line ---- */

static _Noreturn void explain(void)
{
	fprintf(stderr,
		"usage: queue_history [fifo] [lifo] [priority] [--items N] [--round N] [--small N] [--limit N]\n"
		"                     [--threads PxC] [--seed N] [--plant FAULT]\nfaults:");
	for (unsigned i = PLANT_NONE + 1; i < PLANTS; i++)
		fprintf(stderr, " %s", plant_names[i]);
	fprintf(stderr, "\n");
	exit(2);
}

static uint64_t number_after(char **args, uint64_t least, uint64_t most)
{
	char *end = NULL;
	uint64_t number = args[1] ? strtoull(args[1], &end, 10) : 0;

	if (!end || end == args[1] || *end || number < least || number > most)
		explain();
	return number;
}

static void read_threads(const char *text, struct options *options)
{
	char x = 0, rest = 0;

	if (!text || sscanf(text, "%3u%c%3u%c", &options->producers, &x, &options->consumers, &rest) != 3 || x != 'x' ||
	    options->producers == 0 || options->consumers == 0)
		explain();
}

static enum plant plant_called(const char *name)
{
	for (unsigned i = PLANT_NONE + 1; name && i < PLANTS; i++)
		if (strcmp(name, plant_names[i]) == 0)
			return (enum plant)i;
	explain();
}

static bool read_kind(const char *name, struct options *options)
{
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(name, kind_names[i]) == 0)
			return options->kinds[i] = true;
	return false;
}

static void read_option(char **args, struct options *options)
{
	if (strcmp(*args, "--items") == 0)
		options->items = number_after(args, 0, UINT32_MAX);
	else if (strcmp(*args, "--round") == 0)
		options->round = number_after(args, 1, 100000000);
	else if (strcmp(*args, "--small") == 0)
		options->small = number_after(args, 0, UINT32_MAX);
	else if (strcmp(*args, "--seed") == 0)
		recording.seed = number_after(args, 0, UINT64_MAX);
	else if (strcmp(*args, "--threads") == 0)
		read_threads(args[1], options);
	else if (strcmp(*args, "--plant") == 0)
		recording.plant = plant_called(args[1]);
	else if (strcmp(*args, "--limit") == 0)
		options->limit = number_after(args, 0, UINT32_MAX);
	else
		explain();
	options->has_limit |= strcmp(*args, "--limit") == 0;
}

int main(int argc, char **argv)
{
	struct options options = {.items = 100000, .round = 10000, .small = 300};
	bool all = true;

	(void)argc;
	for (char **args = argv + 1; *args; args++) {
		if (read_kind(*args, &options)) {
			all = false;
			continue;
		}
		read_option(args, &options);
		args++;
	}
	for (unsigned i = 0; i < 3; i++)
		if (all || options.kinds[i])
			record_kind((enum history_kind)i, &options);
	printf("1..%d\n# every history was that of a queue\n", common.number);
	return 0;
}
