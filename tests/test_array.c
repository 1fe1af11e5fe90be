/*
 * test_array.c - arrays that threads and processes share: never torn, and nothing lost, whoever dies.
 */
#define _GNU_SOURCE
#include "sharing.h"

#include "base/atomic.h"
#include "shm/array.h"
#include <math.h>

#define N 512u
#define TIMES 40000
#define ROUNDS 4000

static const fl_segment_type number_type = FL_SEGMENT_TYPE(uint64_t, 1), real_type = FL_SEGMENT_TYPE(double, 1);
static fl_array numbers;

static void set_up(void)
{
	sharing_set_up();
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &number_type, N, &numbers), 1);
}

/* Alone. */

/* Whatever is done to an array, it is what a plain one would be: elements of each size up to 40 bytes, at places and in
 * lengths that are drawn. */
#define PLAIN_N 23u

static uint32_t draw(uint32_t below)
{
	static uint64_t state = UINT64_C(88172645463325252);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % below;
}

static void do_the_same(fl_array *array, char *plain, size_t size)
{
	char bytes[PLAIN_N * 40], before[40];
	uint32_t from = draw(PLAIN_N), n = draw(PLAIN_N - from + 1);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)draw(256);
	switch (draw(5)) {
	case 0:
		ck_assert_int_eq(fl_array_write(array, from, n, bytes), 0);
		memcpy(plain + from * size, bytes, n * size);
		break;
	case 1:
		ck_assert_int_eq(fl_array_set(array, from, bytes), 0);
		memcpy(plain + from * size, bytes, size);
		break;
	case 2:
		ck_assert_int_eq(fl_array_exchange(array, from, bytes, before), 0);
		ck_assert_mem_eq(before, plain + from * size, size);
		memcpy(plain + from * size, bytes, size);
		break;
	case 3:
		memcpy(before, plain + from * size, size);
		if (draw(2)) {
			ck_assert_int_eq(fl_array_compare_exchange(array, from, before, bytes), 1);
			memcpy(plain + from * size, bytes, size);
			break;
		}
		before[draw((uint32_t)size)] ^= 4;
		ck_assert_int_eq(fl_array_compare_exchange(array, from, before, bytes), 0);
		ck_assert_mem_eq(before, plain + from * size, size);
		break;
	default:
		ck_assert_int_eq(fl_array_read(array, from, n, bytes), 0);
		ck_assert_mem_eq(bytes, plain + from * size, n * size);
		ck_assert_int_eq(fl_array_get(array, from, bytes), 0);
		ck_assert_mem_eq(bytes, plain + from * size, size);
	}
}

START_TEST(it_is_what_a_plain_one_would_be)
{
	const fl_segment_type type = {"thing", 1, 0, (size_t)_i};
	char plain[PLAIN_N * 40] = {0}, all[PLAIN_N * 40];
	void *memory = malloc(FL_ARRAY_SIZE(type.size, PLAIN_N));
	fl_array inside, between, *array = _i % 2 ? &inside : &between;

	ck_assert_int_eq(fl_array_init(&inside, &type, PLAIN_N, memory), 0);
	ck_assert_int_eq(fl_segment_array(segment, "things", &type, PLAIN_N, &between), 1);
	ck_assert_uint_eq(fl_array_length(array), PLAIN_N);
	for (int i = 0; i < 4000; i++) {
		do_the_same(array, plain, type.size);
		ck_assert_int_eq(fl_array_read(array, 0, PLAIN_N, all), 0);
		ck_assert_mem_eq(all, plain, PLAIN_N * type.size);
	}
	free(memory);
}
END_TEST

START_TEST(an_exchange_may_be_in_place)
{
	uint64_t number_ = 5;

	ck_assert_int_eq(fl_array_exchange(&numbers, 3, &number_, &number_), 0);
	ck_assert_uint_eq(number_, 0);
	ck_assert_int_eq(fl_array_exchange(&numbers, 3, &number_, &number_), 0);
	ck_assert_uint_eq(number_, 5);
}
END_TEST

