/*
 * bench/events.hh - events for the hand-over between two threads: set, and wait-then-clear.
 *
 * Among the peers only C++20 has something like an event that can be cleared (wait and notify on an atomic); what C
 * programmers write in its place is a flag under a mutex with a condition variable, so that takes part too.
 */
#ifndef FAIRLEAD_BENCH_EVENTS_HH
#define FAIRLEAD_BENCH_EVENTS_HH

#include "machine.h"

#include <atomic>
#include <fairlead/event.h>
#include <pthread.h>

struct alignas(BENCH_CACHE_LINE) fairlead_event {
	fl_event event = FL_EVENT_INIT;

	void release() { fl_event_set(&event); }
	void acquire()
	{
		fl_event_wait(&event);
		fl_event_clear(&event);
	}
};

struct alignas(BENCH_CACHE_LINE) std_atomic_event {
	std::atomic<int> flag{0};

	void release()
	{
		flag.store(1, std::memory_order_release);
		flag.notify_all();
	}
	void acquire()
	{
		flag.wait(0, std::memory_order_acquire);
		flag.store(0, std::memory_order_relaxed);
	}
};

struct alignas(BENCH_CACHE_LINE) pthread_event {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	bool flag = false;

	void release()
	{
		pthread_mutex_lock(&lock);
		flag = true;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	void acquire()
	{
		pthread_mutex_lock(&lock);
		while (!flag)
			pthread_cond_wait(&changed, &lock);
		flag = false;
		pthread_mutex_unlock(&lock);
	}
};

#endif
