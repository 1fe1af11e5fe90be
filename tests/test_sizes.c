/*
 * test_sizes.c - what users embed keeps its size, and all-zero memory is a valid object.
 *
 * Programs are compiled with these sizes; changing one breaks them all without a word. So they stand here as numbers,
 * not as what the headers happen to say. An object whose initialiser is all zeros must work in calloc'ed memory and
 * in a static variable too.
 */
#include "testing.h"

#include "frame/message.h"
#include "frame/pins.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(fl_time) == 8, "a time is 64 bits");
_Static_assert(sizeof(fl_lock) == 8, "a lock is 8 bytes");
_Static_assert(sizeof(fl_rlock) == 16, "an rlock is 16 bytes");
_Static_assert(sizeof(fl_rwlock) == 16, "an rwlock is 16 bytes");
_Static_assert(sizeof(fl_event) == 16, "an event is 16 bytes");
_Static_assert(sizeof(fl_semaphore) == 16, "a semaphore is 16 bytes");
_Static_assert(sizeof(fl_once) == 8, "a once is 8 bytes");
_Static_assert(sizeof(fl_condition) == 48, "a condition is 48 bytes");
_Static_assert(sizeof(fl_barrier) == 48, "a barrier is 48 bytes");
_Static_assert(sizeof(fl_value_int64) == 32 && sizeof(fl_value_uint64) == 32 && sizeof(fl_value_double) == 32,
	       "a value is 32 bytes");
_Static_assert(sizeof(fl_array) == 64 && FL_ARRAY_SIZE(8, 3) == 256, "an array's handle, and its memory");
_Static_assert(sizeof(fl_note) == 64, "a note is 64 bytes");
_Static_assert(sizeof(fl_frame_info) == 72, "a frame's description is 72 bytes");
_Static_assert(sizeof(fl_frame) == 128, "a frame is 128 bytes");
_Static_assert(sizeof(fl_processor) == 80, "a processor is 80 bytes");
_Static_assert(sizeof(fl_processor_host) == 24, "what a processor is offered is 24 bytes");
_Static_assert(sizeof(fl_process_options) == 56 && sizeof(fl_process_status) == 48,
	       "a process is started and told of so");
_Static_assert(sizeof(struct fl_frames_slot) == 88 && sizeof(struct fl_frames_head) == 128 &&
		       sizeof(struct fl_pins) == 2240 && sizeof(struct fl_frames_message) == 80,
	       "what processes share is as it was");
_Static_assert(_Alignof(fl_lock) == 4 && _Alignof(fl_rlock) == 4 && _Alignof(fl_rwlock) == 4,
	       "locks may be packed densely");
_Static_assert(_Alignof(fl_event) == 8 && _Alignof(fl_semaphore) == 4 && _Alignof(fl_once) == 4, "no more alignment");

static fl_lock lock;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_event event;
static fl_semaphore semaphore;
static fl_once once;
static fl_condition condition;
static fl_note note;

static const fl_lock lock_init = FL_LOCK_INIT;
static const fl_rlock rlock_init = FL_RLOCK_INIT;
static const fl_rwlock rwlock_init = FL_RWLOCK_INIT;
static const fl_event event_init = FL_EVENT_INIT;
static const fl_semaphore semaphore_init = FL_SEMAPHORE_INIT(0);
static const fl_once once_init = FL_ONCE_INIT;
static const fl_condition condition_init = FL_CONDITION_INIT;
static const fl_note note_init = FL_NOTE_INIT;

static const struct {
	const char *name;
	const void *initialised, *zero;
	size_t size;
} objects[] = {
	{"lock", &lock_init, &lock, sizeof(lock)},
	{"rlock", &rlock_init, &rlock, sizeof(rlock)},
	{"rwlock", &rwlock_init, &rwlock, sizeof(rwlock)},
	{"event", &event_init, &event, sizeof(event)},
	{"semaphore", &semaphore_init, &semaphore, sizeof(semaphore)},
	{"once", &once_init, &once, sizeof(once)},
	{"condition", &condition_init, &condition, sizeof(condition)},
	{"note", &note_init, &note, sizeof(note)},
};
#define N_OBJECTS ((int)(sizeof(objects) / sizeof(objects[0])))

START_TEST(the_static_initialiser_is_all_zero)
{
	ck_assert_msg(memcmp(objects[_i].initialised, objects[_i].zero, objects[_i].size) == 0, "%s", objects[_i].name);
}
END_TEST

