/*
 * shm/value.c - Value: a number, and a lock for those who need several steps.
 *
 * fl_number   the number; each call is one atomic operation on it, or a compare and swap that is tried again until
 *             nobody has come in between
 * fl_own      an RLock, which no call here touches
 *
 * There is no state but the number, so there is nothing that a death could leave half changed. Any number is a valid
 * one, so nothing that others wrote has to be checked.
 *
 * All is seq_cst: who takes a Value does so in order not to think of orders. On x86-64 that costs the store alone
 * something.
 *
 * A double is swapped as the bits that it is made of. To add to it is a loop: no processor adds to one in memory. It is
 * lock-free (whoever has to try again was overtaken by somebody who did not), and each round is a few nanoseconds.
 *
 * Rejected: a type that is known at run time, as Python's has it (each call would have to ask, or trust who calls, what
 * the compiler can know); to take the lock in each call, as Python does (a holder that is stopped would stop all).
 */
#include <fairlead/value.h>

#include "base/atomic.h"
#include "shm/segment.h"

#include <string.h>

/* The bits of a double, where it is. */
typedef uint64_t bits __attribute__((may_alias));

static bits *bits_at(const double *number)
{
	return (bits *)(uintptr_t)number;
}

static uint64_t bits_of(double number)
{
	uint64_t result;

	memcpy(&result, &number, sizeof(result));
	return result;
}

static double double_of(uint64_t from)
{
	double result;

	memcpy(&result, &from, sizeof(result));
	return result;
}

/* Making. */

void fl_value_int64_init_shared(fl_value_int64 *value, int64_t number)
{
	*value = (fl_value_int64){.fl_number = number};
	fl_rlock_init_shared(&value->fl_own);
}

void fl_value_uint64_init_shared(fl_value_uint64 *value, uint64_t number)
{
	*value = (fl_value_uint64){.fl_number = number};
	fl_rlock_init_shared(&value->fl_own);
}

void fl_value_double_init_shared(fl_value_double *value, double number)
{
	*value = (fl_value_double){.fl_number = number};
	fl_rlock_init_shared(&value->fl_own);
}

/* The number. */

int64_t fl_value_int64_get(const fl_value_int64 *value)
{
	/* [value.1] seq_cst; pairs with [value.2] */
	return fl_load_seq_cst(&value->fl_number);
}

uint64_t fl_value_uint64_get(const fl_value_uint64 *value)
{
	/* [value.1] seq_cst; pairs with [value.2] */
	return fl_load_seq_cst(&value->fl_number);
}

double fl_value_double_get(const fl_value_double *value)
{
	/* [value.1] seq_cst; pairs with [value.2] */
	return double_of(fl_load_seq_cst(bits_at(&value->fl_number)));
}

void fl_value_int64_set(fl_value_int64 *value, int64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	fl_store_seq_cst(&value->fl_number, number);
}

void fl_value_uint64_set(fl_value_uint64 *value, uint64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	fl_store_seq_cst(&value->fl_number, number);
}

void fl_value_double_set(fl_value_double *value, double number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	fl_store_seq_cst(bits_at(&value->fl_number), bits_of(number));
}

int64_t fl_value_int64_add(fl_value_int64 *value, int64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_add_seq_cst(&value->fl_number, number);
}

uint64_t fl_value_uint64_add(fl_value_uint64 *value, uint64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_add_seq_cst(&value->fl_number, number);
}

double fl_value_double_add(fl_value_double *value, double number)
{
	uint64_t before = fl_load_relaxed(bits_at(&value->fl_number));

	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	while (!fl_cas_seq_cst(bits_at(&value->fl_number), &before, bits_of(double_of(before) + number)))
		;
	return double_of(before);
}

int64_t fl_value_int64_exchange(fl_value_int64 *value, int64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_exchange_seq_cst(&value->fl_number, number);
}

uint64_t fl_value_uint64_exchange(fl_value_uint64 *value, uint64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_exchange_seq_cst(&value->fl_number, number);
}

double fl_value_double_exchange(fl_value_double *value, double number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return double_of(fl_exchange_seq_cst(bits_at(&value->fl_number), bits_of(number)));
}

bool fl_value_int64_compare_exchange(fl_value_int64 *value, int64_t *expected, int64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_cas_either_seq_cst(&value->fl_number, expected, number);
}

bool fl_value_uint64_compare_exchange(fl_value_uint64 *value, uint64_t *expected, uint64_t number)
{
	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	return fl_cas_either_seq_cst(&value->fl_number, expected, number);
}

bool fl_value_double_compare_exchange(fl_value_double *value, double *expected, double number)
{
	uint64_t before = bits_of(*expected);

	/* [value.2] seq_cst; pairs with [value.1], [value.2] */
	if (fl_cas_either_seq_cst(bits_at(&value->fl_number), &before, bits_of(number)))
		return true;
	*expected = double_of(before);
	return false;
}

/* The lock. */

fl_rlock *fl_value_int64_lock(fl_value_int64 *value)
{
	return &value->fl_own;
}

fl_rlock *fl_value_uint64_lock(fl_value_uint64 *value)
{
	return &value->fl_own;
}

fl_rlock *fl_value_double_lock(fl_value_double *value)
{
	return &value->fl_own;
}

/* In a segment. */

static int init_int64(void *value, void *number)
{
	fl_value_int64_init_shared(value, *(const int64_t *)number);
	return 0;
}

int fl_segment_value_int64(fl_segment *segment, const char *name, int64_t number, fl_value_int64 **ret_value)
{
	static const fl_segment_type type = {"fl_value, int64", 1, 0, sizeof(fl_value_int64)};

	return fl_segment_object(segment, name, &type, init_int64, &number, (void **)ret_value);
}

static int init_uint64(void *value, void *number)
{
	fl_value_uint64_init_shared(value, *(const uint64_t *)number);
	return 0;
}

int fl_segment_value_uint64(fl_segment *segment, const char *name, uint64_t number, fl_value_uint64 **ret_value)
{
	static const fl_segment_type type = {"fl_value, uint64", 1, 0, sizeof(fl_value_uint64)};

	return fl_segment_object(segment, name, &type, init_uint64, &number, (void **)ret_value);
}

static int init_double(void *value, void *number)
{
	fl_value_double_init_shared(value, *(const double *)number);
	return 0;
}

int fl_segment_value_double(fl_segment *segment, const char *name, double number, fl_value_double **ret_value)
{
	static const fl_segment_type type = {"fl_value, double", 1, 0, sizeof(fl_value_double)};

	return fl_segment_object(segment, name, &type, init_double, &number, (void **)ret_value);
}
