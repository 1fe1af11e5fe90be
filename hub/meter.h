/*
 * hub/meter.h - how many a second: the rate over the last 64 events, or those of the last two seconds.
 *
 * A meter has no lock: whoever has one keeps it under its own.
 */
#ifndef HUB_METER_H
#define HUB_METER_H

#include <fairlead/time.h>
#include <stdint.h>

#define METER_EVENTS 64u

struct meter {
	uint64_t count;
	fl_time last[METER_EVENTS];
};

static inline void meter_tick(struct meter *meter, fl_time when)
{
	meter->last[meter->count++ % METER_EVENTS] = when;
}

/* A second. 0 if there was none for two seconds. */
static inline double meter_rate(const struct meter *meter, fl_time now)
{
	uint64_t n = meter->count < METER_EVENTS ? meter->count : METER_EVENTS;
	fl_time newest;

	if (n < 2)
		return 0;
	newest = meter->last[(meter->count - 1) % METER_EVENTS];
	if (now - newest > FL_SECONDS(2))
		return 0;
	while (n > 1 && now - meter->last[(meter->count - n) % METER_EVENTS] > FL_SECONDS(2))
		n--;
	newest -= meter->last[(meter->count - n) % METER_EVENTS];
	return newest > 0 ? (double)(n - 1) * 1e9 / (double)newest : 0;
}

#endif
