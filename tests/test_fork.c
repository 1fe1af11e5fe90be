/*
 * test_fork.c - a forked child uses everything, whatever other threads were doing to it when the fork came.
 *
 * In the first tests the parent's other threads are known to be where they are: one holds, others wait. In the
 * last, they are anywhere. A child says what went wrong on standard error and ends with 1; one that hangs is ended
 * by an alarm. Waits in it have a deadline for the same reason.
 */
#define _GNU_SOURCE
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fairlead/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer cannot start threads after a fork of a process with threads, and takes threads that had ended in the
 * parent for the child's. */
#ifdef __SANITIZE_THREAD__
#define CHILDREN_HAVE_THREADS 0
#else
#define CHILDREN_HAVE_THREADS 1
#endif

static fl_time soon(void)
{
	return fl_after(FL_SECONDS(10));
}

/* In a child: hanging ends it. (Check has a handler of its own for alarms.) */
static void set_alarm(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(30);
}

/* One of everything: held by another thread, and by the one that forks. */
static fl_lock lock, my_lock;
static fl_rlock rlock, my_rlock;
static fl_rwlock read_lock, write_lock, second_write_lock, my_read_lock, my_write_lock;
static fl_condition condition = FL_CONDITION_OVER_LOCK(&lock), my_condition;
static fl_semaphore semaphore;
static fl_event event, finish, held;
static fl_barrier barrier = FL_BARRIER_INIT(2, NULL, NULL);
static fl_once once;
static fl_note note;
static fl_thread *holder;

static int run_once(void *arg)
{
	(void)arg;
	fl_event_set(&held);
	fl_event_wait(&finish);
	return 0;
}

/* Holds everything that can be held. */
static void *hold(void *arg)
{
	(void)arg;
	fl_lock_acquire(&lock);
	fl_rlock_acquire(&rlock);
	fl_rlock_acquire(&rlock);
	fl_rwlock_acquire_read(&read_lock);
	fl_rwlock_acquire_write(&write_lock);
	fl_rwlock_acquire_write(&second_write_lock);
	fl_once_call(&once, run_once, NULL);
	fl_rwlock_release_write(&second_write_lock);
	fl_rwlock_release_write(&write_lock);
	fl_rwlock_release_read(&read_lock);
	fl_rlock_release_all(&rlock);
	fl_lock_release(&lock);
	return NULL;
}

static void wait_for_condition(void)
{
	fl_condition_acquire(&my_condition);
	fl_condition_wait(&my_condition);
	fl_condition_release(&my_condition);
}

/* Each of these waits for what somebody holds, or for what nobody has yet done. */
static void wait_for(unsigned index)
{
	switch (index) {
	case 0:
		fl_lock_acquire(&lock);
		fl_lock_release(&lock);
		break;
	case 1:
		fl_rlock_acquire(&rlock);
		fl_rlock_release(&rlock);
		break;
	case 2:
		fl_rwlock_acquire_write(&read_lock);
		fl_rwlock_release_write(&read_lock);
		break;
	case 3:
		fl_rwlock_acquire_read(&write_lock);
		fl_rwlock_release_read(&write_lock);
		break;
	case 4:
		fl_rwlock_acquire_write(&second_write_lock);
		fl_rwlock_release_write(&second_write_lock);
		break;
	case 5:
		wait_for_condition();
		break;
	case 6:
		fl_semaphore_acquire(&semaphore);
		break;
	case 7:
		fl_event_wait(&event);
		break;
	case 8:
		fl_barrier_wait(&barrier);
		break;
	case 9:
		fl_once_call(&once, run_once, NULL);
		break;
	case 10:
		fl_note_wait(&note);
		break;
	case 11:
		fl_lock_acquire(&my_lock);
		fl_lock_release(&my_lock);
		break;
	case 12:
		fl_rwlock_acquire_write(&my_read_lock);
		fl_rwlock_release_write(&my_read_lock);
		break;
	default:
		fl_rwlock_acquire_read(&my_write_lock);
		fl_rwlock_release_read(&my_write_lock);
	}
}
#define N_WAITERS 14

