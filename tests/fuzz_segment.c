/*
 * fuzz_segment.c - the part `segment`: a segment that another process has written nonsense to, and all calls of
 * fairlead/segment.h on it, those of fairlead/state.h, and those of a lock, an array and a value in it.
 *
 * Whatever is in it, a call returns what it may return, in a time that is bounded, and gives pointers into the
 * segment's memory only. The memory behind the end of the file cannot be touched, so to go too far is a crash.
 */
#include "fuzz.h"

#include "shm/array.h"
#include "shm/segment.h"
#include <errno.h>
#include <fairlead/segment.h>
#include <fairlead/shared_queue.h>
#include <fairlead/state.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS 16u
#define OBJECTS 8u
#define MOST_BLOCKS 64u
#define ELEMENTS 100u

static const fl_segment_type shelf_type = {"shelf", 1, 0, WORDS * sizeof(uint64_t)};
static const fl_segment_type thing_type = {"thing", 3, 0, 200};
static const fl_segment_type element_type = FL_SEGMENT_TYPE(uint32_t, 1);

static struct {
	fl_segment *segment, *looker;
	uint64_t *words;
	fl_lock *lock;
	fl_array array;
	fl_value_int64 *value;
	unsigned char *good; /* what was in it before: the head and the first pages of peers, then the heap */
	size_t size;
	uint64_t blocks[MOST_BLOCKS]; /* where they are */
	unsigned n_blocks;
} it;

static unsigned char *bytes(void)
{
	return (unsigned char *)it.segment->head;
}

#define FRONT (FL_PEERS_AT + 2 * FL_PEER_SIZE)

/* Without the pages of peers that have no memory. */
static void keep_it(void)
{
	memcpy(it.good, bytes(), FRONT);
	memcpy(it.good + FRONT, bytes() + FL_HEAP_AT, it.size - FL_HEAP_AT);
}

static void put_it_back(void)
{
	memcpy(bytes(), it.good, FRONT);
	memcpy(bytes() + FL_HEAP_AT, it.good + FRONT, it.size - FL_HEAP_AT);
}

static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof(name), "thing-%u", i);
	return name;
}

static void find_blocks(void)
{
	for (uint64_t at = FL_HEAP_AT; at < it.segment->head->size && it.n_blocks < MOST_BLOCKS;) {
		const struct fl_block *block = (const struct fl_block *)(bytes() + at);

		it.blocks[it.n_blocks++] = at;
		at += block->size_state / FL_GRAIN * FL_GRAIN;
	}
}

/* One of each kind that fl_segment_states knows. */
static void make_objects(void)
{
	fl_semaphore *semaphore;
	fl_condition *condition;
	fl_barrier *barrier;
	fl_rwlock *rwlock;
	fl_rlock *rlock;
	fl_event *event;
	fl_once *once;
	fl_shared_queue *queue;
	const fl_shared_queue_options small = {.kind = FL_QUEUE_PRIORITY, .item_size = 40, .limit = 5};

	FUZZ_EXPECT(fl_segment_lock(it.segment, "lock", &it.lock) == 1 &&
			    fl_segment_rlock(it.segment, "rlock", &rlock) == 1 &&
			    fl_segment_rwlock(it.segment, "rwlock", 5, &rwlock) == 1 &&
			    fl_segment_condition(it.segment, "condition", &condition) == 1 &&
			    fl_segment_semaphore(it.segment, "semaphore", 3, &semaphore) == 1 &&
			    fl_segment_semaphore_bounded(it.segment, "bounded", 3, &semaphore) == 1 &&
			    fl_segment_semaphore_holders(it.segment, "holders", 40, &semaphore) == 1 &&
			    fl_segment_event(it.segment, "event", &event) == 1 &&
			    fl_segment_barrier(it.segment, "barrier", 4, &barrier) == 1 &&
			    fl_segment_once(it.segment, "once", &once) == 1 &&
			    fl_segment_queue(it.segment, "queue", &small, &queue) == 1 &&
			    fl_shared_queue_put(queue, &small, sizeof(uint64_t)) == 0,
		    "%s", fl_segment_why());
}

