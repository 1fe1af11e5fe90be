/*
 * bench/shared_after_kills.cc - whether objects that processes share are as quick as before when a thousand of their
 * users have been killed in the middle of it: one after the other, each holding the lock, a permit or an item.
 */
#include "harness.h"
#include "in_segment.hh"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

enum : unsigned { KILLS = 1000, QUICK_KILLS = 50 };

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

		bench_need(child >= 0, "after-kills: cannot fork");
		if (child == 0) {
			of.hold();
			raise(SIGKILL);
		}
		bench_need(waitpid(child, nullptr, 0) == child, "after-kills: a child is gone");
		of.inherit();
		of.drop();
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
	AFTER_KILLS("after-kills-lock", "acquire + release of a shared lock, after 1000 kills", lock_in_segment),
	AFTER_KILLS("after-kills-semaphore", "the same of a semaphore with holders, after 1000 kills",
		    semaphore_in_segment<3>),
	AFTER_KILLS("after-kills-queue", "put + get of a shared queue, after 1000 kills", queue_in_segment),
	{},
};
/* clang-format on */