static const void *const keys[N_WAITERS] = {&lock,         &rlock,     &read_lock,    &write_lock,   &second_write_lock,
					    &my_condition, &semaphore, &event,        &barrier,      &once,
					    &note,         &my_lock,   &my_read_lock, &my_write_lock};
static fl_thread *waiters[N_WAITERS];

static void *wait_in_thread(void *index)
{
	wait_for((unsigned)(uintptr_t)index);
	return NULL;
}

static void begin(void)
{
	fl_lock_acquire(&my_lock);
	fl_rlock_acquire(&my_rlock);
	fl_rlock_acquire(&my_rlock);
	fl_rwlock_acquire_read(&my_read_lock);
	fl_rwlock_acquire_write(&my_write_lock);
	ck_assert_int_eq(fl_thread_start(&holder, NULL, hold, NULL), 0);
	fl_event_wait(&held);
	for (unsigned i = 0; i < N_WAITERS; i++) {
		ck_assert_int_eq(fl_thread_start(&waiters[i], NULL, wait_in_thread, (void *)(uintptr_t)i), 0);
		/* A rlock's queue is that of the lock in it, which is its first member. */
		waiting_await(keys[i], 1);
	}
	fl_condition_acquire(&my_condition);
}

/* The parent goes on as if nothing had happened. */
static void end(void)
{
	fl_lock_release(&my_lock);
	fl_rlock_release_all(&my_rlock);
	fl_rwlock_release_read(&my_read_lock);
	fl_rwlock_release_write(&my_write_lock);
	ck_assert_uint_eq(fl_condition_notify_all(&my_condition), 1);
	fl_condition_release(&my_condition);
	fl_event_set(&finish);
	fl_event_set(&event);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
	ck_assert_int_eq(fl_barrier_wait(&barrier), 1);
	for (unsigned i = 0; i < N_WAITERS; i++)
		ck_assert_int_eq(fl_thread_join(waiters[i], NULL), 0);
	ck_assert_int_eq(fl_thread_join(holder, NULL), 0);
}

/* What a child can expect. */

static bool acquired(int error)
{
	return error == 0 || error == -EOWNERDEAD;
}