static void open_part(void)
{
	const fl_segment_options look = {.flags = FL_SEGMENT_LOOK};
	const fl_segment_options options = {.size = 32768, .max_size = 262144};
	void *thing;

	memset(&it, 0, sizeof(it));
	FUZZ_EXPECT(fl_segment_open(&it.segment, NULL, &options) == 0, "%s", fl_segment_why());
	FUZZ_EXPECT(fl_segment_object(it.segment, "shelf", &shelf_type, NULL, NULL, (void **)&it.words) == 1, "%s",
		    fl_segment_why());
	for (unsigned i = 0; i < OBJECTS; i++)
		FUZZ_EXPECT(fl_segment_object(it.segment, name_of(i), &thing_type, NULL, NULL, &thing) == 1, "%s",
			    fl_segment_why());
	for (unsigned i = 0; i < WORDS; i++)
		FUZZ_EXPECT(fl_segment_alloc(it.segment, 64 + 100 * i, &it.words[i]) == 0, "%s", fl_segment_why());
	for (unsigned i = 0; i < WORDS; i += 3)
		FUZZ_EXPECT(fl_segment_free(it.segment, &it.words[i]) == 0, "%s", fl_segment_why());
	FUZZ_EXPECT(fl_segment_array(it.segment, "array", &element_type, ELEMENTS, &it.array) == 1, "%s",
		    fl_segment_why());
	FUZZ_EXPECT(fl_segment_value_int64(it.segment, "value", 0, &it.value) == 1, "%s", fl_segment_why());
	make_objects();
	FUZZ_EXPECT(fl_segment_adopt(&it.looker, fl_segment_fd(it.segment), &look) == 0, "%s", fl_segment_why());
	FUZZ_EXPECT(fl_lock_acquire(it.lock) == 0, "it cannot be acquired");
	fl_lock_release(it.lock);
	find_blocks();
	it.size = it.segment->head->size;
	it.good = malloc(it.size);
	FUZZ_EXPECT(it.good, "no memory");
	keep_it();
}

static void close_part(void)
{
	put_it_back();
	fl_segment_close(it.looker);
	fl_segment_close(it.segment);
	free(it.good);
}

/* A place that means something, mostly. */
static uint64_t some_place(void)
{
	uint64_t block = it.blocks[fuzz_below(it.n_blocks)];

	switch (fuzz_below(11)) {
	case 8:
		return (uint64_t)((unsigned char *)it.array.fl_memory - bytes()) + 8 * fuzz_below(16 + ELEMENTS);
	case 9:
		return (uint64_t)((unsigned char *)it.value - bytes()) + 8 * fuzz_below(4);
	case 10:
		return block + 8 * fuzz_below(40);
	case 6:
		return FL_PEERS_AT + 8 * fuzz_below(2 * FL_PEER_SIZE / 8);
	case 7:
		return (uint64_t)((unsigned char *)it.lock - bytes());
	case 0:
		return 8 * fuzz_below(sizeof(struct fl_segment_head) / 8);
	case 1:
		return 8 * fuzz_below(16);
	case 2:
		return FL_HEAP_AT + 8 * fuzz_below((it.size - FL_HEAP_AT) / 8);
	case 3:
		return (uint64_t)((unsigned char *)it.words - bytes()) + 8 * fuzz_below(WORDS);
	default:
		return block + 8 * fuzz_below(3);
	}
}

/* What a lock may hold, or a page of a peer. */
static uint32_t some_word(void)
{
	uint32_t number = (uint32_t)(fuzz_below(3) << FL_PEER_BITS | fuzz_below(3));

	return fuzz_once_in(4) ? (uint32_t)fuzz_below(UINT32_MAX) : number | (uint32_t)fuzz_below(8) << 29;
}

static uint64_t some_value(uint64_t before)
{
	switch (fuzz_below(10)) {
	case 0:
		return 0;
	case 1:
		return before ^ (UINT64_C(1) << fuzz_below(64));
	case 2:
		return before + 64 * fuzz_below(4) - 64;
	case 3:
		return it.blocks[fuzz_below(it.n_blocks)];
	case 4:
		return it.blocks[fuzz_below(it.n_blocks)] + FL_GRAIN;
	case 5:
		return (before & ~UINT64_C(63)) | fuzz_below(8);
	case 6:
		return UINT64_MAX - fuzz_below(130);
	case 7:
		return (before & ~UINT64_C(0xffffffff)) | some_word();
	case 8:
		return it.size - 64 * fuzz_below(3);
	default:
		return fuzz_below(UINT64_MAX);
	}
}

