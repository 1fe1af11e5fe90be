/*
 * test_segment_heap.c - what is in a segment: objects, memory, growth; and processes that die while they change it.
 */
#define _GNU_SOURCE
#include "processes.h"
#include "segments.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>

#include "shm/segment.h"

#define WORDS 64u

/* A process is killed once in so many instructions. What a kill costs grows with those before it, and sanitized code
 * has five times as many. */
#ifdef TESTING_SANITIZED
#define STRIDE 61u
#else
#define STRIDE 3u
#endif

/* An object whose words lead to memory. */
struct shelf {
	uint64_t words[WORDS];
};

static const fl_segment_type shelf_type = FL_SEGMENT_TYPE(struct shelf, 1);
static fl_segment *segment;
static struct shelf *shelf;

static void set_up(void)
{
	processes_set_up();
	segments_set_up();
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_object(segment, "shelf", &shelf_type, NULL, NULL, (void **)&shelf), 1);
}

static void tear_down(void)
{
	fl_segment_close(segment);
	processes_tear_down();
}

/* What the blocks say, one behind the other. */
struct census {
	unsigned used, named, free, other;
	uint64_t free_bytes;
};

static struct census census(void)
{
	struct census all = {0};
	uint64_t end = segment->head->size, offset = FL_HEAP_AT;

	while (offset < end) {
		const struct fl_block *block = (const struct fl_block *)((const char *)segment->head + offset);
		uint64_t size = block->size_state / FL_GRAIN * FL_GRAIN, state = block->size_state & FL_BLOCK_STATE;

		ck_assert_uint_ge(size, FL_GRAIN);
		all.named += (block->size_state & FL_BLOCK_NAMED) != 0;
		all.used += state == FL_BLOCK_USED;
		all.free += state == FL_BLOCK_FREE;
		all.other += state == FL_BLOCK_TAKING || state == FL_BLOCK_GIVING;
		all.free_bytes += state == FL_BLOCK_FREE ? size : 0;
		offset += size;
	}
	ck_assert_uint_eq(offset, end);
	return all;
}

static unsigned words_set(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i++)
		n += shelf->words[i] != 0;
	return n;
}

static int count_object(const fl_segment_object_info *info, void *arg)
{
	(void)info;
	++*(unsigned *)arg;
	return 0;
}

/* All that is used has somebody who knows of it, and all that somebody knows of is used. Mends first. */
static void expect_sound(void)
{
	unsigned objects = 0;
	struct census all;

	ck_assert_int_eq(fl_segment_objects(segment, count_object, &objects), 0);
	ck_assert_uint_eq(segment->head->changing, 0);
	all = census();
	ck_assert_uint_eq(all.other, 0);
	ck_assert_uint_eq(all.named, objects);
	ck_assert_uint_eq(all.used, objects + words_set());
}

/* Objects. */

START_TEST(an_object_is_found_by_name_and_type)
{
	struct shelf *again;
	fl_segment_type type = shelf_type;

	ck_assert_int_eq(fl_segment_object(segment, "shelf", &type, NULL, NULL, (void **)&again), 0);
	ck_assert_ptr_eq(again, shelf);
	ck_assert_int_eq(fl_segment_find(segment, "shelf", &type, (void **)&again), 0);
	ck_assert_int_eq(fl_segment_find(segment, "none", &type, (void **)&again), -ENOENT);
	ck_assert_uint_eq((uintptr_t)shelf % 64, 0);
}
END_TEST

START_TEST(another_type_version_or_size_is_refused_and_both_are_said)
{
	static const fl_segment_type types[] = {
		{"struct table", 1, 0, sizeof(struct shelf)},
		{"struct shelf", 2, 0, sizeof(struct shelf)},
		{"struct shelf", 1, 0, 8},
	};
	void *object = &object;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ck_assert_int_eq(fl_segment_object(segment, "shelf", &types[i], NULL, NULL, &object), -EPROTO);
		ck_assert_ptr_nonnull(strstr(fl_segment_why(), "a 'struct shelf' version 1 of 512 bytes"));
		ck_assert_ptr_nonnull(strstr(fl_segment_why(), types[i].name));
	}
	ck_assert_ptr_eq(object, &object);
}
END_TEST

