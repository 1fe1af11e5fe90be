/*
 * measure.h - durations: how many, the longest, and which so many hundredths of them do not exceed.
 */
#ifndef FAIRLEAD_CLI_MEASURE_H
#define FAIRLEAD_CLI_MEASURE_H

#include <fairlead/time.h>
#include <stdint.h>

#define MEASURE_BUCKETS 1920u

/* All zero is one without durations. */
struct measure {
	uint64_t n;
	fl_time longest;
	uint32_t counts[MEASURE_BUCKETS];
};

/* Adds one. One of less than 0 counts as 0. */
void measure_add(struct measure *measure, fl_time duration);

/* Returns the duration that this part of them (0.5: half) does not exceed, too high by at most 1/32; 0 if there are
 * none. */
fl_time measure_quantile(const struct measure *measure, double part);

#endif
