/*
 * base/time.c - the clock and sums on points in time, saturating so that no deadline ever wraps into the past.
 */
#include <fairlead/time.h>

#include <math.h>
#include <time.h>

fl_time fl_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists and the address is good */
	return FL_SECONDS(now.tv_sec) + now.tv_nsec;
}

fl_time fl_time_add(fl_time a, fl_time b)
{
	fl_time sum;

	if (a == FL_FOREVER || b == FL_FOREVER)
		return FL_FOREVER;
	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : FL_FOREVER;
	return sum;
}

fl_time fl_after(fl_time duration)
{
	return fl_time_add(fl_now(), duration);
}

fl_time fl_remaining(fl_time deadline)
{
	fl_time now;

	if (deadline == FL_FOREVER)
		return FL_FOREVER;
	now = fl_now();
	return deadline > now ? deadline - now : 0;
}

fl_time fl_seconds(double seconds)
{
	double ns = seconds * 1e9;

	if (isnan(ns))
		return 0;
	if (ns >= 0x1p63)
		return FL_FOREVER;
	if (ns < -0x1p63)
		return INT64_MIN;
	return (fl_time)ns;
}
