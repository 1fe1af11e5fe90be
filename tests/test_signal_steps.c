/*
 * test_signal_steps.c - a handler sets an event and releases a semaphore at each instruction of a call in turn.
 *
 * The processor's trap flag interrupts a call after each of its instructions; at the one whose turn it is, the handler
 * acts on what the call is in the middle of, or on something else. So every point at which a signal can come is tried,
 * and pairs of points. Who is woken are waiters without a thread: what they have been given stands in them.
 *
 * Sanitizers' own code does not stand this, and other processors have no such flag: there one signal is sent and that
 * is all. (tests/test_signal.c sends many, at random.)
 */
#define _GNU_SOURCE
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <signal.h>
#include <ucontext.h>

#if defined(__x86_64__) && !defined(TESTING_SANITIZED)
#define HAVE_STEPS 1
#else
#define HAVE_STEPS 0
#endif

static fl_lock lock, second_lock;
static fl_rwlock rwlock;
static fl_condition condition;
static fl_note never;

/* The handler acts after this many instructions. 0: never (again). */
static unsigned long act_at[2], step, n_acts, n_failed;
static bool stepping;

/* What the handler acts on: threads that wait, as far as Fairlead can tell, without a thread. */
static fl_semaphore waited_semaphore;
static fl_event waited_event;
static struct fl_waiter permit_waiters[3], event_waiter;

static void act_now(void)
{
	if (fl_semaphore_release(&waited_semaphore, 1) != 0)
		n_failed++;
	fl_event_set(&waited_event);
	n_acts++;
}

#if HAVE_STEPS
#define TRAP_FLAG 0x100

/* From the next instruction on. Below the stack pointer may be something, so it is stepped over. */
static inline __attribute__((always_inline)) void start_trapping(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq %0, (%%rsp); popfq; lea 128(%%rsp), %%rsp"
			 :
			 : "i"(TRAP_FLAG)
			 : "memory", "cc");
}

static void stop_trapping(void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}
#else
static void start_trapping(void)
{
	raise(SIGTRAP);
}

static void stop_trapping(void *context)
{
	(void)context;
}
#endif

static void trap(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	step++;
	if (step == act_at[0] || step == act_at[1])
		act_now();
	if (!stepping || (step >= act_at[0] && step >= act_at[1]))
		stop_trapping(context);
}

/* Runs body() and acts in between. Returns whether it was so long that all acts took place. */
static bool run_stepwise(void (*body)(void), unsigned long first, unsigned long second)
{
	act_at[0] = first;
	act_at[1] = second;
	step = n_acts = 0;
	stepping = true;
	start_trapping();
	body();
	stepping = false;
	ck_assert_uint_eq(n_failed, 0);
	return n_acts == (second == 0 ? 1 : 2);
}

static void push(struct fl_waiter *waiter, const void *key)
{
	struct fl_bucket *bucket = fl_park_lock_(key);

	*waiter = (struct fl_waiter){0};
	fl_park_push_(bucket, waiter, key);
	fl_park_unlock_(bucket);
}

/* Whether it has been woken; else takes it away. */
static bool was_woken(struct fl_waiter *waiter, const void *key)
{
	return !fl_park_give_up_(waiter, key) && waiter->word == FL_WAITER_WOKEN;
}

/* Objects that say somebody waits: a wait that has timed out leaves them so. */
static fl_semaphore semaphore_with_waiters;
static fl_event event_with_waiters;