#define INTEGER(type, first, by, before, after) \
	{ \
		{#type, 1, 0, sizeof(type)}, (first), (by), (before), (after) \
	}

static const struct {
	fl_segment_type type;
	int64_t first, by, before, after;
} integers[] = {
	INTEGER(int8_t, 127, 2, 127, -127),
	INTEGER(uint8_t, 255, 2, 255, 1),
	INTEGER(int16_t, -32768, -1, -32768, 32767),
	INTEGER(uint16_t, 0, -1, 0, 65535),
	INTEGER(int32_t, -1, 1, -1, 0),
	INTEGER(uint32_t, UINT32_MAX, 3, UINT32_MAX, 2),
	INTEGER(int64_t, INT64_MAX, 1, INT64_MAX, INT64_MIN),
	INTEGER(uint64_t, -1, 1, -1, 0),
	INTEGER(int, INT32_MIN, -1, INT32_MIN, INT32_MAX),
	INTEGER(unsigned, 7, 8, 7, 15),
	INTEGER(unsigned int, 7, -8, 7, UINT32_MAX),
	INTEGER(long, 7, -8, 7, -1),
	INTEGER(unsigned long, 7, 8, 7, 15),
	INTEGER(size_t, 7, 8, 7, 15),
};
#define N_INTEGERS ((int)(sizeof(integers) / sizeof(integers[0])))

START_TEST(integers_are_added_to)
{
	const fl_segment_type *type = &integers[_i].type;
	int64_t before = 99;
	fl_array array;

	ck_assert_int_eq(fl_segment_array(segment, "integers", type, 3, &array), 1);
	ck_assert_int_eq(fl_array_add(&array, 1, integers[_i].first, &before), 0);
	ck_assert_int_eq(before, 0);
	ck_assert_int_eq(fl_array_add(&array, 1, integers[_i].by, &before), 0);
	ck_assert_msg(before == integers[_i].before, "%s: %lld", type->name, (long long)before);
	ck_assert_int_eq(fl_array_add(&array, 1, 0, &before), 0);
	ck_assert_msg(before == integers[_i].after, "%s: %lld", type->name, (long long)before);
	for (size_t i = 0; i < 3; i += 2) {
		ck_assert_int_eq(fl_array_add(&array, i, 1, &before), 0);
		ck_assert_msg(before == 0, "%s: a neighbour is %lld", type->name, (long long)before);
	}
	ck_assert_int_eq(fl_array_add(&array, 1, 1, NULL), 0);
	ck_assert_int_eq(fl_array_add_double(&array, 1, 1, NULL), -EINVAL);
}
END_TEST

START_TEST(doubles_and_floats_are_added_to)
{
	static const fl_segment_type narrow_type = FL_SEGMENT_TYPE(float, 1);
	const fl_segment_type *types[] = {&real_type, &narrow_type};

	for (int i = 0; i < 2; i++) {
		fl_array array;
		double before = 9;

		ck_assert_int_eq(fl_segment_array(segment, i ? "narrow" : "real", types[i], 3, &array), 1);
		ck_assert_int_eq(fl_array_add_double(&array, 1, 0.5, &before), 0);
		ck_assert_double_eq(before, 0);
		ck_assert_int_eq(fl_array_add_double(&array, 1, 0.25, NULL), 0);
		ck_assert_int_eq(fl_array_add_double(&array, 1, INFINITY, &before), 0);
		ck_assert_double_eq(before, 0.75);
		ck_assert_int_eq(fl_array_add_double(&array, 1, 0, &before), 0);
		ck_assert(isinf(before));
		ck_assert_int_eq(fl_array_add_double(&array, 2, 0, &before), 0);
		ck_assert_double_eq(before, 0);
		ck_assert_int_eq(fl_array_add(&array, 1, 1, NULL), -EINVAL);
	}
}
END_TEST

START_TEST(there_is_nothing_beyond_its_end)
{
	uint64_t some[3] = {1, 2, 3};

	ck_assert_int_eq(fl_array_get(&numbers, N, some), -ERANGE);
	ck_assert_int_eq(fl_array_get(&numbers, SIZE_MAX, some), -ERANGE);
	ck_assert_int_eq(fl_array_set(&numbers, N, some), -ERANGE);
	ck_assert_int_eq(fl_array_read(&numbers, N - 2, 3, some), -ERANGE);
	ck_assert_int_eq(fl_array_read(&numbers, 2, SIZE_MAX, some), -ERANGE);
	ck_assert_int_eq(fl_array_read(&numbers, SIZE_MAX, 2, some), -ERANGE);
	ck_assert_int_eq(fl_array_read(&numbers, N + 1, 0, some), -ERANGE);
	ck_assert_int_eq(fl_array_write(&numbers, N - 2, 3, some), -ERANGE);
	ck_assert_int_eq(fl_array_exchange(&numbers, N, some, some), -ERANGE);
	ck_assert_int_eq(fl_array_compare_exchange(&numbers, N, some, some), -ERANGE);
	ck_assert_int_eq(fl_array_add(&numbers, N, 1, NULL), -ERANGE);
	ck_assert_uint_eq(some[0] + some[1] + some[2], 6);
	ck_assert_int_eq(fl_array_read(&numbers, N, 0, some), 0);
	ck_assert_int_eq(fl_array_write(&numbers, N, 0, some), 0);
	ck_assert_int_eq(fl_array_write(&numbers, N - 3, 3, some), 0);
	ck_assert_int_eq(fl_array_get(&numbers, N - 1, some), 0);
	ck_assert_uint_eq(some[0], 3);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	static const fl_segment_type no_size = {"thing", 1, 0, 0}, no_name = {"", 1, 0, 8}, null = {NULL, 1, 0, 8},
				     no_int = {"int64_t", 1, 0, 12}, no_double = {"double", 1, 0, 2},
				     longest = {"0123456789012345678901234567890123456", 1, 0, 8},
				     longer = {"01234567890123456789012345678901234567", 1, 0, 8};
	const fl_segment_type *types[] = {&no_size, &no_name, &null, &no_int, &no_double};
	uint64_t memory[FL_ARRAY_SIZE(8, 2) / 8 + 1];
	fl_array array = {.fl_kind = 77};

	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(fl_array_init(&array, types[i], 2, memory), -EINVAL);
		ck_assert_int_eq(fl_segment_array(segment, "array", types[i], 2, &array), -EINVAL);
		ck_assert_uint_ge(strlen(fl_segment_why()), 5);
	}
	ck_assert_int_eq(fl_array_init(&array, &number_type, 0, memory), -EINVAL);
	ck_assert_int_eq(fl_array_init(&array, &number_type, FL_ARRAY_MAX / 8 + 1, memory), -EINVAL);
	ck_assert_int_eq(fl_array_init(&array, &number_type, SIZE_MAX / 4, memory), -EINVAL);
	ck_assert_int_eq(fl_array_init(&array, &number_type, 2, (char *)memory + 4), -EINVAL);
	ck_assert_int_eq(fl_segment_array(segment, "array", &number_type, 0, &array), -EINVAL);
	ck_assert_int_eq(fl_segment_array(segment, "array", &number_type, SIZE_MAX, &array), -EINVAL);
	ck_assert_int_eq(fl_segment_array(segment, "array", &number_type, FL_ARRAY_MAX / 8, &array), -ENOSPC);
	ck_assert_int_eq(fl_segment_array(segment, "an array", &number_type, 2, &array), -EINVAL);
	ck_assert_int_eq(fl_segment_array(segment, "array", &longer, 2, &array), -EINVAL);
	ck_assert_uint_eq(array.fl_kind, 77);
	ck_assert_int_eq(fl_segment_array(segment, "array", &longest, 2, &array), 1);
}
END_TEST

