/*
 * bench/turns.cc - two processes on one CPU that hand a turn back and forth by a condition.
 *
 * A round trip is two turns, each a wait for the other process: what is measured is how many switches and system calls
 * a turn takes. The peers are pthreads' condition between processes, over a mutex that survives its holder, as
 * Fairlead's does, and over one that does not.
 */
#include "harness.h"
#include "in_segment.hh"

#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct fairlead_turns : in_segment {
	struct memory {
		fl_lock lock;
		fl_condition changed;
		unsigned turn;
	};
	memory *at = nullptr;

	static int init(void *object, void *)
	{
		auto *made = static_cast<memory *>(object);

		fl_lock_init_shared(&made->lock);
		fl_condition_init_lock_shared(&made->changed, &made->lock);
		return 0;
	}
	fairlead_turns()
	{
		static const fl_segment_type type = {"turns", 1, 0, sizeof(memory)};
		void *object = nullptr;

		bench_need(fl_segment_object(segment, "turns", &type, init, nullptr, &object) == 1, "no object in it");
		at = static_cast<memory *>(object);
	}
	void take(unsigned mine)
	{
		fl_lock_acquire(&at->lock);
		while (at->turn != mine)
			fl_condition_wait(&at->changed);
		at->turn = !mine;
		fl_condition_notify(&at->changed, 1);
		fl_lock_release(&at->lock);
	}
};

template <int robust> struct pthread_turns {
	struct memory {
		pthread_mutex_t lock;
		pthread_cond_t changed;
		unsigned turn;
	};
	memory *at;

	pthread_turns()
	{
		void *memory_at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pthread_mutexattr_t of_lock;
		pthread_condattr_t of_condition;

		bench_need(memory_at != MAP_FAILED, "no shared memory");
		at = static_cast<memory *>(memory_at);
		pthread_mutexattr_init(&of_lock);
		pthread_mutexattr_setpshared(&of_lock, PTHREAD_PROCESS_SHARED);
		pthread_mutexattr_setrobust(&of_lock, robust);
		pthread_mutex_init(&at->lock, &of_lock);
		pthread_condattr_init(&of_condition);
		pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_SHARED);
		pthread_cond_init(&at->changed, &of_condition);
	}
	~pthread_turns() { munmap(at, 4096); }
	void take(unsigned mine)
	{
		pthread_mutex_lock(&at->lock);
		while (at->turn != mine)
			pthread_cond_wait(&at->changed, &at->lock);
		at->turn = !mine;
		pthread_cond_signal(&at->changed);
		pthread_mutex_unlock(&at->lock);
	}
};

/* Keeps this process, and those that it forks, on the CPU that it is on. Returns where it was allowed to be. */
static cpu_set_t stay_here()
{
	cpu_set_t before, here;

	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	bench_need(sched_setaffinity(0, sizeof(here), &here) == 0, "cannot stay on one CPU");
	return before;
}

/* The first turn waits until the other process runs: it is taken before the time is. */
template <class turns> static int64_t time_turns(uint64_t n)
{
	cpu_set_t before = stay_here();
	turns object;
	pid_t child = fork();
	int64_t took;
	int status;

	bench_need(child >= 0, "cannot fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uint64_t i = 0; i <= n; i++)
			object.take(1);
		_exit(0);
	}
	object.take(0);
	took = bench_now();
	for (uint64_t i = 0; i < n; i++)
		object.take(0);
	took = bench_now() - took;
	bench_need(waitpid(child, &status, 0) == child && status == 0, "the other process failed");
	sched_setaffinity(0, sizeof(before), &before);
	return took;
}

const struct bench bench_turns[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "shared-condition",
			.what = "a turn to another process and back, by a condition, on one CPU",
			.unit = "us",
			.scale = 1e-3,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread robust", 0.6}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_turns<fairlead_turns>},
				{"pthread robust", BENCH_PEER, time_turns<pthread_turns<PTHREAD_MUTEX_ROBUST>>},
				{"pthread shared", BENCH_PEER, time_turns<pthread_turns<PTHREAD_MUTEX_STALLED>>},
			},
	},
	{},
};
