/*
 * values.c - scenarios of values and arrays: one order of all steps, nothing lost, and nothing torn.
 */
#include "scenarios.h"

#include <fairlead/array.h>
#include <fairlead/value.h>
#include <stdbool.h>

/* Values: each way to change one, and to look at it, of each type. */

static fl_value_int64 flag;
static int plain, seen;
static void (*change)(void);
static bool (*look)(void); /* whether it has been changed */

#define WAYS(type, number) \
	static fl_value_##type type##_value; \
	static void type##_set(void) \
	{ \
		fl_value_set(&type##_value, 1); \
	} \
	static void type##_add(void) \
	{ \
		fl_value_add(&type##_value, 1); \
	} \
	static void type##_exchange(void) \
	{ \
		fl_value_exchange(&type##_value, 1); \
	} \
	static void type##_compare(void) \
	{ \
		number expected = 0; \
\
		fl_value_compare_exchange(&type##_value, &expected, 1); \
	} \
	static bool type##_got(void) \
	{ \
		return fl_value_get(&type##_value) == 1; \
	} \
	static bool type##_added(void) \
	{ \
		return fl_value_add(&type##_value, 0) == 1; \
	} \
	static bool type##_exchanged(void) \
	{ \
		return fl_value_exchange(&type##_value, 1) == 1; \
	} \
	static bool type##_compared(void) \
	{ \
		number expected = 1; \
\
		return fl_value_compare_exchange(&type##_value, &expected, 1); \
	} \
	static bool type##_differed(void) \
	{ \
		number expected = 5; \
\
		return !fl_value_compare_exchange(&type##_value, &expected, 5) && expected == 1; \
	} \
	static void start_##type(void (*how)(void), bool (*seen_by)(void)) \
	{ \
		fl_value_set(&flag, 0); \
		fl_value_set(&type##_value, 0); \
		plain = seen = 0; \
		change = how; \
		look = seen_by; \
	} \
	static void value_##type(void *arg) \
	{ \
		static void (*const changes[])(void) = {type##_set, type##_add, type##_exchange, type##_compare, \
							type##_set, type##_set, type##_set,      type##_set}; \
		static bool (*const looks[])(void) = { \
			type##_got,   type##_got,       type##_got,      type##_got, \
			type##_added, type##_exchanged, type##_compared, type##_differed}; \
\
		(void)arg; \
		for (int i = 0; i < 8; i++) { \
			start_##type(changes[i], looks[i]); \
			together(change_and_get, set_and_look, NULL); \
			assert(seen < 2); \
			start_##type(changes[i], looks[i]); \
			together(change_with_plain, look_with_plain, NULL); \
		} \
	}

/* One of them at least sees what the other one did first. */
static void change_and_get(void)
{
	change();
	if (fl_value_get(&flag) == 0)
		__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
}

static void set_and_look(void)
{
	fl_value_set(&flag, 1);
	if (!look())
		__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
}

/* Who sees the change sees what came before it. */
static void change_with_plain(void)
{
	plain = 1;
	change();
}

static void look_with_plain(void)
{
	if (look())
		assert(plain == 1);
}

WAYS(int64, int64_t)
WAYS(uint64, uint64_t)
WAYS(double, double)

static void count(void)
{
	uint64_t before = fl_value_get(&uint64_value);

	fl_value_add(&int64_value, 1);
	fl_value_add(&double_value, 1);
	while (!fl_value_compare_exchange(&uint64_value, &before, before + 1))
		;
}

static void value_count(void *arg)
{
	(void)arg;
	together(count, count, NULL);
	assert(fl_value_get(&int64_value) == 2 && fl_value_get(&uint64_value) == 2);
	assert(fl_value_get(&double_value) == 2);
}

/* Arrays. */

enum { N = 2 };

static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);
static uint64_t memory[FL_ARRAY_SIZE(sizeof(uint64_t), N) / sizeof(uint64_t)];
static fl_array array;

static void make_array(void)
{
	assert(fl_array_init(&array, &type, N, memory) == 0);
}

static void write_1(void)
{
	assert(fl_array_write(&array, 0, N, (uint64_t[]){1, 1}) == 0);
}

static void write_2(void)
{
	assert(fl_array_write(&array, 0, N, (uint64_t[]){2, 2}) == 0);
}

static void write_both(void)
{
	write_1();
	write_2();
}

static void write_four(void)
{
	write_both();
	write_both();
}

static void read(void)
{
	uint64_t elements[N];

	assert(fl_array_read(&array, 0, N, elements) == 0);
	assert(elements[0] == elements[1] && elements[0] <= 2);
}

static void array_torn(void *arg)
{
	(void)arg;
	make_array();
	together(write_both, read, NULL);
}

static void array_lapped(void *arg)
{
	(void)arg;
	make_array();
	together(write_four, read, NULL);
}

static void array_writers(void *arg)
{
	(void)arg;
	make_array();
	together(write_both, write_both, read, NULL);
	read();
}

static void add_first(void)
{
	assert(fl_array_add(&array, 0, 1, NULL) == 0);
}

static void add_second(void)
{
	uint64_t before = 0;

	while (fl_array_compare_exchange(&array, 1, &before, &(uint64_t){before + 1}) == 0)
		;
}

static void add_both(void)
{
	add_first();
	add_second();
}

static void array_add(void *arg)
{
	uint64_t elements[N];

	(void)arg;
	make_array();
	together(add_both, add_both, NULL);
	assert(fl_array_read(&array, 0, N, elements) == 0);
	assert(elements[0] == 2 && elements[1] == 2);
}

static void write_with_plain(void)
{
	plain = 1;
	write_1();
}

static void read_with_plain(void)
{
	uint64_t element;

	assert(fl_array_get(&array, 1, &element) == 0);
	assert(element == 0 || plain == 1);
}

static void array_published(void *arg)
{
	(void)arg;
	make_array();
	together(write_with_plain, read_with_plain, NULL);
}

const struct scenario value_scenarios[] = {
	{"value-int64", "each way to change and to look: one order of all, and what came before", value_int64, MANY},
	{"value-uint64", "the same", value_uint64, MANY},
	{"value-double", "the same", value_double, MANY},
	{"value-count", "two count in three ways", value_count, MANY},
	{"array-torn", "two writes while one reads", array_torn, 3},
	{"array-lapped", "four writes while one reads", array_lapped, 3},
	{"array-writers", "two writers and a reader", array_writers, MANY},
	{"array-add", "two add to one element and compare another one", array_add, MANY},
	{"array-published", "who reads what was written has what came before it", array_published, 3},
	{0},
};