static void use_locks_of_others(void)
{
	fl_lock *both[] = {&my_lock, &lock};

	EXPECT(fl_lock_all(2, both, soon()) == -EOWNERDEAD);
	fl_lock_all_release(2, both);
	EXPECT(fl_lock_acquire_until(&lock, soon(), NULL) == 0);
	EXPECT(fl_condition_wait_until(&condition, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	fl_lock_release(&lock);
	EXPECT(!fl_lock_locked(&lock));
	EXPECT(fl_rlock_acquire_until(&rlock, soon(), NULL) == -EOWNERDEAD);
	EXPECT(fl_rlock_count(&rlock) == 1);
	fl_rlock_release(&rlock);
	EXPECT(fl_rlock_acquire_until(&rlock, soon(), NULL) == 0);
	fl_rlock_release(&rlock);
}

static void use_rwlocks_of_others(void)
{
	EXPECT(fl_rwlock_acquire_read_until(&write_lock, soon(), NULL) == -EOWNERDEAD);
	EXPECT(fl_rwlock_readers(&write_lock) == 1);
	fl_rwlock_release_read(&write_lock);
	EXPECT(fl_rwlock_acquire_write_until(&write_lock, soon(), NULL) == 0);
	fl_rwlock_release_write(&write_lock);
	EXPECT(fl_rwlock_acquire_write_until(&second_write_lock, soon(), NULL) == -EOWNERDEAD);
	EXPECT(fl_rwlock_readers(&second_write_lock) == -1);
	fl_rwlock_release_write(&second_write_lock);
	EXPECT(fl_rwlock_readers(&second_write_lock) == 0);
}

/* Whoever reads changes nothing, so whether the next is told that it is gone does not matter. */
static void use_what_another_reads(void)
{
	EXPECT(acquired(fl_rwlock_acquire_read_until(&read_lock, soon(), NULL)));
	fl_rwlock_release_read(&read_lock);
	EXPECT(acquired(fl_rwlock_acquire_write_until(&read_lock, soon(), NULL)));
	fl_rwlock_release_write(&read_lock);
	EXPECT(fl_rwlock_acquire_write_until(&read_lock, soon(), NULL) == 0);
	fl_rwlock_release_write(&read_lock);
}

static void release_my_locks(void)
{
	EXPECT(fl_lock_locked(&my_lock) && !fl_lock_acquire_try(&my_lock));
	fl_lock_release(&my_lock);
	EXPECT(!fl_lock_locked(&my_lock));
	EXPECT(fl_rlock_count(&my_rlock) == 2);
	EXPECT(fl_rlock_release_all(&my_rlock) == 2);
	EXPECT(fl_rwlock_readers(&my_read_lock) == 1);
	EXPECT(fl_rwlock_acquire_write(&my_read_lock) == -EDEADLK);
	fl_rwlock_release_read(&my_read_lock);
	EXPECT(fl_rwlock_acquire_write_until(&my_read_lock, soon(), NULL) == 0);
	fl_rwlock_release_write(&my_read_lock);
	EXPECT(fl_rwlock_readers(&my_write_lock) == -1);
	EXPECT(fl_rwlock_downgrade(&my_write_lock) == 0);
	fl_rwlock_release_read(&my_write_lock);
}

static int count_calls(void *calls)
{
	++*(int *)calls;
	return 0;
}

/* Nobody waits any more; what has a state keeps it. */
static void use_the_others(void)
{
	int calls = 0;

	EXPECT(fl_condition_notify_all(&my_condition) == 0);
	EXPECT(fl_condition_wait_until(&my_condition, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	fl_condition_release(&my_condition);
	EXPECT(fl_semaphore_acquire_until(&semaphore, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	EXPECT(fl_semaphore_release(&semaphore, 1) == 0);
	EXPECT(fl_semaphore_acquire_until(&semaphore, soon(), NULL) == 0);
	EXPECT(fl_event_wait_until(&event, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	fl_event_set(&event);
	EXPECT(fl_event_wait_until(&event, soon(), NULL) == 0);
	fl_barrier_reset(&barrier);
	EXPECT(fl_barrier_n_waiting(&barrier) == 0);
	EXPECT(fl_barrier_wait_until(&barrier, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	EXPECT(fl_note_wait_until(&note, fl_after(FL_MS(1))) == -ETIMEDOUT);
	fl_note_cancel(&note);
	EXPECT(fl_note_wait_until(&note, soon()) == 0);
	EXPECT(fl_once_call_until(&once, count_calls, &calls, soon(), NULL) == 0);
	EXPECT(calls == 1 && fl_once_done(&once));
}

static void look_at_threads(void)
{
	fl_thread *self = fl_thread_self();

	EXPECT(fl_thread_is_alive(self) && fl_thread_id(self) == getpid());
	EXPECT(fl_thread_all(NULL) == 1);
	EXPECT(!fl_thread_is_alive(holder) && !fl_thread_is_alive(waiters[3]));
	EXPECT(fl_thread_join_until(holder, 0, NULL, NULL) == -ESRCH);
	EXPECT(fl_thread_join(waiters[3], NULL) == -ESRCH);
}

/* Waits and is woken, on its own and with a partner. */

static void *use_in_thread(void *arg)
{
	fl_barrier_reset(arg);
	fl_lock_acquire(&lock);
	fl_condition_notify_all(&condition);
	fl_lock_release(&lock);
	fl_rwlock_acquire_read(&read_lock);
	fl_rwlock_release_read(&read_lock);
	return NULL;
}

static void use_with_a_thread(void)
{
	fl_thread *thread;

	if (!CHILDREN_HAVE_THREADS)
		return;
	EXPECT(fl_rwlock_acquire_write_until(&read_lock, soon(), NULL) == 0);
	EXPECT(fl_lock_acquire_until(&lock, soon(), NULL) == 0);
	EXPECT(fl_thread_start(&thread, NULL, use_in_thread, &barrier) == 0);
	EXPECT(fl_condition_wait_until(&condition, soon(), NULL) == 0);
	fl_lock_release(&lock);
	fl_rwlock_release_write(&read_lock);
	EXPECT(fl_thread_all(NULL) == 1 || fl_thread_all(NULL) == 2);
	EXPECT(fl_thread_join_until(thread, soon(), NULL, NULL) == 0);
	EXPECT(fl_thread_all(NULL) == 1);
}

static const struct part {
	const char *name;
	void (*body)(void);
} parts[] = {
	{"locks of others", use_locks_of_others},
	{"rwlocks of others", use_rwlocks_of_others},
	{"what another reads", use_what_another_reads},
	{"locks of the forking thread", release_my_locks},
	{"the others", use_the_others},
	{"threads", look_at_threads},
};
#define N_PARTS ((int)(sizeof(parts) / sizeof(parts[0])))

static void be_child(const struct part *part)
{
	set_alarm();
	if (part->body == use_locks_of_others)
		fl_lock_release(&my_lock);
	part->body();
	_exit(0);
}

static void expect_success(pid_t child, const char *name)
{
	int status;

	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "%s: the child's status is %#x", name, (unsigned)status);
}

static void fork_for(const struct part *part)
{
	pid_t child = fork();

	if (child == 0)
		be_child(part);
	expect_success(child, part->name);
}

START_TEST(a_child_uses_what_others_held_and_waited_for)
{
	begin();
	fork_for(&parts[_i]);
	end();
}
END_TEST

static void fork_bare(const struct part *part)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		fl_after_fork_child();
		fl_after_fork_child();
		be_child(part);
	}
	expect_success(child, part->name);
}

/* Without fork(), and so without its handlers. */
START_TEST(so_does_a_child_of_the_bare_system_call)
{
	begin();
	fork_bare(&parts[_i]);
	end();
}
END_TEST

static void use_everything(void)
{
	fl_lock_release(&my_lock);
	use_locks_of_others();
	use_rwlocks_of_others();
	use_what_another_reads();
	look_at_threads();
	fl_note_cancel(&note);
	use_with_a_thread();
}

static void fork_in_thread(unsigned index, void *arg)
{
	const struct part everything = {"everything", use_everything};

	(void)index;
	(void)arg;
	begin();
	fork_for(&everything);
	end();
}

/* A thread that Fairlead did not start becomes the main thread of the child. */
START_TEST(any_thread_may_fork)
{
	testing_together(1, fork_in_thread, NULL);
}
END_TEST

static void *give_back(void *arg)
{
	return arg;
}

/* It ended in the parent, and has been joined by nobody: the child may, and so may the parent. */
START_TEST(a_thread_that_had_ended_is_joined_as_ever)
{
	void *value = NULL;
	fl_thread *thread;
	pid_t child;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, give_back, &lock), 0);
	while (fl_thread_all(NULL) > 1)
		sched_yield();
	child = fork();
	if (child == 0) {
		set_alarm();
		EXPECT(fl_thread_join(thread, &value) == 0 && value == &lock);
		_exit(0);
	}
	expect_success(child, "ended");
	ck_assert_int_eq(fl_thread_join(thread, &value), 0);
	ck_assert_ptr_eq(value, &lock);
}
END_TEST

/* Anywhere. Four threads of the parent use locks as fast as they can; the child finds each of them usable. */

static fl_lock busy_lock;
static fl_rlock busy_rlock;
static fl_rwlock busy_rwlock;
static fl_condition busy_condition;
static fl_semaphore busy_semaphore = FL_SEMAPHORE_INIT(2);
static fl_event busy_event;
static bool stop;
static int n_hammering;

static void use_locks_once(void)
{
	fl_lock_acquire(&busy_lock);
	fl_lock_release(&busy_lock);
	fl_rlock_acquire(&busy_rlock);
	fl_rlock_acquire(&busy_rlock);
	fl_rlock_release_all(&busy_rlock);
	fl_rwlock_acquire_write(&busy_rwlock);
	fl_rwlock_release_write(&busy_rwlock);
	fl_rwlock_acquire_read(&busy_rwlock);
	fl_rwlock_release_read(&busy_rwlock);
	fl_condition_acquire(&busy_condition);
	fl_condition_notify_all(&busy_condition);
	fl_condition_wait_until(&busy_condition, fl_after(FL_US(20)), NULL);
	fl_condition_release(&busy_condition);
}

static void use_others_once(void)
{
	fl_semaphore_acquire(&busy_semaphore);
	fl_event_set(&busy_event);
	fl_event_clear(&busy_event);
	EXPECT(fl_semaphore_release(&busy_semaphore, 1) ==
	       0); /* ck_assert would take a mutex of Check's, which may be held at the fork */
}

static void *hammer(void *arg)
{
	use_locks_once();
	use_others_once();
	__atomic_add_fetch(&n_hammering, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		use_locks_once();
		use_others_once();
	}
	return arg;
}

/* Takes over what the vanished left. */
static void take_over(void)
{
	EXPECT(acquired(fl_lock_acquire_until(&busy_lock, soon(), NULL)));
	fl_lock_release(&busy_lock);
	EXPECT(acquired(fl_rlock_acquire_until(&busy_rlock, soon(), NULL)));
	fl_rlock_release(&busy_rlock);
	EXPECT(acquired(fl_rwlock_acquire_read_until(&busy_rwlock, soon(), NULL)));
	fl_rwlock_release_read(&busy_rwlock);
	EXPECT(acquired(fl_rwlock_acquire_write_until(&busy_rwlock, soon(), NULL)));
	fl_rwlock_release_write(&busy_rwlock);
	EXPECT(acquired(fl_condition_acquire_until(&busy_condition, soon(), NULL)));
	EXPECT(fl_condition_notify_all(&busy_condition) == 0);
	fl_condition_release(&busy_condition);
	fl_event_set(&busy_event);
	EXPECT(fl_event_wait_until(&busy_event, soon(), NULL) == 0);
	/* Permits that others had taken stay taken. */
	fl_semaphore_init(&busy_semaphore, 2, NULL);
}

static void *use_some(void *arg)
{
	for (int i = 0; i < 20; i++) {
		use_locks_once();
		use_others_once();
	}
	return arg;
}

static void be_busy_child(void)
{
	fl_thread *threads[3];

	set_alarm();
	take_over();
	for (int i = 0; i < 3 && CHILDREN_HAVE_THREADS; i++)
		EXPECT(fl_thread_start(&threads[i], NULL, use_some, NULL) == 0);
	use_some(NULL);
	for (int i = 0; i < 3 && CHILDREN_HAVE_THREADS; i++)
		EXPECT(fl_thread_join_until(threads[i], soon(), NULL, NULL) == 0);
	_exit(0);
}

#define N_FORKS 200

START_TEST(a_child_uses_what_others_were_using)
{
	fl_thread *threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(fl_thread_start(&threads[i], NULL, hammer, NULL), 0);
	/* What begins allocates, and ASan's allocator (gcc 12) does not survive a fork in the middle of that. */
	while (__atomic_load_n(&n_hammering, __ATOMIC_RELAXED) < 4)
		sched_yield();
	for (int i = 0; i < N_FORKS; i++) {
		pid_t child = fork();

		if (child == 0)
			be_busy_child();
		expect_success(child, "busy");
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(fl_thread_join(threads[i], NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fork");
	TCase *known = testing_case(suite, "known"), *unknown = testing_case(suite, "unknown");

	tcase_add_loop_test(known, a_child_uses_what_others_held_and_waited_for, 0, N_PARTS);
	tcase_add_loop_test(known, so_does_a_child_of_the_bare_system_call, 0, N_PARTS);
	tcase_add_test(known, any_thread_may_fork);
	if (CHILDREN_HAVE_THREADS)
		tcase_add_test(known, a_thread_that_had_ended_is_joined_as_ever);
	tcase_add_test(unknown, a_child_uses_what_others_were_using);
	return testing_run(suite);
}