START_TEST(names_and_types_are_checked)
{
	static const fl_segment_type none = {"", 1, 0, 8}, empty = {"t", 1, 0, 0}, huge = {"t", 1, 0, SIZE_MAX};
	fl_segment_type longest = {"a name of a type that is longer than forty-seven bytes", 1, 0, 8};
	void *object;

	ck_assert_int_eq(fl_segment_object(segment, "a b", &shelf_type, NULL, NULL, &object), -EINVAL);
	ck_assert_int_eq(fl_segment_object(segment, "a", &none, NULL, NULL, &object), -EINVAL);
	ck_assert_int_eq(fl_segment_object(segment, "a", &empty, NULL, NULL, &object), -EINVAL);
	ck_assert_int_eq(fl_segment_object(segment, "a", &longest, NULL, NULL, &object), -EINVAL);
	ck_assert_int_eq(fl_segment_object(segment, "a", &huge, NULL, NULL, &object), -ENOSPC);
	expect_sound();
}
END_TEST

static int refuse(void *object, void *arg)
{
	*(uint64_t *)object = 1;
	return *(int *)arg;
}

START_TEST(one_that_cannot_be_initialised_is_not_there)
{
	int error = -EIO;
	void *object;

	ck_assert_int_eq(fl_segment_object(segment, "n", &shelf_type, refuse, &error, &object), -EIO);
	ck_assert_int_eq(fl_segment_find(segment, "n", &shelf_type, &object), -ENOENT);
	expect_sound();
	ck_assert_int_eq(fl_segment_object(segment, "n", &shelf_type, NULL, NULL, &object), 1);
	ck_assert_uint_eq(*(uint64_t *)object, 0);
}
END_TEST

START_TEST(many_objects_are_made_found_listed_and_deleted)
{
	unsigned n = 0;
	uint64_t *number;
	char name[16];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(segments_number(segment, name, &number), 1);
		*number = i;
	}
	for (unsigned i = 0; i < 3000; i += 2) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(fl_segment_delete(segment, name), 0);
		ck_assert_int_eq(fl_segment_delete(segment, name), -ENOENT);
	}
	for (unsigned i = 1; i < 3000; i += 2) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(segments_number(segment, name, &number), 0);
		ck_assert_uint_eq(*number, i);
	}
	ck_assert_int_eq(fl_segment_objects(segment, count_object, &n), 0);
	ck_assert_uint_eq(n, 1501);
	expect_sound();
}
END_TEST

/* Memory. */

START_TEST(memory_and_its_word_are_one)
{
	char *memory;

	ck_assert_int_eq(fl_segment_alloc(segment, 100, &shelf->words[0]), 0);
	memory = fl_segment_at(segment, shelf->words[0], 100);
	ck_assert_ptr_nonnull(memory);
	ck_assert_uint_eq((uintptr_t)memory % 64, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(memory[i], 0);
	memset(memory, 1, 100);
	ck_assert_int_eq(fl_segment_alloc(segment, 100, &shelf->words[0]), -EINVAL);
	expect_sound();
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[0]), 0);
	ck_assert_uint_eq(shelf->words[0], 0);
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[0]), 0);
	expect_sound();
}
END_TEST

START_TEST(wrong_words_are_refused)
{
	uint64_t outside = 0;

	ck_assert_int_eq(fl_segment_alloc(segment, 8, &outside), -EINVAL);
	ck_assert_int_eq(fl_segment_alloc(segment, 0, &shelf->words[0]), -EINVAL);
	ck_assert_int_eq(fl_segment_alloc(segment, 8, (uint64_t *)((char *)shelf + 4)), -EINVAL);
	ck_assert_int_eq(fl_segment_alloc(segment, SIZE_MAX, &shelf->words[0]), -ENOSPC);
	ck_assert_int_eq(fl_segment_free(segment, &outside), -EINVAL);
	ck_assert_int_eq(fl_segment_alloc(segment, 8, &shelf->words[0]), 0);
	shelf->words[1] = shelf->words[0];
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[1]), -EINVAL);
	shelf->words[1] = 12345;
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[1]), -EINVAL);
	shelf->words[1] = UINT64_MAX;
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[1]), -EINVAL);
	shelf->words[1] = fl_segment_offset(segment, shelf);
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[1]), -EINVAL);
	shelf->words[1] = 0;
	expect_sound();
}
END_TEST

