/*
 * hub/clock.h - the time of day, which is what other machines understand, from the monotonic clock, and back.
 */
#ifndef HUB_CLOCK_H
#define HUB_CLOCK_H

#include <fairlead/time.h>
#include <time.h>

/* Microseconds since 1970, now. */
static inline int64_t clock_unix_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* When that was in microseconds since 1970; 0 of 0, which is "not known". */
static inline int64_t clock_unix(fl_time when)
{
	return when == 0 ? 0 : clock_unix_now() - (fl_now() - when) / 1000;
}

/* The other way. What is not known, and what would be in the future or longer ago than an hour, is now: a sender whose
 * clock is wrong. So is what was before this machine was started, when its clock was 0. */
static inline fl_time clock_monotonic(int64_t unix_us)
{
	int64_t unix_now = clock_unix_now(), ago = unix_us > 0 && unix_us <= unix_now ? unix_now - unix_us : 0;
	fl_time now = fl_now();

	return ago > 3600 * INT64_C(1000000) || ago * 1000 >= now ? now : now - ago * 1000;
}

#endif