/* What init leaves in memory that held something else. */
START_TEST(init_makes_the_same)
{
	union {
		unsigned char bytes[64];
		fl_lock lock;
		fl_rlock rlock;
		fl_rwlock rwlock;
		fl_event event;
		fl_semaphore semaphore;
		fl_condition condition;
		fl_note note;
	} memory;

#define CHECK(member, init) \
	do { \
		memset(memory.bytes, 0xa5, sizeof(memory.bytes)); \
		init; \
		ck_assert_msg(memcmp(memory.bytes, &member, sizeof(member)) == 0, "%s", #member); \
		ck_assert_msg(sizeof(member) == 64 || memory.bytes[sizeof(member)] == 0xa5, "%s: too much", #member); \
	} while (0)
	CHECK(lock, fl_lock_init(&memory.lock, NULL));
	CHECK(rlock, fl_rlock_init(&memory.rlock, NULL));
	CHECK(rwlock, fl_rwlock_init(&memory.rwlock, NULL));
	CHECK(event, fl_event_init(&memory.event, NULL));
	CHECK(semaphore, ck_assert_int_eq(fl_semaphore_init(&memory.semaphore, 0, NULL), 0));
	CHECK(condition, fl_condition_init(&memory.condition, NULL));
	CHECK(note, fl_note_init(&memory.note, NULL, FL_FOREVER));
#undef CHECK
}
END_TEST

static int count(void *n)
{
	++*(int *)n;
	return 0;
}

START_TEST(all_zero_works)
{
	int n = 0;

	ck_assert_int_eq(fl_lock_acquire(&lock), 0);
	fl_lock_release(&lock);
	ck_assert_int_eq(fl_rlock_acquire(&rlock), 0);
	fl_rlock_release(&rlock);
	ck_assert_int_eq(fl_rwlock_acquire_read(&rwlock), 0);
	fl_rwlock_release_read(&rwlock);
	ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), 0);
	fl_rwlock_release_write(&rwlock);
	ck_assert(!fl_event_is_set(&event));
	fl_event_set(&event);
	ck_assert_int_eq(fl_event_wait(&event), 0);
	ck_assert(!fl_semaphore_acquire_try(&semaphore));
	ck_assert_int_eq(fl_semaphore_release(&semaphore, FL_SEMAPHORE_MAX), 0);
	ck_assert_int_eq(fl_condition_acquire(&condition), 0);
	ck_assert_int_eq(fl_condition_wait_until(&condition, fl_after(1), NULL), -ETIMEDOUT);
	fl_condition_release(&condition);
	ck_assert_int_eq(fl_once_call(&once, count, &n), 0);
	ck_assert_int_eq(n, 1);
	ck_assert(!fl_note_is_cancelled(&note));
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_note_wait(&note), 0);
}
END_TEST

START_TEST(a_barrier_of_zeros_has_no_parties)
{
	fl_barrier *barrier = calloc(1, sizeof(*barrier));

	ck_assert_int_eq(fl_barrier_wait(barrier), -EINVAL);
	ck_assert_uint_eq(fl_barrier_parties(barrier), 0);
	free(barrier);
}
END_TEST

START_TEST(parameters_are_where_init_puts_them)
{
	static const fl_semaphore bounded = FL_BOUNDED_SEMAPHORE_INIT(3), plain = FL_SEMAPHORE_INIT(3);
	static const fl_barrier barrier = FL_BARRIER_INIT(4, count, &lock);
	fl_lock some_lock = FL_LOCK_INIT;
	fl_rlock some_rlock = FL_RLOCK_INIT;
	const fl_condition over_lock = FL_CONDITION_OVER_LOCK(&some_lock),
			   over_rlock = FL_CONDITION_OVER_RLOCK(&some_rlock);
	fl_semaphore semaphore_made;
	fl_barrier barrier_made;
	fl_condition condition_made;

	ck_assert_int_eq(fl_semaphore_init_bounded(&semaphore_made, 3, NULL), 0);
	ck_assert_mem_eq(&semaphore_made, &bounded, sizeof(bounded));
	ck_assert_int_eq(fl_semaphore_init(&semaphore_made, 3, NULL), 0);
	ck_assert_mem_eq(&semaphore_made, &plain, sizeof(plain));
	ck_assert_int_eq(fl_barrier_init(&barrier_made, 4, count, &lock, NULL), 0);
	ck_assert_mem_eq(&barrier_made, &barrier, sizeof(barrier));
	fl_condition_init_lock(&condition_made, &some_lock, NULL);
	ck_assert_mem_eq(&condition_made, &over_lock, sizeof(over_lock));
	fl_condition_init_rlock(&condition_made, &some_rlock, NULL);
	ck_assert_mem_eq(&condition_made, &over_rlock, sizeof(over_rlock));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sizes");
	TCase *zero = testing_case(suite, "zero");

	tcase_add_loop_test(zero, the_static_initialiser_is_all_zero, 0, N_OBJECTS);
	tcase_add_test(zero, init_makes_the_same);
	tcase_add_test(zero, all_zero_works);
	tcase_add_test(zero, a_barrier_of_zeros_has_no_parties);
	tcase_add_test(zero, parameters_are_where_init_puts_them);
	return testing_run(suite);
}
