/*
 * test_signal.c - signals must not matter: no call fails or returns early, and handlers may set events and release
 * semaphores.
 *
 * Every thread of a test gets a signal each 50 us, without SA_RESTART, while it uses a primitive in a way whose result
 * is known. (tests/test_signal_steps.c interrupts calls at every instruction.)
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fairlead/thread.h>
#include <fairlead/timer.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define INTERVAL 50000
#define ROUNDS 3000
#define A_LONG_TIME fl_after(FL_SECONDS(1000))

static unsigned long n_signals;
static void (*act)(void); /* what the handler does besides */

static void handle(int signal)
{
	(void)signal;
	__atomic_fetch_add(&n_signals, 1, __ATOMIC_RELAXED);
	if (act)
		act();
}

/* Returns what the call returned, and makes sure that it left errno alone. */
#define CALL(call) \
	__extension__({ \
		errno = 4711; \
		int result_ = (call); \
		ck_assert_int_eq(errno, 4711); \
		result_; \
	})
#define DO(call) CALL(((call), 0))
#define SUCCEED(call) ck_assert_int_eq(CALL(call), 0)

struct storm {
	void (*body)(unsigned index);
};

static void in_storm(unsigned index, void *storm_)
{
	const struct storm *storm = storm_;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec times = {{0, INTERVAL}, {0, INTERVAL}};
	timer_t timer;

	event.sigev_notify_thread_id = gettid();
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &times, NULL), 0);
	storm->body(index);
	ck_assert_int_eq(timer_delete(timer), 0);
}

static void storm_over(unsigned n, void (*body)(unsigned index))
{
	const struct sigaction action = {.sa_handler = handle};
	struct storm storm = {body};

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	testing_together(n, in_storm, &storm);
	ck_assert_uint_gt(n_signals, 0);
}

/* What is used. Each leaves `counter`, which is no atomic, at a known value. */

static fl_lock lock, second_lock;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_condition condition;
static fl_semaphore semaphores[2], seats = FL_SEMAPHORE_INIT(1);
static fl_event events[2];
static fl_barrier barrier = FL_BARRIER_INIT(3, NULL, NULL);
static unsigned counter, turn;

static void use_lock(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if ((i + index) % 3 == 0)
			SUCCEED(fl_lock_acquire_until(&lock, A_LONG_TIME, NULL));
		else
			SUCCEED(fl_lock_acquire(&lock));
		counter++;
		DO(fl_lock_release(&lock));
	}
}

static void use_rlock(unsigned index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(fl_rlock_acquire(&rlock));
		SUCCEED(fl_rlock_acquire(&rlock));
		counter++;
		DO(fl_rlock_release(&rlock));
		DO(fl_rlock_release(&rlock));
	}
}

static void use_rwlock(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(fl_rwlock_acquire_write(&rwlock));
		counter++;
		DO(fl_rwlock_release_write(&rwlock));
		SUCCEED(fl_rwlock_acquire_read_until(&rwlock, A_LONG_TIME, NULL));
		ck_assert_uint_ge(counter, i + index / 4);
		DO(fl_rwlock_release_read(&rwlock));
	}
}

static void use_lock_all(unsigned index)
{
	fl_lock *both[2] = {index % 2 ? &lock : &second_lock, index % 2 ? &second_lock : &lock};

	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(fl_lock_all(2, both, FL_FOREVER));
		counter++;
		DO(fl_lock_all_release(2, both));
	}
}

/* Takes turns. */
static void use_condition(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(fl_condition_acquire(&condition));
		while (turn % 3 != index)
			SUCCEED(i % 2 ? fl_condition_wait(&condition)
				      : fl_condition_wait_until(&condition, A_LONG_TIME, NULL));
		turn++;
		counter++;
		DO(fl_condition_notify_all(&condition));
		DO(fl_condition_release(&condition));
	}
}

