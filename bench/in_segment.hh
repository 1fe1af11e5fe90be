/*
 * bench/in_segment.hh - a segment for one benchmark; and what one process may hold in it, be killed with, and another
 * one inherit.
 */
#ifndef FAIRLEAD_BENCH_IN_SEGMENT_HH
#define FAIRLEAD_BENCH_IN_SEGMENT_HH

#include "machine.h"

#include <cerrno>
#include <fairlead/segment.h>
#include <fairlead/shared_queue.h>

struct in_segment {
	fl_segment *segment = nullptr;

	in_segment() { bench_need(fl_segment_open(&segment, nullptr, nullptr) == 0, "no segment"); }
	~in_segment() { fl_segment_close(segment); }
	in_segment(const in_segment &) = delete;
	in_segment &operator=(const in_segment &) = delete;
};

/* use() is what is done all the time; hold() is of who is killed; inherit(), which waits for that, and then drop(), are
 * of the next one. */

struct lock_in_segment : in_segment {
	fl_lock *lock = nullptr;

	lock_in_segment() { bench_need(fl_segment_lock(segment, "lock", &lock) == 1, "no lock"); }
	void use()
	{
		fl_lock_acquire(lock);
		fl_lock_release(lock);
	}
	void hold() { bench_need(fl_lock_acquire(lock) == 0, "the lock is not free"); }
	void inherit() { bench_need(fl_lock_acquire(lock) == -EOWNERDEAD, "nobody had died with the lock"); }
	void drop()
	{
		bench_need(fl_lock_mend(lock) == 0, "the lock cannot be mended");
		fl_lock_release(lock);
	}
};

/* Who inherits waits for one permit; then all have to be there. */
template <uint32_t permits> struct semaphore_in_segment : in_segment {
	fl_semaphore *seats = nullptr;

	semaphore_in_segment()
	{
		bench_need(fl_segment_semaphore_holders(segment, "seats", permits, &seats) == 1, "no semaphore");
	}
	void use()
	{
		fl_semaphore_acquire(seats);
		fl_semaphore_release(seats, 1);
	}
	void hold() { bench_need(fl_semaphore_acquire(seats) == 0, "no permit"); }
	void inherit()
	{
		hold();
		for (uint32_t i = 1; i < permits; i++)
			bench_need(fl_semaphore_acquire_try(seats), "a permit is gone");
	}
	void drop() { fl_semaphore_release(seats, permits); }
};

struct queue_in_segment : in_segment {
	fl_shared_queue *queue = nullptr;
	char item[64] = {1};

	queue_in_segment()
	{
		fl_shared_queue_options options = {};

		bench_need(fl_segment_queue(segment, "items", &options, &queue) == 1, "no queue");
	}
	void use()
	{
		fl_shared_queue_put(queue, item, sizeof item);
		fl_shared_queue_get(queue, item, sizeof item, nullptr);
	}
	void hold()
	{
		fl_shared_queue_item taken;

		bench_need(fl_shared_queue_put(queue, item, sizeof item) == 0, "no room");
		bench_need(fl_shared_queue_peek(queue, &taken) == 0, "nothing to have");
	}
	void inherit()
	{
		int size =
			fl_shared_queue_get_until(queue, item, sizeof item, nullptr, fl_after(FL_SECONDS(10)), nullptr);

		bench_need(size == sizeof item, "an item is gone");
	}
	void drop() {}
};

#endif