/* In a segment. */

START_TEST(it_is_found_by_name)
{
	fl_segment *other;
	fl_array same;
	uint64_t seven = 7, number_ = 0;

	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_array(other, "numbers", &number_type, N, &same), 0);
	ck_assert_ptr_ne(same.fl_memory, numbers.fl_memory);
	ck_assert_int_eq(fl_array_set(&same, 2, &seven), 0);
	ck_assert_int_eq(fl_array_get(&numbers, 2, &number_), 0);
	ck_assert_uint_eq(number_, 7);
	fl_segment_close(other);
}
END_TEST

START_TEST(another_one_is_refused)
{
	static const fl_segment_type newer = FL_SEGMENT_TYPE(uint64_t, 2), wider = {"uint64_t", 1, 0, 4};
	fl_array array = {.fl_kind = 77};
	uint64_t *word;

	ck_assert_int_eq(fl_segment_array(segment, "numbers", &real_type, N, &array), -EPROTO);
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &newer, N, &array), -EPROTO);
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &number_type, N + 8, &array), -EPROTO);
	ck_assert_int_eq(fl_segment_array(segment, "n", &number_type, 1, &array), -EPROTO);
	ck_assert_int_eq(segments_number(segment, "numbers", &word), -EPROTO);
	/* As much memory, and other elements. */
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &number_type, N - 1, &array), -EPROTO);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "512 elements of 8 bytes, not 511 of 8"));
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &wider, 2 * N, &array), -EPROTO);
	ck_assert_uint_eq(array.fl_kind, 77);
}
END_TEST