static void use_seats(unsigned index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(i % 2 ? fl_semaphore_acquire(&seats) : fl_semaphore_acquire_until(&seats, A_LONG_TIME, NULL));
		counter++;
		SUCCEED(fl_semaphore_release(&seats, 1));
	}
}

static void hand_over_semaphores(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (index == 1)
			SUCCEED(fl_semaphore_acquire(&semaphores[0]));
		counter++;
		SUCCEED(fl_semaphore_release(&semaphores[index], 1));
		if (index == 0)
			SUCCEED(fl_semaphore_acquire(&semaphores[1]));
	}
}

static void hand_over_events(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (index == 1) {
			SUCCEED(fl_event_wait(&events[0]));
			DO(fl_event_clear(&events[0]));
		}
		counter++;
		DO(fl_event_set(&events[index]));
		if (index == 0) {
			SUCCEED(fl_event_wait_until(&events[1], A_LONG_TIME, NULL));
			DO(fl_event_clear(&events[1]));
		}
	}
}

static void meet_at_barrier(unsigned index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++) {
		int place = CALL(fl_barrier_wait(&barrier));

		ck_assert_int_ge(place, 0);
		ck_assert_int_le(place, 2);
		if (place == 2)
			counter += 3;
	}
}

static fl_once onces[ROUNDS];
static fl_note notes[ROUNDS];

static int count_one(void *unused)
{
	(void)unused;
	counter++;
	return 0;
}

static void run_once(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		SUCCEED(fl_once_call(&onces[i], count_one, NULL));
		ck_assert(fl_once_done(&onces[i]));
		if (index == 0)
			DO(fl_note_cancel(&notes[i]));
		else
			SUCCEED(fl_note_wait(&notes[i]));
		ck_assert(fl_note_is_cancelled(&notes[i]));
	}
	if (index != 0)
		return;
	counter += (4 - 1) * ROUNDS;
}

static void *add_one(void *arg)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	return arg;
}

static void call_later(void *arg)
{
	add_one(arg);
}

/* Fewer, since each is a thread. */
static void start_threads(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		fl_thread *thread;
		fl_timer *timer;
		void *value = NULL;

		SUCCEED(fl_thread_start(&thread, NULL, add_one, &index));
		SUCCEED(fl_thread_join(thread, &value));
		ck_assert_ptr_eq(value, &index);
		SUCCEED(fl_timer_start(&timer, fl_after(FL_US(i)), call_later, NULL));
		SUCCEED(fl_timer_join(timer));
	}
}

static const struct use {
	const char *name;
	void (*body)(unsigned index);
	unsigned n_threads, counted;
} uses[] = {
	{"lock", use_lock, 4, 4 * ROUNDS},
	{"rlock", use_rlock, 4, 4 * ROUNDS},
	{"rwlock", use_rwlock, 4, 4 * ROUNDS},
	{"lock_all", use_lock_all, 4, 4 * ROUNDS},
	{"condition", use_condition, 3, 3 * ROUNDS},
	{"semaphore as a lock", use_seats, 4, 4 * ROUNDS},
	{"semaphores", hand_over_semaphores, 2, 2 * ROUNDS},
	{"events", hand_over_events, 2, 2 * ROUNDS},
	{"barrier", meet_at_barrier, 3, 3 * ROUNDS},
	{"once and note", run_once, 4, 4 * ROUNDS},
	{"threads and timers", start_threads, 2, 2 * 2 * (ROUNDS / 10)},
};
#define N_USES ((int)(sizeof(uses) / sizeof(uses[0])))

START_TEST(a_storm_changes_nothing)
{
	const struct use *use = &uses[_i];

	storm_over(use->n_threads, use->body);
	ck_assert_msg(counter == use->counted, "%s: %u, not %u", use->name, counter, use->counted);
}
END_TEST

/* Deadlines. */

static fl_note never;

static int wait_lock(fl_time deadline)
{
	return fl_lock_acquire_until(&lock, deadline, NULL);
}