static void damage(void)
{
	put_it_back();
	for (uint64_t n = 1 + fuzz_below(5); n > 0; n--) {
		uint64_t *word = (uint64_t *)(bytes() + some_place());

		*word = some_value(*word);
	}
	if (fuzz_once_in(3))
		it.segment->head->changing = 1;
}

/* What must hold. */

static void expect_result(int result)
{
	FUZZ_EXPECT(result == 0 || result == 1 || result == -EPROTO || result == -ENOENT || result == -EINVAL ||
			    result == -ENOSPC || result == -EUSERS || result == -ENOMEM,
		    "%d: %s", result, fl_segment_why());
	FUZZ_EXPECT(result >= 0 || strlen(fl_segment_why()) > 5, "no reason for %d", result);
	fuzz_note((uint64_t)(int64_t)result);
}

static void expect_inside(const void *place, size_t size)
{
	uint64_t offset = (uint64_t)((const unsigned char *)place - bytes());

#ifdef FUZZ_PLANT
	size += fuzz_once_in(50) ? it.segment->size : 0;
#endif
	FUZZ_EXPECT(offset >= FL_HEAP_AT && offset + size <= it.segment->size, "%llu bytes at %llu of %llu",
		    (unsigned long long)size, (unsigned long long)offset, (unsigned long long)it.segment->size);
}

static int see_object(const fl_segment_object_info *info, void *arg)
{
	(void)arg;
	FUZZ_EXPECT(memchr(info->name, 0, sizeof(info->name)) && memchr(info->type, 0, sizeof(info->type)),
		    "a name has no end");
	fuzz_note(info->size);
	return 0;
}

static void see_threads(const fl_state_thread *threads, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		FUZZ_EXPECT(memchr(threads[i].name, 0, sizeof(threads[i].name)), "a name has no end");
		FUZZ_EXPECT(threads[i].role[0] != 0 && threads[i].waited >= -1, "%s", threads[i].role);
	}
}

static int see_state(const fl_state *state, void *arg)
{
	(void)arg;
	FUZZ_EXPECT(state->n_holders <= FL_SEMAPHORE_HOLDERS_MAX && state->n_waiters <= FL_SEGMENT_THREADS,
		    "%u holders, %u waiters", state->n_holders, state->n_waiters);
	see_threads(state->holders, state->n_holders);
	see_threads(state->waiters, state->n_waiters);
	fuzz_note(strlen(state->kind) + strlen(state->part) + strlen(state->state) + strlen(state->unit) +
		  strlen(state->counts));
	return see_object(&state->object, NULL);
}

static int see_process(const fl_segment_process_info *info, void *arg)
{
	(void)arg;
	FUZZ_EXPECT(memchr(info->name, 0, sizeof(info->name)), "a name has no end");
	return 0;
}

static void look_for(bool make)
{
	const char *name = name_of((unsigned)fuzz_below(2 * OBJECTS));
	void *thing = NULL;
	int result = make ? fl_segment_object(it.segment, name, &thing_type, NULL, NULL, &thing)
			  : fl_segment_find(it.segment, name, &thing_type, &thing);

	expect_result(result);
	if (result >= 0)
		expect_inside(thing, thing_type.size);
}

static void use_memory(uint64_t *word)
{
	size_t size = fuzz_size(300000);
	void *memory;

	expect_result(fl_segment_alloc(it.segment, size, word));
	memory = fl_segment_at(it.segment, *word, size);
	if (memory)
		expect_inside(memory, size);
	expect_result(fl_segment_free(it.segment, word));
}

static void attach(void)
{
	fl_segment *other;
	int result = fl_segment_adopt(&other, fl_segment_fd(it.segment), NULL);

	expect_result(result);
	if (result == 0)
		fl_segment_close(other);
}

static void use_lock(void)
{
	int result = fl_lock_acquire_until(it.lock, fuzz_once_in(4) ? fl_after(FL_US(20)) : 0, NULL);

	FUZZ_EXPECT(result == 0 || result == -EOWNERDEAD || result == -ENOTRECOVERABLE || result == -ETIMEDOUT ||
			    result == -EINVAL,
		    "%d", result);
	if (result == 0 || result == -EOWNERDEAD) {
		if (fuzz_once_in(2))
			fl_lock_mend(it.lock);
		fl_lock_release(it.lock);
	}
	fuzz_note((uint64_t)(int64_t)result);
}

