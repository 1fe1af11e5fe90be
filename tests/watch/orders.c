/*
 * tests/watch/orders.c - programs that can deadlock and do not: each has one circle of locks that `fairlead watch` is
 * to find. The names of the functions are looked for in what it says.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <semaphore.h>
#include <threads.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER,
		       d = PTHREAD_MUTEX_INITIALIZER, e = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t r = PTHREAD_RWLOCK_INITIALIZER, s = PTHREAD_RWLOCK_INITIALIZER;

static void both(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

static void a_then_b(void)
{
	both(&a, &b);
}

static void b_then_a(void)
{
	both(&b, &a);
}

static void two(void)
{
	in_turns(a_then_b, b_then_a);
}

static void b_then_c(void)
{
	both(&b, &c);
}

static void c_then_a(void)
{
	both(&c, &a);
}

static void three(void)
{
	in_turns(a_then_b, b_then_c, c_then_a);
}

static void c_then_d(void)
{
	both(&c, &d);
}

static void d_then_e(void)
{
	both(&d, &e);
}

static void e_then_a(void)
{
	both(&e, &a);
}

static void five(void)
{
	in_turns(a_then_b, b_then_c, c_then_d, d_then_e, e_then_a);
}

/* One of two is the thread that created the other. That one waits for its turn: at the same time they would wait for
 * each other, for ever. */
static pthread_barrier_t turn;

static void a_then_b_in_turn(void)
{
	pthread_barrier_wait(&turn);
	a_then_b();
}

static void main_too(void)
{
	void (*work)(void) = a_then_b_in_turn;
	pthread_t thread;

	MUST(pthread_barrier_init(&turn, NULL, 2));
	MUST(pthread_create(&thread, NULL, do_work, &work));
	b_then_a();
	pthread_barrier_wait(&turn);
	MUST(pthread_join(thread, NULL));
	pthread_barrier_destroy(&turn);
}

static void read_r_write_s(void)
{
	pthread_rwlock_rdlock(&r);
	pthread_rwlock_wrlock(&s);
	pthread_rwlock_unlock(&s);
	pthread_rwlock_unlock(&r);
}

static void read_s_write_r(void)
{
	pthread_rwlock_rdlock(&s);
	pthread_rwlock_wrlock(&r);
	pthread_rwlock_unlock(&r);
	pthread_rwlock_unlock(&s);
}

static void rwlocks(void)
{
	in_turns(read_r_write_s, read_s_write_r);
}

static pthread_spinlock_t spins[2];

static void spin_up(void)
{
	pthread_spin_lock(&spins[0]);
	pthread_spin_lock(&spins[1]);
	pthread_spin_unlock(&spins[1]);
	pthread_spin_unlock(&spins[0]);
}

static void spin_down(void)
{
	pthread_spin_lock(&spins[1]);
	pthread_spin_lock(&spins[0]);
	pthread_spin_unlock(&spins[0]);
	pthread_spin_unlock(&spins[1]);
}

static void spin_locks(void)
{
	pthread_spin_init(&spins[0], 0);
	pthread_spin_init(&spins[1], 0);
	in_turns(spin_up, spin_down);
}

static mtx_t mutexes[2];

static void c11_up(void)
{
	mtx_lock(&mutexes[0]);
	mtx_lock(&mutexes[1]);
	mtx_unlock(&mutexes[1]);
	mtx_unlock(&mutexes[0]);
}

static void c11_down(void)
{
	mtx_lock(&mutexes[1]);
	mtx_lock(&mutexes[0]);
	mtx_unlock(&mutexes[0]);
	mtx_unlock(&mutexes[1]);
}

static void c11(void)
{
	mtx_init(&mutexes[0], mtx_plain);
	mtx_init(&mutexes[1], mtx_recursive);
	in_turns(c11_up, c11_down);
}

/* What is held while a thread waits for a condition is held when it acquires the mutex again. */
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t waits;
static int done;

static void *notify(void *argument)
{
	sem_wait(&waits);
	pthread_mutex_lock(&b);
	done = 1;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&b);
	return argument;
}

static void wait_with_a(void)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, notify, NULL));
	pthread_mutex_lock(&b); /* not after a, which is acquired only now */
	pthread_mutex_lock(&a);
	sem_post(&waits);
	while (!done)
		pthread_cond_wait(&condition, &b);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	MUST(pthread_join(thread, NULL));
}

static void with_condition(void)
{
	sem_init(&waits, 0, 0);
	in_turns(wait_with_a, b_then_a);
}

/* Who has tried with success holds, and what it waits for then is an order. */
static void try_a_then_b(void)
{
	MUST(pthread_mutex_trylock(&a));
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
}

static void after_try(void)
{
	in_turns(try_a_then_b, b_then_a);
}

/* Two gates that are not the same. */
static void gate_c(void)
{
	pthread_mutex_lock(&c);
	both(&a, &b);
	pthread_mutex_unlock(&c);
}

static void gate_d(void)
{
	pthread_mutex_lock(&d);
	both(&b, &a);
	pthread_mutex_unlock(&d);
}

static void other_gates(void)
{
	in_turns(gate_c, gate_d);
}

/* A gate that lets both in. */
static void read_gate_up(void)
{
	pthread_rwlock_rdlock(&r);
	both(&a, &b);
	pthread_rwlock_unlock(&r);
}

static void read_gate_down(void)
{
	pthread_rwlock_rdlock(&r);
	both(&b, &a);
	pthread_rwlock_unlock(&r);
}

static void read_gates(void)
{
	in_turns(read_gate_up, read_gate_down);
}

/* One mistake, however many locks. */
static pthread_mutex_t accounts[64];

static void transfer_up(void)
{
	for (int i = 0; i < 63; i++)
		both(&accounts[i], &accounts[i + 1]);
}

static void transfer_down(void)
{
	for (int i = 63; i > 0; i--)
		both(&accounts[i], &accounts[i - 1]);
}

static void many(void)
{
	for (int i = 0; i < 64; i++)
		pthread_mutex_init(&accounts[i], NULL);
	in_turns(transfer_up, transfer_down);
}

/* The locks of another thread's end. */
static pthread_key_t key;

static void at_end(void *argument)
{
	(void)argument;
	b_then_a();
}

static void leave_a_value(void)
{
	pthread_setspecific(key, &key);
	a_then_b();
}

static void destructors(void)
{
	MUST(pthread_key_create(&key, at_end));
	in_turns(leave_a_value, leave_a_value);
}

/* A mutex that was released in the middle is no longer held, and the one behind it is. */
static void hand_over(void)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&a);
	pthread_mutex_lock(&c);
	pthread_mutex_unlock(&c);
	pthread_mutex_unlock(&b);
}

static void c_then_b(void)
{
	both(&c, &b);
}

static void moved(void)
{
	in_turns(hand_over, c_then_b);
}

static const struct watch_case cases[] = {
	{"two", two},
	{"three", three},
	{"five", five},
	{"main-too", main_too},
	{"rwlocks", rwlocks},
	{"spin-locks", spin_locks},
	{"c11", c11},
	{"condition", with_condition},
	{"after-try", after_try},
	{"other-gates", other_gates},
	{"read-gates", read_gates},
	{"many", many},
	{"destructors", destructors},
	{"moved", moved},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
