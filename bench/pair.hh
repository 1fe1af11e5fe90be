/*
 * bench/pair.hh - two threads that hand a turn back and forth.
 *
 * A game has a function for each of its two players, ping(n) and pong(n), each of which gives the turn away and gets
 * it back n times. Games are made of two baton objects with release and acquire (a semaphore, an event, a bare
 * futex), or of one monitor. The players are pinned to two CPUs, or the whole process is kept on one. What is
 * returned is the time of n round trips.
 */
#ifndef FAIRLEAD_BENCH_PAIR_HH
#define FAIRLEAD_BENCH_PAIR_HH

#include "harness.h"

/* An object with which a thread tells another that it may go on. */
template <class baton> struct baton_game {
	baton there, back;

	void ping(uint64_t n)
	{
		for (; n > 0; n--) {
			there.release();
			back.acquire();
		}
	}
	void pong(uint64_t n)
	{
		for (; n > 0; n--) {
			there.acquire();
			back.release();
		}
	}
};

/* A lock and a condition around the number of whose turn it is. */
template <class monitor> struct monitor_game {
	monitor object;
	int turn = 0;

	void play(int mine, uint64_t n)
	{
		for (; n > 0; n--) {
			object.acquire();
			while (turn != mine)
				object.wait();
			turn = !mine;
			object.notify();
			object.release();
		}
	}
	void ping(uint64_t n) { play(0, n); }
	void pong(uint64_t n) { play(1, n); }
};

template <class game> struct pair_of {
	game object;
	uint64_t n = 0;
	int64_t took = 0;

	static void play(void *arg, unsigned index)
	{
		auto *pair = static_cast<pair_of *>(arg);

		if (index == 1) {
			pair->object.pong(pair->n);
			return;
		}
		int64_t start = bench_now();

		pair->object.ping(pair->n);
		pair->took = bench_now() - start;
	}
};

template <class game, bench_placement placement> int64_t time_pair(uint64_t n)
{
	auto *pair = new pair_of<game>;
	struct bench_crew crew;

	pair->n = n;
	bench_crew_start(&crew, placement, 2, pair_of<game>::play, pair);
	bench_crew_join(&crew);
	int64_t took = pair->took;

	delete pair;
	return took;
}

#endif
