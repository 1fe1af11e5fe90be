/*
 * bench/shared_after_kills.cc - whether objects that processes share are as quick as before when a thousand of their
 * users have been killed in the middle of it: one after the other, each holding the lock, a permit or an item.
 */
#include "harness.h"

#include <cerrno>
#include <csignal>
#include <fairlead/segment.h>
#include <fairlead/shared_queue.h>
#include <sys/wait.h>
#include <unistd.h>

enum : unsigned { KILLS = 1000, QUICK_KILLS = 50 };

static void need(bool fine, const char *what)
{
	if (!fine)
		bench_fail(what);
}

/* A segment with one object. */
struct in_segment {
	fl_segment *segment = nullptr;

	in_segment() { need(fl_segment_open(&segment, nullptr, nullptr) == 0, "after-kills: no segment"); }
	~in_segment() { fl_segment_close(segment); }
	in_segment(const in_segment &) = delete;
	in_segment &operator=(const in_segment &) = delete;
};

struct a_lock : in_segment {
	fl_lock *lock = nullptr;

	a_lock() { need(fl_segment_lock(segment, "lock", &lock) == 1, "after-kills: no lock"); }
	void use()
	{
		fl_lock_acquire(lock);
		fl_lock_release(lock);
	}
	void hold() { fl_lock_acquire(lock); }
	void inherit()
	{
		need(fl_lock_acquire(lock) == -EOWNERDEAD && fl_lock_mend(lock) == 0, "after-kills: nobody had died");
		fl_lock_release(lock);
	}
};

struct a_semaphore : in_segment {
	fl_semaphore *seats = nullptr;

	a_semaphore()
	{
		need(fl_segment_semaphore_holders(segment, "seats", 3, &seats) == 1, "after-kills: no semaphore");
	}
	void use()
	{
		fl_semaphore_acquire(seats);
		fl_semaphore_release(seats, 1);
	}
	void hold() { fl_semaphore_acquire(seats); }
	void inherit()
	{
		for (int i = 0; i < 3; i++)
			need(fl_semaphore_acquire_try(seats), "after-kills: a permit is gone");
		fl_semaphore_release(seats, 3);
	}
};

struct a_queue : in_segment {
	fl_shared_queue *queue = nullptr;
	char item[64] = {1};

	a_queue()
	{
		fl_shared_queue_options options = {};

		need(fl_segment_queue(segment, "items", &options, &queue) == 1, "after-kills: no queue");
	}
	void use()
	{
		fl_shared_queue_put(queue, item, sizeof item);
		fl_shared_queue_get(queue, item, sizeof item, nullptr);
	}
	void hold()
	{
		fl_shared_queue_item taken;

		fl_shared_queue_put(queue, item, sizeof item);
		need(fl_shared_queue_peek(queue, &taken) == 0, "after-kills: nothing to have");
	}
	void inherit()
	{
		need(fl_shared_queue_get_try(queue, item, sizeof item, nullptr) == sizeof item,
		     "after-kills: an item is gone");
	}
};

template <class object> static __attribute__((noinline)) int64_t time_use(object &of, uint64_t n)
{
	int64_t begin = bench_now();

	for (; n > 0; n--)
		of.use();
	return bench_now() - begin;
}

template <class object> static int64_t time_before(uint64_t n)
{
	object of;

	return time_use(of, n);
}

template <class object> static void kill_users(object &of)
{
	for (unsigned i = bench_settings.quick ? QUICK_KILLS : KILLS; i > 0; i--) {
		pid_t child = fork();

		need(child >= 0, "after-kills: cannot fork");
		if (child == 0) {
			of.hold();
			raise(SIGKILL);
		}
		need(waitpid(child, nullptr, 0) == child, "after-kills: a child is gone");
		of.inherit();
	}
}

template <class object> static int64_t time_after(uint64_t n)
{
	static object of;
	static bool killed;

	if (!killed)
		kill_users(of);
	killed = true;
	return time_use(of, n);
}

/* clang-format off */
#define AFTER_KILLS(title, text, object) \
	{ \
		.cpus = 1, \
		.metrics = {{ \
			.name = title, .what = text, .unit = "ns", .scale = 1, \
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "before any kill", 1.02}}, \
		}}, \
		.contestants = { \
			{"fairlead", BENCH_FAIRLEAD, time_after<object>}, \
			{"before any kill", BENCH_REFERENCE, time_before<object>}, \
		}, \
	}

const struct bench bench_after_kills[] = {
	AFTER_KILLS("after-kills-lock", "acquire + release of a shared lock, after 1000 kills", a_lock),
	AFTER_KILLS("after-kills-semaphore", "the same of a semaphore with holders, after 1000 kills", a_semaphore),
	AFTER_KILLS("after-kills-queue", "put + get of a shared queue, after 1000 kills", a_queue),
	{},
};
/* clang-format on */
