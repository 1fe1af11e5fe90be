/*
 * test_segment_hostile.c - another process changes a figure in a segment at the very moment at which it is read.
 *
 * Each test has a process that has one word be one number and then another one, as fast as it can: one that is right,
 * and one that is refused. Whoever looks at the word twice meets both, sooner or later.
 */
#define _GNU_SOURCE
#include "processes.h"
#include "segments.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

#include "shm/segment.h"
#include "shm/shared_queue.h"

#define ROUNDS 100000u
#define HUGE_SIZE ((uint64_t)1 << 30)
#define OUTSIDE ((uint64_t)1 << 46) /* from any address that there is, it is none */

static fl_segment *segment;
static uint64_t *words;

/* What is changed. `beside` is written to, for the loads of others in between to take their time. */
struct flip {
	uint64_t *word, *beside;
	uint64_t right, wrong;
};

static void flip_for_ever(void *arg)
{
	const struct flip *flip = arg;

	process_tell(&shared->ready);
	for (uint64_t n = 0;; n++) {
		fl_store_relaxed(flip->word, flip->right);
		fl_store_relaxed(flip->beside, n);
		fl_store_relaxed(flip->word, flip->wrong);
		fl_store_relaxed(flip->beside, n);
	}
}

static pid_t start_flipping(struct flip *flip)
{
	pid_t child = process_start(flip_for_ever, flip);

	process_await(&shared->ready, 1);
	return child;
}

static void set_up(void)
{
	static const fl_segment_type type = {"words", 1, 0, 64 * sizeof(uint64_t)};

	processes_set_up();
	segments_set_up();
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_object(segment, "words", &type, NULL, NULL, (void **)&words), 1);
}

static void tear_down(void)
{
	fl_segment_close(segment);
	processes_tear_down();
}

static void *at(uint64_t offset)
{
	return (char *)segment->head + offset;
}

static int see_nothing(const fl_segment_object_info *info, void *arg)
{
	(void)info, (void)arg;
	return 0;
}

/* A block that is about to be free, and the word that it names. The word is written to if it leads to the block. */
START_TEST(a_word_that_a_block_names_is_within_the_segment)
{
	struct fl_block *block;
	struct flip flip;
	uint64_t content;
	pid_t child;

	ck_assert_int_eq(fl_segment_alloc(segment, 64, &words[0]), 0);
	ck_assert_int_eq(fl_segment_alloc(segment, 64, &words[1]), 0);
	content = words[0];
	block = (struct fl_block *)at(content) - 1;
	flip = (struct flip){&block->where, &words[2], block->where, OUTSIDE};
	child = start_flipping(&flip);
	for (unsigned i = 0; i < ROUNDS / 5; i++) {
		fl_store_relaxed(&words[0], content);
		fl_store_relaxed(&block->size_state, (uint64_t)2 * FL_GRAIN | FL_BLOCK_GIVING);
		fl_store_relaxed(&segment->head->changing, 1);
		ck_assert_int_eq(fl_segment_objects(segment, see_nothing, NULL), 0);
	}
	process_kill(child);
}
END_TEST

/* Where the heap ends, for one who has it grow. There is no memory behind that until it has. */
START_TEST(the_end_of_the_heap_is_one_for_a_whole_change)
{
	uint64_t end = segment->head->size;
	struct flip flip = {&segment->head->size, &segment->head->spare[0], end, FL_HEAP_AT + FL_GRAIN};
	pid_t child = start_flipping(&flip);

	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		int result;

		ck_assert_int_eq(ftruncate(fl_segment_fd(segment), (off_t)end), 0);
		segment->size = end;
		memset(segment->head->free, 0, sizeof(segment->head->free));
		fl_store_relaxed(&segment->head->changing, 0);
		words[0] = 0;
		result = fl_segment_alloc(segment, 64, &words[0]);
		ck_assert(result == 0 || result == -EPROTO);
	}
	process_kill(child);
	segment->head->size = end;
}
END_TEST

static struct fl_object *object_of(void *content)
{
	return (struct fl_object *)content - 1;
}

/* What is behind the end of its name, which is read between its size and its size. */
static uint64_t *behind_name(struct fl_object *object)
{
	return (uint64_t *)(void *)object->name + FL_SEGMENT_NAME / sizeof(uint64_t) - 1;
}

/* An object that says that it is as large as who looks for it thinks, and is not. */
START_TEST(an_object_has_the_size_that_was_checked)
{
	static const fl_segment_type huge = {"uint64_t", 1, 0, HUGE_SIZE};
	struct flip flip = {.right = sizeof(uint64_t), .wrong = HUGE_SIZE};
	uint64_t *number;
	void *found;
	pid_t child;

	ck_assert_int_eq(segments_number(segment, "n", &number), 1);
	flip.word = &object_of(number)->size;
	flip.beside = behind_name(object_of(number));
	child = start_flipping(&flip);
	for (unsigned i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(fl_segment_find(segment, "n", &huge, &found), -EPROTO);
		ck_assert_int_eq(fl_segment_object(segment, "n", &huge, NULL, NULL, &found), -EPROTO);
	}
	process_kill(child);
}
END_TEST

/* The same of a queue, whose own figures say that, too. */
START_TEST(a_queue_has_the_size_that_was_checked)
{
	static const fl_shared_queue_options options = {.item_size = 64, .limit = 4};
	struct flip flip;
	fl_shared_queue *queue, *found;
	pid_t child;

	ck_assert_int_eq(fl_segment_queue(segment, "orders", &options, &queue), 1);
	queue->limit = 100000;
	flip = (struct flip){.word = &object_of(queue)->size,
			     .beside = behind_name(object_of(queue)),
			     .right = object_of(queue)->size,
			     .wrong = fl_shared_queue_bytes_(queue->kind, queue->limit, queue->item_size)};
	ck_assert_uint_ne(flip.wrong, 0);
	child = start_flipping(&flip);
	for (unsigned i = 0; i < ROUNDS; i++)
		ck_assert_int_eq(fl_segment_queue(segment, "orders", NULL, &found), -EPROTO);
	process_kill(child);
}
END_TEST

static Suite *hostile_suite(void)
{
	Suite *suite = suite_create("segment_hostile");
	TCase *figures = testing_case_between(suite, "figures", set_up, tear_down);

	tcase_add_test(figures, a_word_that_a_block_names_is_within_the_segment);
	tcase_add_test(figures, the_end_of_the_heap_is_one_for_a_whole_change);
	tcase_add_test(figures, an_object_has_the_size_that_was_checked);
	tcase_add_test(figures, a_queue_has_the_size_that_was_checked);
	return suite;
}

int main(void)
{
	return testing_run(hostile_suite());
}
