/*
 * bench/harness.c - rounds, their medians, and threads that start together; see harness.h.
 *
 * How often a contestant does its thing in a round is found by trial, once, and then kept for all rounds: the trial
 * also warms up code, caches and whatever the objects learn about the machine. A round lasts about `round_ns` for the
 * quick and the slow alike, so that a disturbance weighs the same for everybody.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

struct bench_settings bench_settings = {.rounds = 9};

unsigned bench_count_metrics(const struct bench *bench)
{
	unsigned n = 0;

	while (n < BENCH_MOST_METRICS && bench->metrics[n].name != NULL)
		n++;
	return n;
}

unsigned bench_count_contestants(const struct bench *bench)
{
	unsigned n = 0;

	while (n < BENCH_MOST_CONTESTANTS && bench->contestants[n].who != NULL)
		n++;
	return n;
}

/* ---- one round ---- */

static int64_t round_ns(void)
{
	return bench_settings.quick ? 4000000 : 40000000;
}

/* Grows n until half a round is filled, by no more than a hundredfold at once: the first trials are mostly start-up. */
static uint64_t find_n(const struct bench_contestant *contestant)
{
	for (uint64_t n = 4;;) {
		int64_t took = contestant->time(n);
		double factor = (double)round_ns() / (double)(took > 0 ? took : 1);

		if (factor < 2)
			return factor * (double)n < 1 ? 1 : (uint64_t)(factor * (double)n);
		n = (uint64_t)((double)n * (factor < 100 ? factor : 100));
	}
}

static void run_round(const struct bench *bench, const struct bench_contestant *contestant, uint64_t n,
		      double *ret_figures)
{
	if (contestant->measure != NULL)
		contestant->measure(ret_figures);
	else if (contestant->time != NULL)
		ret_figures[0] = (double)contestant->time(n) / (double)n * bench->metrics[0].scale;
}

void bench_run_once(const struct bench *bench, const struct bench_contestant *contestant, double *ret_figures)
{
	run_round(bench, contestant, contestant->time != NULL ? find_n(contestant) : 0, ret_figures);
}

/* ---- all rounds ---- */

static int compare_samples(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

double bench_median(double *samples, size_t n)
{
	qsort(samples, n, sizeof *samples, compare_samples);
	return n % 2 == 1 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

static struct bench_summary summarise(double *samples, unsigned rounds)
{
	struct bench_summary summary = {.median = bench_median(samples, rounds)};

	summary.min = samples[0];
	summary.max = samples[rounds - 1];
	return summary;
}

/* samples[contestant][metric][round] */
typedef double samples_of_metric[BENCH_MOST_METRICS][BENCH_MOST_ROUNDS];

static void take_samples(const struct bench *bench, samples_of_metric *samples)
{
	unsigned contestants = bench_count_contestants(bench);
	uint64_t n[BENCH_MOST_CONTESTANTS] = {0};

	for (unsigned c = 0; c < contestants; c++)
		if (bench->contestants[c].time != NULL)
			n[c] = find_n(&bench->contestants[c]);
	for (unsigned round = 0; round < bench_settings.rounds; round++)
		for (unsigned i = 0; i < contestants; i++) {
			unsigned c = (i + round) % contestants;
			double figures[BENCH_MOST_METRICS] = {0};

			run_round(bench, &bench->contestants[c], n[c], figures);
			for (unsigned m = 0; m < BENCH_MOST_METRICS; m++)
				samples[c][m][round] = figures[m];
		}
}

void bench_run(const struct bench *bench, struct bench_result *ret_result)
{
	samples_of_metric *samples = calloc(BENCH_MOST_CONTESTANTS, sizeof *samples);

	if (samples == NULL)
		bench_fail("out of memory");
	take_samples(bench, samples);
	memset(ret_result, 0, sizeof *ret_result);
	ret_result->bench = bench;
	for (unsigned c = 0; c < bench_count_contestants(bench); c++)
		for (unsigned m = 0; m < bench_count_metrics(bench); m++)
			ret_result->of[c][m] = summarise(samples[c][m], bench_settings.rounds);
	free(samples);
}

/* ---- threads that start together ---- */

struct member {
	struct bench_crew *crew;
	unsigned index;
};

static void *member_main(void *arg)
{
	struct member member = *(struct member *)arg;
	struct bench_crew *crew = member.crew;

	free(arg);
	if (crew->placement == BENCH_APART)
		bench_pin(member.index);
	pthread_barrier_wait(&crew->gate);
	crew->work(crew->arg, member.index);
	return NULL;
}

static void start_member(struct bench_crew *crew, unsigned index)
{
	struct member *member = malloc(sizeof *member);

	if (member == NULL)
		bench_fail("out of memory");
	*member = (struct member){crew, index};
	if (pthread_create(&crew->threads[index], NULL, member_main, member) != 0)
		bench_fail("cannot start a thread");
}

void bench_crew_start(struct bench_crew *crew, enum bench_placement placement, unsigned count,
		      void (*work)(void *arg, unsigned index), void *arg)
{
	crew->placement = placement;
	crew->count = count;
	crew->work = work;
	crew->arg = arg;
	pthread_barrier_init(&crew->gate, NULL, count + 1);
	if (placement == BENCH_ONE_CPU)
		bench_one_cpu_begin();
	for (unsigned i = 0; i < count; i++)
		start_member(crew, i);
	pthread_barrier_wait(&crew->gate);
}

void bench_crew_join(struct bench_crew *crew)
{
	for (unsigned i = 0; i < crew->count; i++)
		pthread_join(crew->threads[i], NULL);
	if (crew->placement == BENCH_ONE_CPU)
		bench_one_cpu_end();
	pthread_barrier_destroy(&crew->gate);
}