START_TEST(who_only_looks_gets_none)
{
	fl_segment *other;
	fl_array array;

	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_LOOK), 0);
	ck_assert_int_eq(fl_segment_array(other, "numbers", &number_type, N, &array), -EACCES);
	fl_segment_close(other);
}
END_TEST

/* Whatever stands in the memory, calls end, and one write makes the whole of it good. */
START_TEST(a_damaged_one_harms_nobody)
{
	static const uint64_t words[] = {0,
					 1,
					 2,
					 UINT64_MAX,
					 UINT64_MAX - 1,
					 UINT64_C(5) << 32,
					 UINT64_C(9) << 32 | 8,
					 UINT64_C(1) << 32 | 600,
					 UINT32_MAX};
	const unsigned n_words = sizeof(words) / sizeof(words[0]);
	struct fl_array_head *head = fl_array_head(&numbers);
	uint64_t all[N], read[N];

	memset(all, 0x5a, sizeof(all));
	for (unsigned i = 0; i < n_words * n_words * n_words; i++) {
		head->version = words[i % n_words];
		head->begun = words[i / n_words % n_words];
		head->stale = words[i / n_words / n_words];
		head->size = head->n = 0;
		ck_assert_int_eq(fl_array_read(&numbers, 0, N, read), 0);
		ck_assert_int_eq(fl_array_write(&numbers, 0, N, all), 0);
		ck_assert_int_eq(fl_array_add(&numbers, 5, 1, NULL), 0);
		ck_assert_int_eq(fl_array_read(&numbers, 0, N, read), 0);
		read[5]--;
		ck_assert_mem_eq(read, all, sizeof(all));
	}
	ck_assert_int_eq(fl_segment_array(segment, "numbers", &number_type, N, &numbers), -EPROTO);
}
END_TEST

/* At once. */

/* Writes the whole array so that all elements are the same, but for the last two, or only a part of it. */
static void write_them(fl_array *array, uint64_t number_, bool all)
{
	static __thread uint64_t elements[N];
	unsigned from = all ? 0 : 3, n = all ? N - 2 : N - 5;

	for (unsigned i = 0; i < n; i++)
		elements[i] = number_;
	EXPECT(fl_array_write(array, from, n, elements) == 0);
}

/* All that a write has written are the same; the first three come from the last one that wrote all. */
static void expect_whole(const fl_array *array)
{
	static __thread uint64_t elements[N];

	EXPECT(fl_array_read(array, 0, N, elements) == 0);
	EXPECT(elements[0] == elements[1] && elements[1] == elements[2] && elements[0] <= elements[3]);
	for (unsigned i = 4; i < N - 2; i++)
		EXPECT(elements[i] == elements[3]);
	EXPECT(elements[N - 2] == elements[N - 1]);
}

/* The numbers that are written only grow, since who writes has the array's own lock. */
static void write_and_add(fl_array *array)
{
	uint64_t last;

	fl_with (fl_array_lock(array)) {
		EXPECT(fl_array_get(array, 3, &last) == 0);
		write_them(array, last + 1, last % 3 != 0);
		EXPECT(fl_array_get(array, N - 1, &last) == 0);
		EXPECT(fl_array_write(array, N - 2, 2, (uint64_t[]){last + 1, last + 1}) == 0);
	}
}