START_TEST(offsets_are_checked)
{
	uint64_t end = segment->head->size;

	ck_assert_ptr_null(fl_segment_at(segment, 0, 1));
	ck_assert_ptr_null(fl_segment_at(segment, end - 4, 8));
	ck_assert_ptr_null(fl_segment_at(segment, UINT64_MAX, 1));
	ck_assert_ptr_null(fl_segment_at(segment, end - 8, SIZE_MAX));
	ck_assert_ptr_nonnull(fl_segment_at(segment, end - 8, 8));
	ck_assert_uint_eq(fl_segment_offset(segment, &end), 0);
}
END_TEST

/* Freed memory is joined and used again: the segment does not grow for ever. */
START_TEST(what_is_freed_is_used_again)
{
	size_t size;

	for (unsigned i = 0; i < WORDS; i++)
		ck_assert_int_eq(fl_segment_alloc(segment, 10000, &shelf->words[i]), 0);
	for (unsigned i = 0; i < WORDS; i++)
		ck_assert_int_eq(fl_segment_free(segment, &shelf->words[i]), 0);
	size = fl_segment_size(segment);
	for (unsigned round = 0; round < 50; round++) {
		ck_assert_int_eq(fl_segment_alloc(segment, 300000 + 1000 * round, &shelf->words[0]), 0);
		ck_assert_int_eq(fl_segment_alloc(segment, 100, &shelf->words[1 + round]), 0);
		ck_assert_int_eq(fl_segment_free(segment, &shelf->words[0]), 0);
	}
	ck_assert_uint_eq(fl_segment_size(segment), size);
	expect_sound();
}
END_TEST

/* Growing. */

START_TEST(it_grows_for_all_and_nothing_moves)
{
	fl_segment *other;
	char *theirs;

	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_alloc(segment, (size_t)30 << 20, &shelf->words[0]), 0);
	theirs = fl_segment_at(other, shelf->words[0], (size_t)30 << 20);
	ck_assert_ptr_nonnull(theirs);
	((char *)fl_segment_at(segment, shelf->words[0], 1))[0] = 5;
	ck_assert_int_eq(theirs[0], 5);
	ck_assert_uint_ge(fl_segment_size(other), (size_t)30 << 20);
	fl_segment_close(other);
}
END_TEST

START_TEST(it_does_not_grow_beyond_its_limit)
{
	const fl_segment_options options = {.max_size = (size_t)2 << 20};
	fl_segment *small;
	struct shelf *words;
	size_t size;
	unsigned n = 0;

	ck_assert_int_eq(fl_segment_open(&small, NULL, &options), 0);
	ck_assert_int_eq(fl_segment_object(small, "shelf", &shelf_type, NULL, NULL, (void **)&words), 1);
	ck_assert_int_eq(fl_segment_alloc(small, (size_t)3 << 20, &words->words[0]), -ENOSPC);
	while (fl_segment_alloc(small, 100000, &words->words[n]) == 0)
		n++;
	ck_assert_uint_ge(n, 18);
	size = fl_segment_size(small);
	ck_assert_uint_le(size, (size_t)2 << 20);
	while (n-- > 0)
		ck_assert_int_eq(fl_segment_free(small, &words->words[n]), 0);
	ck_assert_int_eq(fl_segment_alloc(small, 1500000, &words->words[0]), 0);
	fl_segment_close(small);
}
END_TEST

/* Dying in the middle. */

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Changes things for ever; what it does is right whatever it finds. */
static void change_things(void *seed)
{
	uint32_t random = *(uint32_t *)seed;
	uint64_t *number;
	char name[16];

	process_tell(&shared->ready);
	for (;;) {
		unsigned i = random_next(&random) % WORDS;
		size_t size = 1 + random_next(&random) % 20000;
		int error = 0;

		snprintf(name, sizeof(name), "n%u", i);
		switch (random_next(&random) % 4) {
		case 0:
			error = segments_number(segment, name, &number);
			EXPECT(error >= 0);
			break;
		case 1:
			error = fl_segment_delete(segment, name);
			EXPECT(error == 0 || error == -ENOENT);
			break;
		case 2:
			error = fl_segment_alloc(segment, size, &shelf->words[i]);
			EXPECT(error == 0 || error == -EINVAL);
			break;
		default:
			EXPECT(fl_segment_free(segment, &shelf->words[i]) == 0);
		}
	}
}