static void prepare_steps(void)
{
	struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO};

	ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
	ck_assert_int_eq(fl_semaphore_acquire_until(&semaphore_with_waiters, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_event_wait_until(&event_with_waiters, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
}

static void begin_step(unsigned n_permit_waiters)
{
	waited_semaphore = n_permit_waiters ? semaphore_with_waiters : (fl_semaphore)FL_SEMAPHORE_INIT(0);
	waited_event = event_with_waiters;
	for (unsigned i = 0; i < n_permit_waiters; i++)
		push(&permit_waiters[i], &waited_semaphore);
	push(&event_waiter, &waited_event);
}

static void end_step(void)
{
	for (unsigned i = 0; i < 2; i++)
		was_woken(&permit_waiters[i], &waited_semaphore);
	was_woken(&event_waiter, &waited_event);
}

/* What is interrupted: blocking calls whose deadline is near, and such as do not block. */

static int result;

static fl_time soon(void)
{
	return fl_after(FL_US(200));
}

static void step_release(void)
{
	result = fl_semaphore_release(&waited_semaphore, 1);
}

static void step_acquire(void)
{
	result = fl_semaphore_acquire_until(&waited_semaphore, soon(), NULL);
}

static void step_set(void)
{
	fl_event_set(&waited_event);
}

static void step_wait(void)
{
	result = fl_event_wait_until(&waited_event, soon(), &never);
}

static void step_wait_condition(void)
{
	fl_condition_acquire(&condition);
	result = fl_condition_wait_until(&condition, soon(), NULL);
	fl_condition_release(&condition);
}

static void step_wait_lock(void)
{
	result = fl_lock_acquire_until(&lock, soon(), NULL);
}

static void step_lock(void)
{
	fl_lock_acquire(&second_lock);
	fl_lock_release(&second_lock);
}

static void step_wait_rwlock(void)
{
	result = fl_rwlock_acquire_read_until(&rwlock, soon(), NULL);
}

static void step_barrier(void)
{
	fl_barrier barrier = FL_BARRIER_INIT(2, NULL, NULL);

	result = fl_barrier_wait_until(&barrier, soon(), NULL);
}

static void step_note(void)
{
	fl_note parent = FL_NOTE_INIT, child;

	fl_note_init(&child, &parent, FL_FOREVER);
	fl_note_cancel(&parent);
	fl_note_destroy(&child);
	fl_note_destroy(&parent);
}

static const struct stepped {
	const char *name;
	void (*body)(void);
	unsigned permits_given;
} stepped[] = {
	{"fl_semaphore_release", step_release, 1},
	{"fl_event_set", step_set, 0},
	{"fl_event_wait", step_wait, 0},
	{"fl_condition_wait", step_wait_condition, 0},
	{"fl_lock_acquire", step_wait_lock, 0},
	{"fl_lock_release", step_lock, 0},
	{"fl_rwlock_acquire", step_wait_rwlock, 0},
	{"fl_barrier_wait", step_barrier, 0},
	{"fl_note_cancel", step_note, 0},
};
#define N_STEPPED ((int)(sizeof(stepped) / sizeof(stepped[0])))

/* The queues and states say exactly what has been given: `given` permits to two waiters, and the event. */
static void expect_given(const char *name, unsigned long at, unsigned given)
{
	for (unsigned i = 0; i < 2; i++)
		ck_assert_msg(was_woken(&permit_waiters[i], &waited_semaphore) == (i < given), "%s at %lu: waiter %u",
			      name, at, i);
	ck_assert_msg(fl_semaphore_value(&waited_semaphore) == (given > 2 ? given - 2 : 0), "%s at %lu: %u permits",
		      name, at, fl_semaphore_value(&waited_semaphore));
	ck_assert_msg(was_woken(&event_waiter, &waited_event), "%s at %lu: the event's waiter", name, at);
	ck_assert_msg(fl_event_is_set(&waited_event), "%s at %lu: the event is not set", name, at);
}

START_TEST(a_handler_may_act_at_any_instruction)
{
	const struct stepped *tried = &stepped[_i];
	unsigned long at;

	prepare_steps();
	fl_lock_acquire(&lock);
	fl_rwlock_acquire_write(&rwlock);
	for (at = 1;; at++) {
		begin_step(2);
		if (!run_stepwise(tried->body, at, 0))
			break;
		expect_given(tried->name, at, 1 + tried->permits_given);
	}
	end_step();
	ck_assert_uint_gt(at, HAVE_STEPS ? 10 : 1);
}
END_TEST

/* The interrupted call waits itself: it gets the permit, or gives up and leaves it. */
START_TEST(a_handler_may_wake_its_own_thread_at_any_instruction)
{
	unsigned long at;

	prepare_steps();
	for (at = 1;; at++) {
		begin_step(0);
		if (!run_stepwise(step_acquire, at, 0))
			break;
		ck_assert_msg(result == 0 || result == -ETIMEDOUT, "at %lu: %d", at, result);
		ck_assert_msg(fl_semaphore_value(&waited_semaphore) == (result != 0), "at %lu: %d", at, result);
		was_woken(&event_waiter, &waited_event);
	}
	ck_assert_uint_gt(at, HAVE_STEPS ? 10 : 1);
}
END_TEST

/* Two signals: the second may come when what the first has left behind is being done. Where exactly the first comes
 * does not matter, as long as it comes within each section. */
START_TEST(handlers_may_act_at_any_two_instructions)
{
	unsigned long first, second;

	prepare_steps();
	for (first = 1;; first += 40) {
		for (second = first + 1;; second++) {
			begin_step(2);
			if (!run_stepwise(step_release, first, second))
				break;
			expect_given("two", first * 1000 + second, 3);
		}
		end_step();
		if (second == first + 1)
			break;
	}
	ck_assert_uint_gt(first, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal_steps");
	TCase *steps = testing_case(suite, "steps");

	tcase_add_loop_test(steps, a_handler_may_act_at_any_instruction, 0, N_STEPPED);
	tcase_add_test(steps, a_handler_may_wake_its_own_thread_at_any_instruction);
	if (HAVE_STEPS)
		tcase_add_test(steps, handlers_may_act_at_any_two_instructions);
	return testing_run(suite);
}