/* A lock that somebody holds who lives is waited for. Here that one is this thread. */
static void free_lock(fl_lock *lock)
{
	int result = fl_lock_acquire_until(lock, 0, NULL);

	if (result == 0 || result == -EOWNERDEAD) {
		fl_lock_mend(lock);
		fl_lock_release(lock);
	} else if (result != -ENOTRECOVERABLE) {
		fl_lock_init_shared(lock);
	}
}

static void expect_array(int result, int right)
{
	FUZZ_EXPECT(result == right || result == -ENOTRECOVERABLE || result == -EINVAL, "%d", result);
	fuzz_note((uint64_t)(int64_t)result);
}

static void use_array(void)
{
	uint32_t elements[ELEMENTS + 1] = {0};
	size_t from = fuzz_below(ELEMENTS + 2), n = fuzz_below(ELEMENTS + 2);
	int one = from < ELEMENTS ? 0 : -ERANGE, result;

	free_lock(&fl_array_head(&it.array)->writing);
	elements[ELEMENTS] = 0x600d600d;
	switch (fuzz_below(5)) {
	case 0:
		expect_array(fl_array_read(&it.array, from, n, elements), from + n > ELEMENTS ? -ERANGE : 0);
		break;
	case 1:
		expect_array(fl_array_write(&it.array, from, n, elements), from + n > ELEMENTS ? -ERANGE : 0);
		break;
	case 2:
		expect_array(fl_array_add(&it.array, from, 3, NULL), one);
		break;
	case 3:
		result = fl_array_compare_exchange(&it.array, from, &elements[1], &elements[2]);
		expect_array(result == 1 ? 0 : result, one);
		break;
	default:
		expect_array(fl_array_exchange(&it.array, from, elements, elements), one);
	}
	FUZZ_EXPECT(elements[ELEMENTS] == 0x600d600d, "more than there is");
}

static void attach_array(void)
{
	fl_array array;
	fl_value_int64 *value = NULL;
	int result = fl_segment_array(it.segment, "array", &element_type, ELEMENTS, &array);

	expect_result(result);
	if (result >= 0)
		expect_inside(array.fl_memory, FL_ARRAY_SIZE(sizeof(uint32_t), ELEMENTS));
	result = fl_segment_value_int64(it.segment, "value", 0, &value);
	expect_result(result);
	if (result >= 0)
		expect_inside(value, sizeof(*value));
}

static void use_value(void)
{
	int64_t expected = fl_value_get(it.value);

	FUZZ_EXPECT(fl_value_add(it.value, 1) == expected, "it is another number");
	FUZZ_EXPECT(!fl_value_compare_exchange(it.value, &expected, 5), "it was not added to");
	fuzz_note((uint64_t)expected);
}

static void use(void)
{
	uint64_t *word = &it.words[fuzz_below(WORDS)];

	switch (fuzz_below(13)) {
	case 9:
		use_array();
		break;
	case 10:
		attach_array();
		break;
	case 11:
		use_value();
		break;
	case 12:
		expect_result(fl_segment_states(fuzz_once_in(2) ? it.looker : it.segment, see_state, NULL));
		break;
	case 7:
		use_lock();
		break;
	case 0:
		expect_result(fl_segment_objects(it.segment, see_object, NULL));
		break;
	case 1:
		expect_result(fl_segment_processes(it.segment, see_process, NULL));
		break;
	case 2:
		look_for(false);
		break;
	case 3:
		look_for(true);
		break;
	case 4:
		expect_result(fl_segment_delete(it.segment, name_of((unsigned)fuzz_below(OBJECTS))));
		break;
	case 5:
		use_memory(word);
		break;
	case 6:
		attach();
		break;
	default:
		expect_result(fl_segment_free(it.segment, word));
	}
}

static void one_round(void)
{
	damage();
	for (uint64_t n = 1 + fuzz_below(6); n > 0; n--)
		use();
}

const struct fuzz_part fuzz_segment = {"segment", open_part, one_round, close_part};
