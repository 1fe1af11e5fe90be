/*
 * cli/measure.c - counts durations by their size, in memory that does not grow.
 *
 * Durations below 64 ns have a bucket each. From there on each doubling has 32 buckets, so that what is answered, the
 * upper end of a bucket, is at most 1/32 too high.
 */
#include "measure.h"

#define STEPS 32u

static uint32_t bucket_of(uint64_t duration)
{
	uint32_t doublings;

	if (duration < 2 * STEPS)
		return (uint32_t)duration;
	doublings = 58u - (uint32_t)__builtin_clzll(duration); /* 64 is the first with one */
	return doublings * STEPS + (uint32_t)(duration >> doublings);
}

/* The longest duration of a bucket. */
static uint64_t end_of(uint32_t bucket)
{
	uint32_t doublings;

	if (bucket < 2 * STEPS)
		return bucket;
	doublings = bucket / STEPS - 1;
	return ((uint64_t)(bucket - doublings * STEPS + 1) << doublings) - 1;
}

void measure_add(struct measure *measure, fl_time duration)
{
	if (duration < 0)
		duration = 0;
	measure->n++;
	measure->counts[bucket_of((uint64_t)duration)]++;
	if (duration > measure->longest)
		measure->longest = duration;
}

fl_time measure_quantile(const struct measure *measure, double part)
{
	double wanted = part * (double)measure->n;
	uint64_t had = 0, end;

	for (uint32_t i = 0; i < MEASURE_BUCKETS; i++) {
		had += measure->counts[i];
		if (measure->counts[i] > 0 && (double)had >= wanted) {
			end = end_of(i);
			return end < (uint64_t)measure->longest ? (fl_time)end : measure->longest;
		}
	}
	return measure->longest;
}
