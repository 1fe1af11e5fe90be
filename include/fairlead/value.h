/*
 * fairlead/value.h - Value: one number that threads and processes share. Python's multiprocessing.Value.
 *
 *     fl_value_int64 *hits;
 *
 *     fl_segment_value_int64(segment, "hits", 0, &hits);   // fairlead/segment.h: whoever comes first makes it
 *     fl_value_add(hits, 1);                               // += 1, and nothing is lost
 *     printf("%" PRId64 "\n", fl_value_get(hits));
 *
 * There are three types: fl_value_int64, fl_value_uint64 and fl_value_double. A narrower one would be no smaller, since
 * each has a lock beside it: a flag or an int goes into an fl_value_int64. Which type it is the compiler knows: in C,
 * fl_value_get(v) and so on call the function of v's type, fl_value_int64_get(v), say. In C++ call that one.
 *
 * Each call is one step: no other thread or process sees half of it or comes in between, and one that is killed has
 * done it or has not. All of them on all values happen in one order on which everybody agrees (sequential consistency,
 * as C11's atomics have it).
 *
 * Two calls are two steps: fl_value_set(v, fl_value_get(v) + 1) loses what others add in between. What cannot be said
 * in one call is done in a loop around fl_value_compare_exchange, or under the value's own lock. The lock is Python's
 * get_lock(), an RLock. It excludes those who acquire it, too, and nobody else: the calls do not take it, unlike
 * Python's. So who wants several steps to be one, acquires it in all places that change the value.
 *
 *     fl_with (fl_value_lock(balance))
 *             if (fl_value_get(balance) >= price)
 *                     fl_value_add(balance, -price);
 *
 * Any thread may make any call; none of them blocks or fails, and all may come from a signal handler but those on the
 * lock. (The functions that return pointers or make values do not block, either.)
 *
 * When not to use it: within one process C11's atomics do the same; for several numbers that belong together take
 * fairlead/array.h, or a struct and a lock.
 */
#ifndef FAIRLEAD_VALUE_H
#define FAIRLEAD_VALUE_H

#include <fairlead/attributes.h>
#include <fairlead/rlock.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 32 bytes each. All zero is a valid value, 0, of one process. The members are private; it must not be copied or moved
 * while it is in use. */
typedef struct fl_value_int64 {
	int64_t fl_number;
	fl_rlock fl_own;
	uint64_t fl_spare;
} fl_value_int64;

typedef struct fl_value_uint64 {
	uint64_t fl_number;
	fl_rlock fl_own;
	uint64_t fl_spare;
} fl_value_uint64;

typedef struct fl_value_double {
	double fl_number;
	fl_rlock fl_own;
	uint64_t fl_spare;
} fl_value_double;

/* A value of one process: static fl_value_double sum = FL_VALUE_INIT(0.5). */
#define FL_VALUE_INIT(number) \
	{ \
		(number), FL_RLOCK_INIT, 0 \
	}

/* Makes a value that processes share: it is in a segment, as fl_segment_value_int64 makes one, or as a part of an
 * object there.  Since 0.1. */
void fl_value_int64_init_shared(fl_value_int64 *value, int64_t number) FL_ALL_NONNULL;
void fl_value_uint64_init_shared(fl_value_uint64 *value, uint64_t number) FL_ALL_NONNULL;
void fl_value_double_init_shared(fl_value_double *value, double number) FL_ALL_NONNULL;

/* What it is at this moment; never half of it.  Since 0.1. */
int64_t fl_value_int64_get(const fl_value_int64 *value) FL_ALL_NONNULL;
uint64_t fl_value_uint64_get(const fl_value_uint64 *value) FL_ALL_NONNULL;
double fl_value_double_get(const fl_value_double *value) FL_ALL_NONNULL;

/* Makes it that number.  Since 0.1. */
void fl_value_int64_set(fl_value_int64 *value, int64_t number) FL_ALL_NONNULL;
void fl_value_uint64_set(fl_value_uint64 *value, uint64_t number) FL_ALL_NONNULL;
void fl_value_double_set(fl_value_double *value, double number) FL_ALL_NONNULL;

/* Adds to it, and returns what it was before. What does not fit wraps around, for int64 too (as two's complement).
 * Since 0.1. */
int64_t fl_value_int64_add(fl_value_int64 *value, int64_t number) FL_ALL_NONNULL;
uint64_t fl_value_uint64_add(fl_value_uint64 *value, uint64_t number) FL_ALL_NONNULL;
double fl_value_double_add(fl_value_double *value, double number) FL_ALL_NONNULL;

/* Makes it that number, and returns what it was before.  Since 0.1. */
int64_t fl_value_int64_exchange(fl_value_int64 *value, int64_t number) FL_ALL_NONNULL;
uint64_t fl_value_uint64_exchange(fl_value_uint64 *value, uint64_t number) FL_ALL_NONNULL;
double fl_value_double_exchange(fl_value_double *value, double number) FL_ALL_NONNULL;

/* Makes it `number` if it is *expected, and returns true. Otherwise puts what it is into *expected and returns false.
 * Doubles are compared by their bits: a NaN is equal to itself, and 0.0 is not -0.0. So this loop ends, also for NaN:
 *
 *     double highest = fl_value_get(peak);
 *
 *     while (highest < measured && !fl_value_compare_exchange(peak, &highest, measured))
 *             ;
 * Since 0.1. */
bool fl_value_int64_compare_exchange(fl_value_int64 *value, int64_t *expected, int64_t number) FL_ALL_NONNULL;
bool fl_value_uint64_compare_exchange(fl_value_uint64 *value, uint64_t *expected, uint64_t number) FL_ALL_NONNULL;
bool fl_value_double_compare_exchange(fl_value_double *value, double *expected, double number) FL_ALL_NONNULL;

/* Its own lock, for several steps at once: an RLock as any other (fairlead/rlock.h). Of a value that processes share,
 * whoever dies holding it is told to the next one, by -EOWNERDEAD and fl_rlock_mend.  Since 0.1. */
fl_rlock *fl_value_int64_lock(fl_value_int64 *value) FL_ALL_NONNULL FL_TSA(lock_returned(value->fl_own));
fl_rlock *fl_value_uint64_lock(fl_value_uint64 *value) FL_ALL_NONNULL FL_TSA(lock_returned(value->fl_own));
fl_rlock *fl_value_double_lock(fl_value_double *value) FL_ALL_NONNULL FL_TSA(lock_returned(value->fl_own));

FL_END_DECLS

/* The function of the value's type. */
#ifndef __cplusplus
/* clang-format off */
#define FL_VALUE_CHOOSE_(verb, value) \
	_Generic(*(value), \
		fl_value_int64: fl_value_int64_##verb, \
		fl_value_uint64: fl_value_uint64_##verb, \
		fl_value_double: fl_value_double_##verb)
/* clang-format on */
#define fl_value_init_shared(value, number) FL_VALUE_CHOOSE_(init_shared, value)(value, number)
#define fl_value_get(value) FL_VALUE_CHOOSE_(get, value)(value)
#define fl_value_set(value, number) FL_VALUE_CHOOSE_(set, value)(value, number)
#define fl_value_add(value, number) FL_VALUE_CHOOSE_(add, value)(value, number)
#define fl_value_exchange(value, number) FL_VALUE_CHOOSE_(exchange, value)(value, number)
#define fl_value_compare_exchange(value, expected, number) \
	FL_VALUE_CHOOSE_(compare_exchange, value)(value, expected, number)
#define fl_value_lock(value) FL_VALUE_CHOOSE_(lock, value)(value)
#endif

#endif