static void use(unsigned index, void *array)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (index % 2 == 0)
			write_and_add(array);
		expect_whole(array);
	}
}

static void use_in_child(void *array)
{
	use(0, array);
}

static void expect_number(const fl_array *array, size_t index, uint64_t number_)
{
	uint64_t is;

	ck_assert_int_eq(fl_array_get(array, index, &is), 0);
	ck_assert_uint_eq(is, number_);
}

START_TEST(threads_see_all_of_it_or_nothing)
{
	static uint64_t memory[FL_ARRAY_SIZE(8, N) / 8];
	fl_array array;

	ck_assert_int_eq(fl_array_init(&array, &number_type, N, memory), 0);
	testing_together(4, use, _i ? &array : &numbers);
	expect_number(_i ? &array : &numbers, N - 1, 2 * ROUNDS);
}
END_TEST

START_TEST(processes_see_all_of_it_or_nothing)
{
	pid_t children[3];

	for (int i = 0; i < 3; i++)
		children[i] = process_start(use_in_child, &numbers);
	use(1, &numbers);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	expect_number(&numbers, N - 1, 3 * ROUNDS);
}
END_TEST

/* Each way of changing an element, beside writes of others; each is lost if another one's copy replaces it. */
static void count(unsigned index, void *arg)
{
	uint64_t before = 0;

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		EXPECT(fl_array_add(&numbers, N - 1, 1, NULL) == 0);
		while (fl_array_compare_exchange(&numbers, N - 2, &before, &(uint64_t){before + 1}) == 0)
			;
		if (i % 16 == 0)
			write_them(&numbers, index, false);
	}
}

static void count_in_child(void *arg)
{
	count(7, arg);
}

START_TEST(threads_lose_nothing)
{
	testing_together(4, count, NULL);
	expect_number(&numbers, N - 1, 4 * TIMES);
	expect_number(&numbers, N - 2, 4 * TIMES);
}
END_TEST

