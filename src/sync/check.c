/*
 * sync/check.c - switching the checks on, and the hooks by which the locks tell them what they do.
 *
 * What stands behind the hooks: sync/held.c knows what each thread holds, sync/order.c in which order locks are
 * taken, sync/deadlock.c who waits for whom, sync/times.c how long it all takes. None of them calls malloc or waits
 * while it holds an inner lock, and none reports under one.
 */
#define _GNU_SOURCE
#include "sync/check.h"

#include "base/fork.h"
#include "sync/arena.h"
#include "sync/deadlock.h"
#include "sync/held.h"
#include "sync/lock.h"
#include "sync/order.h"
#include "sync/times.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FL_NO_CHECKS
#define ALL 0u
#else
#define ALL (FL_CHECK_ORDER | FL_CHECK_TIMES)
#endif

unsigned fl_checks_;

/* Switching on. */

int fl_check_enable(unsigned checks)
{
	unsigned old = fl_load_relaxed(&fl_checks_);

	if (checks & ~ALL)
		return -EINVAL;
	while (!fl_cas_relaxed(&fl_checks_, &old, old | checks))
		;
	return 0;
}

unsigned fl_check_enabled(void)
{
	return fl_checks();
}

int fl_check_print_times(int fd)
{
	return fl_checks() & FL_CHECK_TIMES ? fl_times_print_(fd, false) : -EINVAL;
}

static void enable_word(const char *word, size_t length)
{
	if (length == strlen("order") && memcmp(word, "order", length) == 0)
		fl_check_enable(FL_CHECK_ORDER);
	else if (length == strlen("times") && memcmp(word, "times", length) == 0)
		fl_check_enable(FL_CHECK_TIMES);
	else if (length != 0)
		fprintf(stderr,
			"fairlead: FAIRLEAD_CHECK: '%.*s' is not a check; there are: "
			"order, times\n",
			(int)length, word);
}

static void after_fork(void)
{
	fl_arena_after_fork_();
	fl_held_after_fork_();
	fl_order_after_fork_();
	fl_deadlock_after_fork_();
	fl_times_after_fork_();
}

static void enable_words(const char *words)
{
	for (;;) {
		size_t length = strcspn(words, ",");

		enable_word(words, length);
		if (words[length] == '\0')
			return;
		words += length + 1;
	}
}

__attribute__((constructor)) static void begin(void)
{
	const char *words = secure_getenv("FAIRLEAD_CHECK");

	fl_fork_register_(after_fork);
	if (words && ALL == 0)
		fprintf(stderr, "fairlead: FAIRLEAD_CHECK is set, but the library was "
				"built without checks\n");
	else if (words)
		enable_words(words);
}

__attribute__((destructor)) static void print_at_exit(void)
{
	if (fl_checks() & FL_CHECK_TIMES)
		fl_times_print_(STDERR_FILENO, true);
}

/* The hooks. */

/* Looks at the orders from all that the thread holds to `lock`; `context` stands for them. */
static void look(struct fl_check_thread *me, const void *lock, enum fl_lock_kind kind, const void *site,
		 uint64_t context)
{
	if (!fl_held_known(me, context))
		fl_order_examine_(me, lock, kind, site, context);
}

static bool holds(const struct fl_check_thread *me, const void *lock)
{
	uint32_t i = me->n;

	while (i > 0 && fl_key_lock(me->held[i].key) != lock)
		i--;
	return i > 0;
}

void fl_check_before_(const void *lock, enum fl_lock_kind kind, const void *site)
{
	struct fl_check_thread *me;
	uint64_t context;

	if (!(fl_checks() & FL_CHECK_ORDER) || fl_likely(fl_held_ready(fl_key(lock, kind), &context) != NULL))
		return;
	me = fl_held_self_();
	/* A thread that waits for what it holds has another problem, which is reported when it begins to wait. */
	if (me && me->n > 0 && !holds(me, lock))
		look(me, lock, kind, site, fl_held_mix(me->held[me->n].context, fl_key(lock, kind)));
}

void fl_check_before_return_(const void *lock, enum fl_lock_kind kind, const void *site)
{
	struct fl_check_thread *me = fl_held_self_();

	if (!me)
		return;
	me->return_site = site;
	/* A context that no acquisition makes: the order is not that of acquiring it now. */
	if (me->n > 1)
		look(me, lock, kind, site, fl_held_mix(me->held[me->n].context, ~fl_key(lock, kind)));
}

static void add(unsigned checks, uintptr_t key, const void *site, fl_time waited_since)
{
	struct fl_check_thread *me = fl_held_self_();
	struct fl_held *held = me ? fl_held_add_(me, key, site) : NULL;

	if (checks & FL_CHECK_TIMES)
		fl_times_acquired_(me, held, key, site, waited_since);
}

void fl_check_acquired_(const void *lock, enum fl_lock_kind kind, const void *site, fl_time waited_since)
{
	unsigned checks = fl_checks();
	uintptr_t key = fl_key(lock, kind);
	uint64_t context = 0;
	struct fl_check_thread *me = checks == FL_CHECK_ORDER ? fl_held_ready(key, &context) : NULL;

	if (me)
		fl_held_push(me, key, site, context);
	else
		add(checks, key, site, waited_since);
}

static void take_off(unsigned checks, uintptr_t key, uint32_t holder)
{
	struct fl_check_thread *me = fl_held_self_();
	fl_time since = 0;

	if (holder != fl_self())
		fl_held_remove_for_(holder, key);
	else if (me)
		since = fl_held_remove_(me, key);
	if (checks & FL_CHECK_TIMES)
		fl_times_released_(me, key, since);
}

void fl_check_released_(const void *lock, enum fl_lock_kind kind)
{
	unsigned checks = fl_checks();
	uintptr_t key = fl_key(lock, kind);
	/* Only an fl_lock may be released by somebody else. */
	uint32_t me = fl_self(), holder = kind == FL_KIND_LOCK ? fl_lock_holder(lock) : me;

	if (fl_unlikely(checks != FL_CHECK_ORDER) || fl_unlikely(holder != me) || fl_unlikely(!fl_held_pop(key)))
		take_off(checks, key, holder);
}

int fl_check_wait_begin_(const void *lock, enum fl_lock_kind kind, const void *site, bool for_ever)
{
	struct fl_check_thread *me = for_ever ? fl_held_self_() : NULL;

	return me ? fl_deadlock_begin_(me, fl_key(lock, kind), site) : 0;
}

void fl_check_wait_end_(void)
{
	struct fl_check_thread *me = fl_held_self_();

	if (me)
		fl_deadlock_end_(me);
}

void fl_check_moved_(uint32_t number, const void *lock, enum fl_lock_kind kind)
{
	fl_deadlock_moved_(number, fl_key(lock, kind));
}

void fl_check_given_(uint32_t number)
{
	fl_deadlock_given_(number);
}

void fl_check_forget_(const void *lock)
{
	unsigned checks = fl_checks();

	if (fl_likely(checks == 0))
		return;
	fl_held_forget_(lock);
	if (checks & FL_CHECK_ORDER)
		fl_order_forget_(lock);
	if (checks & FL_CHECK_TIMES)
		fl_times_forget_(lock);
}
