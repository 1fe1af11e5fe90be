/*
 * bench/shared.cc - what processes share: a lock that nobody else wants, in a process that has a second (idle) thread,
 * and how long it takes to make a million of them.
 *
 * The robust mutex of pthreads is the peer: it is the only other one that survives its holder (README, "Who survives
 * kills"). Those that get stuck then, and Fairlead's private lock, are there for comparison.
 */
#include "shared.hh"
#include "harness.h"
#include "in_segment.hh"
#include "locks.hh"

#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <sys/mman.h>

enum : uint64_t { MILLION = 1000000 };

struct fairlead_shared : lock_in_segment {
	using held = nothing;

	void acquire(held &) { fl_lock_acquire(lock); }
	void release(held &) { fl_lock_release(lock); }
};

template <int robust> struct pthread_shared {
	using held = nothing;
	in_shared_memory<pthread_mutex_t> lock;

	pthread_shared() { init_shared(lock.at, robust); }
	~pthread_shared() { pthread_mutex_destroy(lock.at); }
	void acquire(held &) { pthread_mutex_lock(lock.at); }
	void release(held &) { pthread_mutex_unlock(lock.at); }
};

struct boost_shared {
	using held = nothing;
	in_shared_memory<boost::interprocess::interprocess_mutex> lock;

	boost_shared() { new (lock.at) boost::interprocess::interprocess_mutex; }
	~boost_shared() { lock.at->~interprocess_mutex(); }
	void acquire(held &) { lock.at->lock(); }
	void release(held &) { lock.at->unlock(); }
};

/* Of how long it took to make whole millions, the part that is for n. */
static int64_t share_of(int64_t took, uint64_t n)
{
	return took * (int64_t)n / (int64_t)((n + MILLION - 1) / MILLION * MILLION);
}

/* Makes n locks, a million at a time, with the memory that they are in, and acquires each once. */
static int64_t time_make_fairlead(uint64_t n)
{
	static const fl_segment_type type = {"words", 1, 0, sizeof(uint64_t)};
	fl_segment_options options{};
	int64_t took = 0;

	options.size = 16 << 20;
	for (uint64_t made = 0; made < n; made += MILLION) {
		fl_segment *segment;
		uint64_t *where;
		void *words;

		bench_need(fl_segment_open(&segment, nullptr, &options) == 0, "no segment");
		bench_need(fl_segment_object(segment, "words", &type, nullptr, nullptr, &words) == 1, "no word");
		where = static_cast<uint64_t *>(words);
		int64_t begin = bench_now();

		bench_need(fl_segment_alloc(segment, MILLION * sizeof(fl_lock), where) == 0, "no memory");
		fl_lock *locks = static_cast<fl_lock *>(fl_segment_at(segment, *where, MILLION * sizeof(fl_lock)));

		for (uint64_t i = 0; i < MILLION; i++) {
			fl_lock_init_shared(&locks[i]);
			fl_lock_acquire(&locks[i]);
			fl_lock_release(&locks[i]);
		}
		took += bench_now() - begin;
		fl_segment_close(segment);
	}
	return share_of(took, n);
}

static int64_t time_make_pthread(uint64_t n)
{
	int64_t took = 0;

	for (uint64_t made = 0; made < n; made += MILLION) {
		int64_t begin = bench_now();
		size_t size = MILLION * sizeof(pthread_mutex_t);
		void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		auto *locks = static_cast<pthread_mutex_t *>(memory);

		bench_need(memory != MAP_FAILED, "no shared memory");
		for (uint64_t i = 0; i < MILLION; i++) {
			init_shared(&locks[i], PTHREAD_MUTEX_ROBUST);
			pthread_mutex_lock(&locks[i]);
			pthread_mutex_unlock(&locks[i]);
		}
		took += bench_now() - begin;
		munmap(memory, size);
	}
	return share_of(took, n);
}

const struct bench bench_shared[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "shared-lock",
			.what = "acquire + release of a free lock that processes share",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread robust", 0.78}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_uncontended<fairlead_shared>},
				{"pthread robust", BENCH_PEER, time_uncontended<pthread_shared<PTHREAD_MUTEX_ROBUST>>},
				{"pthread shared", BENCH_REFERENCE,
				 time_uncontended<pthread_shared<PTHREAD_MUTEX_STALLED>>},
				{"Boost interprocess", BENCH_REFERENCE, time_uncontended<boost_shared>},
				{"fairlead, private", BENCH_REFERENCE, time_uncontended<fairlead_lock>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "shared-locks-made",
			.what = "a million locks that processes share: made, acquired and released, each",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, time_make_fairlead},
				{"pthread robust", BENCH_PEER, time_make_pthread},
			},
	},
	{},
};