START_TEST(processes_lose_nothing)
{
	pid_t children[3];

	for (int i = 0; i < 3; i++)
		children[i] = process_start(count_in_child, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
	expect_number(&numbers, N - 1, 3 * TIMES);
	expect_number(&numbers, N - 2, 3 * TIMES);
}
END_TEST

static void write_without_end(void *arg)
{
	(void)arg;
	process_tell(&shared->ready);
	for (uint64_t i = 0;; i++) {
		EXPECT(fl_array_add(&numbers, i % N, 1, NULL) == 0);
		EXPECT(fl_array_set(&numbers, i % N, &i) == 0);
	}
}

/* Two write small things as fast as they can, while one reads all. */
START_TEST(a_reader_gets_on)
{
	pid_t children[2];
	uint64_t elements[N];

	for (int i = 0; i < 2; i++)
		children[i] = process_start(write_without_end, NULL);
	process_await(&shared->ready, 2);
	for (int i = 0; i < ROUNDS; i++)
		ck_assert_int_eq(fl_array_read(&numbers, 0, N, elements), 0);
	for (int i = 0; i < 2; i++)
		process_kill(children[i]);
	ck_assert_int_eq(fl_array_read(&numbers, 0, N, elements), 0);
	ck_assert_int_eq(fl_array_set(&numbers, 0, elements), 0);
}
END_TEST

/* One that is overtaken each time: it reads while nobody writes, and waits for who does. */
static int read_first(void *number_)
{
	return fl_array_get(&numbers, 0, number_);
}

START_TEST(a_reader_that_is_overtaken_waits_for_a_writer)
{
	struct fl_array_head *head = fl_array_head(&numbers);
	uint64_t number_ = 1;
	struct call call;

	head->begun = 2;
	ck_assert_int_eq(fl_lock_acquire(&head->writing), 0);
	sharing_wait_elsewhere(&call, read_first, &number_);
	fl_lock_release(&head->writing);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(number_, 0);
}
END_TEST

/* Deaths. */

static void hold_lock(void *arg)
{
	(void)arg;
	EXPECT(fl_rlock_acquire(fl_array_lock(&numbers)) == 0);
	EXPECT(fl_array_add(&numbers, 0, 1, NULL) == 0);
	process_stay();
}

START_TEST(who_dies_holding_its_lock_is_told)
{
	pid_t child = process_start_ready(hold_lock, NULL);

	ck_assert(!fl_rlock_acquire_try(fl_array_lock(&numbers)));
	ck_assert_int_eq(fl_array_add(&numbers, 0, 1, NULL), 0);
	process_kill(child);
	ck_assert_int_eq(fl_array_add(&numbers, 0, 1, NULL), 0);
	ck_assert_int_eq(fl_rlock_acquire(fl_array_lock(&numbers)), -EOWNERDEAD);
	ck_assert_int_eq(fl_rlock_mend(fl_array_lock(&numbers)), 0);
	fl_rlock_release(fl_array_lock(&numbers));
	ck_assert_int_eq(fl_rlock_acquire(fl_array_lock(&numbers)), 0);
	fl_rlock_release(fl_array_lock(&numbers));
	expect_number(&numbers, 0, 3);
}
END_TEST

/* In a child: is in the middle of a write, with half of the spare overwritten. */
static void write_half(void *arg)
{
	struct fl_array_head *head = fl_array_head(&numbers);

	(void)arg;
	EXPECT(fl_lock_acquire(&head->writing) == 0);
	fl_store_relaxed(&head->stale, (uint64_t)N);
	fl_store_relaxed(&head->begun, head->version + 1);
	memset(head->words + (head->version % 2 ? 0 : N), 0xff, sizeof(uint64_t) * N / 2);
	process_stay();
}

START_TEST(half_a_write_is_none)
{
	pid_t child;

	write_them(&numbers, 5, true);
	child = process_start_ready(write_half, NULL);
	expect_whole(&numbers);
	expect_number(&numbers, 9, 5);
	process_kill(child);
	expect_whole(&numbers);
	ck_assert_int_eq(fl_array_add(&numbers, N - 1, 1, NULL), 0);
	for (unsigned i = 0; i < N - 2; i++)
		expect_number(&numbers, i, 5);
	expect_number(&numbers, N - 1, 1);
	ck_assert(!fl_lock_locked(&fl_array_head(&numbers)->writing));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("array");
	TCase *alone = testing_case(suite, "alone"), *shared_ = testing_case(suite, "segment"),
	      *at_once = testing_case(suite, "at once"), *deaths = testing_case(suite, "deaths"),
	      *cases[] = {alone, shared_, at_once, deaths};

	for (int i = 0; i < 4; i++)
		tcase_add_checked_fixture(cases[i], set_up, sharing_tear_down);
	tcase_add_loop_test(alone, it_is_what_a_plain_one_would_be, 1, 41);
	tcase_add_test(alone, an_exchange_may_be_in_place);
	tcase_add_loop_test(alone, integers_are_added_to, 0, N_INTEGERS);
	tcase_add_test(alone, doubles_and_floats_are_added_to);
	tcase_add_test(alone, there_is_nothing_beyond_its_end);
	tcase_add_test(alone, what_cannot_be_is_refused);
	tcase_add_test(shared_, it_is_found_by_name);
	tcase_add_test(shared_, another_one_is_refused);
	tcase_add_test(shared_, who_only_looks_gets_none);
	tcase_add_test(shared_, a_damaged_one_harms_nobody);
	tcase_add_loop_test(at_once, threads_see_all_of_it_or_nothing, 0, 2);
	tcase_add_test(at_once, processes_see_all_of_it_or_nothing);
	tcase_add_test(at_once, threads_lose_nothing);
	tcase_add_test(at_once, processes_lose_nothing);
	tcase_add_test(at_once, a_reader_gets_on);
	tcase_add_test(at_once, a_reader_that_is_overtaken_waits_for_a_writer);
	tcase_add_test(deaths, who_dies_holding_its_lock_is_told);
	tcase_add_test(deaths, half_a_write_is_none);
	return testing_run(suite);
}
