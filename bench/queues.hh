/*
 * bench/queues.hh - bounded queues of 64-bit items behind the same two names, for templates; see locks.hh.
 *
 * put waits while the queue is full, get while it is empty. No item is 0, since GLib's queue is one of pointers, and
 * NULL is none. What C and C++ programmers write themselves is a ring with a lock and a condition for each side; here
 * it is written once and filled in with pthread's and Abseil's. GLib's queue knows no bound: its puts never wait, and
 * it allocates for each item. ConcurrencyKit's ring never waits at all; here its threads spin for a moment and then
 * give the processor away, which is what a program without a blocking queue does.
 */
#ifndef FAIRLEAD_BENCH_QUEUES_HH
#define FAIRLEAD_BENCH_QUEUES_HH

#include "c_peers.hh"
#include "machine.h"

#include <absl/synchronization/mutex.h>
#include <fairlead/queue.h>
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <tbb/concurrent_queue.h>

enum { QUEUE_LIMIT = 1024 };

/* ---- Fairlead ---- */

template <fl_queue_kind kind, uint64_t limit> struct fairlead_queue_of {
	fl_queue *queue = nullptr;

	fairlead_queue_of()
	{
		fl_queue_options options = {};

		options.kind = kind;
		options.item_size = sizeof(uint64_t);
		options.limit = limit;
		if (fl_queue_create(&queue, &options) != 0)
			bench_fail("no queue");
	}
	~fairlead_queue_of() { fl_queue_destroy(queue); }
	void put(uint64_t item) { fl_queue_put(queue, &item); }
	uint64_t get()
	{
		uint64_t item = 0;

		fl_queue_get(queue, &item);
		return item;
	}
};

using fairlead_queue = fairlead_queue_of<FL_QUEUE_FIFO, QUEUE_LIMIT>;
using fairlead_unbounded = fairlead_queue_of<FL_QUEUE_FIFO, 0>;
using fairlead_lifo = fairlead_queue_of<FL_QUEUE_LIFO, QUEUE_LIMIT>;
using fairlead_priority = fairlead_queue_of<FL_QUEUE_PRIORITY, QUEUE_LIMIT>;

/* ---- libraries ---- */

struct glib_queue {
	GAsyncQueue *queue = g_async_queue_new();

	~glib_queue() { g_async_queue_unref(queue); }
	void put(uint64_t item) { g_async_queue_push(queue, reinterpret_cast<void *>(item)); }
	uint64_t get() { return reinterpret_cast<uint64_t>(g_async_queue_pop(queue)); }
};

struct tbb_queue {
	tbb::concurrent_bounded_queue<uint64_t> queue;

	tbb_queue() { queue.set_capacity(QUEUE_LIMIT); }
	void put(uint64_t item) { queue.push(item); }
	uint64_t get()
	{
		uint64_t item;

		queue.pop(item);
		return item;
	}
};

struct ck_queue {
	alignas(BENCH_CACHE_LINE) ck_ring_t ring;
	ck_ring_buffer_t
		buffer[2 * QUEUE_LIMIT]; /* a ring of 2^k holds 2^k - 1, and this one has to hold QUEUE_LIMIT */

	ck_queue() { ck_ring_init(&ring, 2 * QUEUE_LIMIT); }
	static void wait(unsigned *tries)
	{
		if (++*tries % 64 == 0)
			sched_yield();
		else
			bench_relax();
	}
	void put(uint64_t item)
	{
		unsigned tries = 0;

		while (!ck_ring_enqueue_mpmc(&ring, buffer, reinterpret_cast<void *>(item)))
			wait(&tries);
	}
	uint64_t get()
	{
		unsigned tries = 0;
		void *item;

		while (!ck_ring_dequeue_mpmc(&ring, buffer, &item))
			wait(&tries);
		return reinterpret_cast<uint64_t>(item);
	}
};

/* ---- a ring, a lock, and a condition for each side ---- */

template <class monitor> struct alignas(BENCH_CACHE_LINE) ring_queue {
	monitor object;
	uint64_t first = 0, n = 0;
	uint64_t items[QUEUE_LIMIT];

	void put(uint64_t item)
	{
		object.acquire();
		while (n == QUEUE_LIMIT)
			object.wait(object.room);
		items[(first + n++) % QUEUE_LIMIT] = item;
		object.notify(object.some);
		object.release();
	}
	uint64_t get()
	{
		object.acquire();
		while (n == 0)
			object.wait(object.some);
		uint64_t item = items[first++ % QUEUE_LIMIT];

		n--;
		object.notify(object.room);
		object.release();
		return item;
	}
};

struct pthread_sides {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t some = PTHREAD_COND_INITIALIZER, room = PTHREAD_COND_INITIALIZER;

	void acquire() { pthread_mutex_lock(&lock); }
	void release() { pthread_mutex_unlock(&lock); }
	void wait(pthread_cond_t &condition) { pthread_cond_wait(&condition, &lock); }
	static void notify(pthread_cond_t &condition) { pthread_cond_signal(&condition); }
};

struct absl_sides {
	absl::Mutex lock;
	absl::CondVar some, room;

	void acquire() { lock.Lock(); }
	void release() { lock.Unlock(); }
	void wait(absl::CondVar &condition) { condition.Wait(&lock); }
	static void notify(absl::CondVar &condition) { condition.Signal(); }
};

using pthread_queue = ring_queue<pthread_sides>;
using absl_queue = ring_queue<absl_sides>;

#endif
