/*
 * bench/barrier.cc - 2 and 8 threads that meet again and again.
 *
 * The time is that of one meeting, until the first thread of the crew has gone through its last one. Two threads are
 * pinned to two CPUs; eight are placed by the kernel, more of them than most machines of this size have CPUs, so that
 * a barrier that only spins is punished for it. Abseil's barrier can be used once only, so it does not take part.
 */
#include "c_peers.hh"
#include "harness.h"

#include <barrier>
#include <fairlead/barrier.h>
#include <pthread.h>

template <unsigned parties> struct fairlead_meeting {
	struct party {
	};
	fl_barrier barrier = FL_BARRIER_INIT(parties, nullptr, nullptr);

	void wait(party &) { fl_barrier_wait(&barrier); }
};

template <unsigned parties> struct pthread_meeting {
	struct party {
	};
	pthread_barrier_t barrier;

	pthread_meeting() { pthread_barrier_init(&barrier, nullptr, parties); }
	~pthread_meeting() { pthread_barrier_destroy(&barrier); }
	void wait(party &) { pthread_barrier_wait(&barrier); }
};

template <unsigned parties> struct std_meeting {
	struct party {
	};
	std::barrier<> barrier{parties};

	void wait(party &) { barrier.arrive_and_wait(); }
};

template <unsigned parties> struct ck_meeting {
	struct party {
		ck_barrier_centralized_state_t state = CK_BARRIER_CENTRALIZED_STATE_INITIALIZER;
	};
	ck_barrier_centralized_t barrier = CK_BARRIER_CENTRALIZED_INITIALIZER;

	void wait(party &mine) { ck_barrier_centralized(&barrier, &mine.state, parties); }
};

template <class meeting> struct meetings {
	alignas(BENCH_CACHE_LINE) meeting object;
	uint64_t n = 0;
	int64_t took = 0;

	static void attend(void *arg, unsigned index)
	{
		auto *all = static_cast<meetings *>(arg);
		typename meeting::party party;
		int64_t start = bench_now();

		for (uint64_t i = all->n; i > 0; i--)
			all->object.wait(party);
		if (index == 0)
			all->took = bench_now() - start;
	}
};

template <template <unsigned> class meeting, unsigned parties, bench_placement placement>
static int64_t time_meetings(uint64_t n)
{
	using all_of = meetings<meeting<parties>>;
	auto *all = new all_of;
	struct bench_crew crew;

	all->n = n;
	bench_crew_start(&crew, placement, parties, all_of::attend, all);
	bench_crew_join(&crew);
	int64_t took = all->took;

	delete all;
	return took;
}

const struct bench bench_barrier[] = {
	{
		.cpus = 2,
		.metrics = {{
			.name = "barrier-2",
			.what = "2 threads on two CPUs meet at a barrier",
			.unit = "us",
			.scale = 1e-3,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.1}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_meetings<fairlead_meeting, 2, BENCH_APART>},
				{"pthread", BENCH_PEER, time_meetings<pthread_meeting, 2, BENCH_APART>},
				{"std::barrier", BENCH_PEER, time_meetings<std_meeting, 2, BENCH_APART>},
				{"ck centralized", BENCH_SPINNER, time_meetings<ck_meeting, 2, BENCH_APART>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "barrier-8",
			.what = "8 threads meet at a barrier",
			.unit = "us",
			.scale = 1e-3,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread", 0.5}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_meetings<fairlead_meeting, 8, BENCH_FREE>},
				{"pthread", BENCH_PEER, time_meetings<pthread_meeting, 8, BENCH_FREE>},
				{"std::barrier", BENCH_PEER, time_meetings<std_meeting, 8, BENCH_FREE>},
				{"ck centralized", BENCH_SPINNER, time_meetings<ck_meeting, 8, BENCH_FREE>},
			},
	},
	{},
};
