/*
 * fairlead/time.h - points in time, for deadlines.
 *
 * An fl_time is an absolute number of nanoseconds on CLOCK_MONOTONIC: it does not jump when somebody sets the wall
 * clock. Every blocking call of Fairlead has an `_until` form that takes one. A deadline that has passed never
 * blocks; FL_FOREVER never passes. Deadlines are absolute so that a loop around a wait does not have to do sums:
 *
 *     fl_time deadline = fl_after(FL_MS(250));
 *     while (!ready)
 *             if (fl_condition_wait_until(&changed, deadline, NULL) == -ETIMEDOUT)
 *                     break;
 *
 * An fl_time has a meaning on one machine only, until it is next booted: send remaining durations, never deadlines.
 * All of it may be called from any thread and from signal handlers, and none of it blocks.  Since 0.1.
 */
#ifndef FAIRLEAD_TIME_H
#define FAIRLEAD_TIME_H

#include <fairlead/attributes.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A point in time, or a duration: signed nanoseconds. */
typedef int64_t fl_time;

/* The deadline that never passes. */
#define FL_FOREVER INT64_MAX

/* Durations, in nanoseconds. The argument is multiplied as int64_t. */
#define FL_NS(n) ((fl_time)(n))
#define FL_US(n) ((fl_time)(n)*1000)
#define FL_MS(n) ((fl_time)(n)*1000000)
#define FL_SECONDS(n) ((fl_time)(n)*1000000000)

/* Returns the present time. */
fl_time fl_now(void);

/* Returns the point in time `duration` nanoseconds from now. Saturates: FL_FOREVER, or anything that would overflow,
 * gives FL_FOREVER; a negative duration gives a point in the past. */
fl_time fl_after(fl_time duration);

/* Returns a + b, saturated to INT64_MIN and FL_FOREVER. FL_FOREVER plus anything is FL_FOREVER. */
fl_time fl_time_add(fl_time a, fl_time b);

/* Returns the nanoseconds left until the deadline: 0 if it has passed, FL_FOREVER for FL_FOREVER. */
fl_time fl_remaining(fl_time deadline);

/* Returns the duration of a number of seconds, as Python's time-outs are given; saturated. A NaN gives 0. */
fl_time fl_seconds(double seconds);

FL_END_DECLS

#endif
