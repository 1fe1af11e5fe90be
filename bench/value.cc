/*
 * bench/value.cc - numbers that processes share: to add to one, and to read and write 64 KiB of them at once, with
 * nobody else about.
 *
 * The peers hold a robust mutex, which survives its holder as a Value does, or an rwlock, which does not, as there is
 * no robust one. The floors are the same without any protection of several steps: C11's atomic_fetch_add, and memcpy.
 */
#include "harness.h"
#include "in_segment.hh"
#include "shared.hh"

#include <atomic>
#include <cstring>
#include <fairlead/array.h>

enum : size_t { NUMBERS = 8192 };

struct fairlead_value : in_segment {
	fl_value_int64 *value = nullptr;

	fairlead_value()
	{
		if (fl_segment_value_int64(segment, "value", 0, &value) != 1)
			bench_fail("a value");
	}
	void add() { fl_value_int64_add(value, 1); }
};

struct fairlead_double : in_segment {
	fl_value_double *value = nullptr;

	fairlead_double()
	{
		if (fl_segment_value_double(segment, "value", 0, &value) != 1)
			bench_fail("a value");
	}
	void add() { fl_value_double_add(value, 1); }
};

struct fairlead_array : in_segment {
	fl_array array{};
	uint64_t own[NUMBERS] = {};

	fairlead_array()
	{
		static const fl_segment_type type = {"uint64_t", 1, 0, sizeof(uint64_t)};

		if (fl_segment_array(segment, "array", &type, NUMBERS, &array) != 1)
			bench_fail("an array");
		write();
	}
	void add() { fl_array_add(&array, 5, 1, nullptr); }
	void read()
	{
		if (fl_array_read(&array, 0, NUMBERS, own) != 0)
			bench_fail("fl_array_read");
	}
	void write() { fl_array_write(&array, 0, NUMBERS, own); }
};

struct floor_value {
	in_shared_memory<std::atomic<uint64_t>> memory;

	void add() { memory.at->fetch_add(1); }
};

template <int robust> struct pthread_value {
	struct part {
		pthread_mutex_t mutex;
		uint64_t number;
	};
	in_shared_memory<part> memory;

	pthread_value() { init_shared(&memory.at->mutex, robust); }
	~pthread_value() { pthread_mutex_destroy(&memory.at->mutex); }
	void add()
	{
		pthread_mutex_lock(&memory.at->mutex);
		memory.at->number++;
		pthread_mutex_unlock(&memory.at->mutex);
	}
};

struct floor_array {
	struct part {
		uint64_t numbers[NUMBERS];
	};
	in_shared_memory<part> memory;
	uint64_t own[NUMBERS] = {};

	floor_array() { write(); }
	void read() { memcpy(own, memory.at->numbers, sizeof(own)); }
	void write() { memcpy(memory.at->numbers, own, sizeof(own)); }
};

struct pthread_array {
	struct part {
		pthread_rwlock_t lock;
		uint64_t numbers[NUMBERS];
	};
	in_shared_memory<part> memory;
	uint64_t own[NUMBERS] = {};

	pthread_array()
	{
		pthread_rwlockattr_t attributes;

		pthread_rwlockattr_init(&attributes);
		pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
		pthread_rwlock_init(&memory.at->lock, &attributes);
		pthread_rwlockattr_destroy(&attributes);
		write();
	}
	~pthread_array() { pthread_rwlock_destroy(&memory.at->lock); }
	void read()
	{
		pthread_rwlock_rdlock(&memory.at->lock);
		memcpy(own, memory.at->numbers, sizeof(own));
		pthread_rwlock_unlock(&memory.at->lock);
	}
	void write()
	{
		pthread_rwlock_wrlock(&memory.at->lock);
		memcpy(memory.at->numbers, own, sizeof(own));
		pthread_rwlock_unlock(&memory.at->lock);
	}
};

/* Nanoseconds for n calls. */
template <class thing, void (thing::*call)()> static int64_t time_calls(uint64_t n)
{
	static thing object;
	int64_t start = bench_now();

	for (; n > 0; n--) {
		(object.*call)();
		bench_fence();
	}
	return bench_now() - start;
}

#define TIME(thing, call) (time_calls<thing, &thing::call>)

const struct bench bench_value[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "value-add",
			.what = "+= 1 on a number that processes share",
			.unit = "ns",
			.scale = 1,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "pthread robust", 0.5}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, TIME(fairlead_value, add)},
				{"pthread robust", BENCH_PEER, TIME(pthread_value<PTHREAD_MUTEX_ROBUST>, add)},
				{"pthread shared", BENCH_REFERENCE, TIME(pthread_value<PTHREAD_MUTEX_STALLED>, add)},
				{"fairlead, double", BENCH_VARIANT, TIME(fairlead_double, add)},
				{"fairlead, array", BENCH_VARIANT, TIME(fairlead_array, add)},
				{"atomic fetch_add", BENCH_FLOOR, TIME(floor_value, add)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "array-read",
			.what = "64 KiB that processes share are read, never torn",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, TIME(fairlead_array, read)},
				{"pthread rwlock", BENCH_PEER, TIME(pthread_array, read)},
				{"memcpy", BENCH_FLOOR, TIME(floor_array, read)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "array-write",
			.what = "64 KiB that processes share are written, never torn",
			.unit = "ns",
			.scale = 1,
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, TIME(fairlead_array, write)},
				{"pthread rwlock", BENCH_PEER, TIME(pthread_array, write)},
				{"memcpy", BENCH_FLOOR, TIME(floor_array, write)},
			},
	},
	{},
};