static int wait_rwlock(fl_time deadline)
{
	return fl_rwlock_acquire_read_until(&rwlock, deadline, &never);
}

static int wait_condition(fl_time deadline)
{
	int error;

	fl_condition_acquire(&condition);
	error = fl_condition_wait_until(&condition, deadline, NULL);
	fl_condition_release(&condition);
	return error;
}

static int wait_semaphore(fl_time deadline)
{
	return fl_semaphore_acquire_until(&semaphores[0], deadline, NULL);
}

static int wait_event(fl_time deadline)
{
	return fl_event_wait_until(&events[0], deadline, &never);
}

static int wait_barrier(fl_time deadline)
{
	fl_barrier own = FL_BARRIER_INIT(2, NULL, NULL);

	return fl_barrier_wait_until(&own, deadline, NULL);
}

static int wait_note(fl_time deadline)
{
	return fl_note_wait_until(&never, deadline);
}

static int (*const waits[])(fl_time deadline) = {
	wait_lock, wait_rwlock, wait_condition, wait_semaphore, wait_event, wait_barrier, wait_note,
};
#define N_WAITS (sizeof(waits) / sizeof(waits[0]))

static void time_out(unsigned index)
{
	for (unsigned i = 0; i < 300; i++)
		for (size_t j = 0; j < N_WAITS; j++) {
			fl_time deadline = fl_after(FL_US(10 * (i % 20 + index)));

			ck_assert_int_eq(CALL(waits[j](deadline)), -ETIMEDOUT);
			ck_assert_int_ge(fl_now(), deadline);
		}
}

START_TEST(nothing_times_out_early)
{
	SUCCEED(fl_lock_acquire(&lock));
	SUCCEED(fl_rwlock_acquire_write(&rwlock));
	storm_over(2, time_out);
	DO(fl_lock_release(&lock));
	DO(fl_rwlock_release_write(&rwlock));
}
END_TEST

/* Handlers that act on the very objects that the interrupted thread uses. */

static uint32_t n_released, n_acquired;

static void release_permit(void)
{
	if (fl_semaphore_release(&semaphores[0], 1) == 0)
		__atomic_fetch_add(&n_released, 1, __ATOMIC_RELAXED);
}

static void take_permits(unsigned index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++) {
		/* More are released than acquired, so the storm need not last. */
		if (i % 2)
			release_permit();
		if (i % 16 == 0 && CALL(fl_semaphore_acquire_until(&semaphores[0], fl_after(FL_US(20)), NULL)) == 0)
			__atomic_fetch_add(&n_acquired, 1, __ATOMIC_RELAXED);
		if (i % 2 == 0)
			continue;
		SUCCEED(fl_semaphore_acquire(&semaphores[0]));
		__atomic_fetch_add(&n_acquired, 1, __ATOMIC_RELAXED);
	}
}

START_TEST(permits_released_by_handlers_are_all_there)
{
	act = release_permit;
	storm_over(4, take_permits);
	ck_assert_uint_gt(n_acquired, 0);
	ck_assert_uint_eq(n_acquired + fl_semaphore_value(&semaphores[0]), n_released);
}
END_TEST

static void set_event(void)
{
	fl_event_set(&events[0]);
}

static void wait_and_clear(unsigned index)
{
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		SUCCEED(fl_event_wait(&events[0]));
		if (index == 0)
			DO(fl_event_clear(&events[0]));
	}
}

/* Nobody but the handlers sets it. */
START_TEST(events_set_by_handlers_wake)
{
	act = set_event;
	storm_over(2, wait_and_clear);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal");
	TCase *storm = testing_case(suite, "storm");

	tcase_add_loop_test(storm, a_storm_changes_nothing, 0, N_USES);
	tcase_add_test(storm, nothing_times_out_early);
	tcase_add_test(storm, permits_released_by_handlers_are_all_there);
	tcase_add_test(storm, events_set_by_handlers_wake);
	return testing_run(suite);
}