static void pause_ns(long ns)
{
	struct timespec duration = {.tv_nsec = ns};

	nanosleep(&duration, NULL);
}

/* Two change things; one after the other is killed, and another one takes the place. */
START_TEST(kills_leave_it_sound)
{
	uint32_t random = 1;
	pid_t children[2] = {process_start(change_things, &random), process_start(change_things, &random)};

	for (uint32_t kills = 0; kills < 200; kills++) {
		pid_t *child = &children[kills % 2];

		process_await(&shared->ready, kills + 2);
		pause_ns((long)(random_next(&random) % 2000000));
		process_kill(*child);
		*child = process_start(change_things, &random);
	}
	process_kill(children[0]);
	process_kill(children[1]);
	expect_sound();
}
END_TEST

/* Each instruction of a change in turn is the last one. */

static void alloc_one(void)
{
	EXPECT(fl_segment_alloc(segment, 200, &shelf->words[1]) == 0);
}

static void free_one(void)
{
	EXPECT(fl_segment_free(segment, &shelf->words[0]) == 0);
}

static void make_one(void)
{
	uint64_t *number;

	EXPECT(segments_number(segment, "made", &number) == 1);
}

static void delete_one(void)
{
	EXPECT(fl_segment_delete(segment, "doomed") == 0);
}

static void (*changes[])(void) = {alloc_one, free_one, make_one, delete_one};

static void change_traced(void *change)
{
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	EXPECT(fl_segment_find(segment, "shelf", &shelf_type, (void **)&shelf) == 0);
	EXPECT(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	raise(SIGSTOP);
	(*(void (**)(void))change)();
	raise(SIGSTOP);
}

static void put_back(void)
{
	uint64_t *number;

	if (shelf->words[0] == 0)
		ck_assert_int_eq(fl_segment_alloc(segment, 200, &shelf->words[0]), 0);
	ck_assert_int_eq(fl_segment_free(segment, &shelf->words[1]), 0);
	ck_assert_int_ge(segments_number(segment, "doomed", &number), 0);
	if (fl_segment_delete(segment, "made") != 0)
		ck_assert_ptr_nonnull(strstr(fl_segment_why(), "no object"));
}

/* Returns whether the change had been done before that instruction. */
static bool kill_after(unsigned steps, void (**change)(void))
{
	pid_t child = process_start(change_traced, change);
	int status;
	bool stopped = true;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSTOPPED(status));
	while (steps-- > 0 && stopped) {
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		stopped = WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
	}
	process_kill(child);
	return !stopped;
}

START_TEST(any_instruction_may_be_the_last)
{
	unsigned steps = 0;

	put_back();
	while (!kill_after(steps, &changes[_i])) {
		expect_sound();
		put_back();
		steps += STRIDE;
	}
	ck_assert_uint_gt(steps, 100);
	printf("# %u instructions\n", steps);
}
END_TEST

static Suite *heap_suite(void)
{
	Suite *suite = suite_create("segment_heap");
	TCase *objects = testing_case_between(suite, "objects", set_up, tear_down);
	TCase *memory = testing_case_between(suite, "memory", set_up, tear_down);
	TCase *dying = testing_case_between(suite, "dying", set_up, tear_down);

	tcase_add_test(objects, an_object_is_found_by_name_and_type);
	tcase_add_test(objects, another_type_version_or_size_is_refused_and_both_are_said);
	tcase_add_test(objects, names_and_types_are_checked);
	tcase_add_test(objects, one_that_cannot_be_initialised_is_not_there);
	tcase_add_test(objects, many_objects_are_made_found_listed_and_deleted);
	tcase_add_test(memory, memory_and_its_word_are_one);
	tcase_add_test(memory, wrong_words_are_refused);
	tcase_add_test(memory, offsets_are_checked);
	tcase_add_test(memory, what_is_freed_is_used_again);
	tcase_add_test(memory, it_grows_for_all_and_nothing_moves);
	tcase_add_test(memory, it_does_not_grow_beyond_its_limit);
	tcase_add_test(dying, kills_leave_it_sound);
	tcase_add_loop_test(dying, any_instruction_may_be_the_last, 0, 4);
	return suite;
}

int main(void)
{
	return testing_run(heap_suite());
}
