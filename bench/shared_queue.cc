/*
 * bench/shared_queue.cc - the queue between processes, beside others that carry items from one to another.
 *
 * The two processes are on processors of their own. One way: as fast as it goes, and the last item is answered; an
 * item's share of that. There and back: each item is answered with one of the same size, by a second queue. Fairlead's
 * queue and Boost's have room for 64 items, the pipe and the socket for what the kernel gives them, POSIX's queue for
 * the ten that any user may ask for.
 *
 * "In place": each item is reserved and committed, and then peeked at and done, and nobody copies. "A cache line" is a
 * number in memory that one process changes and the other one looks at, in each direction.
 */
#include "harness.h"
#include "messages.hh"
#include "pipe_ways.hh"
#include "python.hh"

#include <fairlead/shared_queue.h>
#include <string>
#include <sys/mman.h>

/* All of a round in one segment. */
struct queue_way {
	static inline fl_segment *segment;
	static inline unsigned users, number;
	fl_shared_queue *queue = nullptr;

	explicit queue_way(size_t size)
	{
		fl_segment_options room = {};
		fl_shared_queue_options options = {};

		room.size = 300 * (size + 64) + (1 << 16);
		options.item_size = static_cast<uint32_t>(size);
		bench_need(users++ > 0 || fl_segment_open(&segment, nullptr, &room) == 0,
			   "shared-queue: cannot make a segment");
		bench_need(fl_segment_queue(segment, std::to_string(number++).c_str(), &options, &queue) == 1,
			   "shared-queue: cannot make a queue");
	}
	~queue_way()
	{
		if (--users == 0)
			segment = fl_segment_close(segment);
	}
	queue_way(const queue_way &) = delete;
	queue_way &operator=(const queue_way &) = delete;
	void be_sender() {}
	void be_receiver() {}
};

struct copied : queue_way {
	using queue_way::queue_way;
	void send(const void *data, size_t size)
	{
		bench_need(fl_shared_queue_put(queue, data, size) == 0, "shared-queue: cannot put");
	}
	void receive(void *data, size_t most)
	{
		bench_need(fl_shared_queue_get(queue, data, most, nullptr) >= 0, "shared-queue: cannot get");
	}
};

/* Handed out again if its taker dies. */
struct held : copied {
	using copied::copied;
	void receive(void *data, size_t most)
	{
		fl_shared_queue_item item;

		bench_need(fl_shared_queue_get(queue, data, most, &item) >= 0 &&
				   fl_shared_queue_task_done(queue, &item) == 0,
			   "shared-queue: cannot get");
	}
};

struct in_place : queue_way {
	using queue_way::queue_way;
	void send(const void *, size_t size)
	{
		fl_shared_queue_item item;

		bench_need(fl_shared_queue_reserve(queue, &item) == 0, "shared-queue: cannot reserve");
		item.size = size;
		bench_need(fl_shared_queue_commit(queue, &item) == 0, "shared-queue: cannot commit");
	}
	void receive(void *, size_t)
	{
		fl_shared_queue_item item;

		bench_need(fl_shared_queue_peek(queue, &item) == 0 && fl_shared_queue_task_done(queue, &item) == 0,
			   "shared-queue: cannot peek");
	}
};

struct cache_line {
	uint32_t *number;
	uint32_t seen = 0;

	explicit cache_line(size_t)
	{
		void *at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		bench_need(at != MAP_FAILED, "shared-queue: no memory");
		number = static_cast<uint32_t *>(at);
	}
	~cache_line() { munmap(number, 4096); }
	void be_sender() {}
	void be_receiver() {}
	void send(const void *, size_t) { __atomic_store_n(number, ++seen, __ATOMIC_RELEASE); }
	void receive(void *, size_t)
	{
		while (__atomic_load_n(number, __ATOMIC_ACQUIRE) == seen)
			bench_relax();
		seen++;
	}
};

/* ---- Python ---- */

static const char script[] = "import multiprocessing, os, sys, time\n"
			     "there, back = multiprocessing.Queue(), multiprocessing.Queue()\n"
			     "def answer():\n"
			     "    while True:\n"
			     "        item = there.get()\n"
			     "        if item is None:\n"
			     "            return\n"
			     "        if item[0] == 1:\n"
			     "            back.put(item)\n"
			     "item, last = bytes(64), b'\\1' + bytes(63)\n"
			     "other = multiprocessing.Process(target=answer)\n"
			     "other.start()\n"
			     "there.put(last); back.get()\n"
			     "for line in sys.stdin:\n"
			     "    n = int(line)\n"
			     "    begin = time.monotonic_ns()\n"
			     "    if sys.argv[1] == 'back':\n"
			     "        for i in range(n):\n"
			     "            there.put(last); back.get()\n"
			     "    else:\n"
			     "        for i in range(n - 1):\n"
			     "            there.put(item)\n"
			     "        there.put(last); back.get()\n"
			     "    print(time.monotonic_ns() - begin, flush=True)\n"
			     "there.put(None)\n"
			     "other.join()\n";

template <bool answered> static int64_t time_python(uint64_t n)
{
	static interpreter python;

	if (!python.to)
		python.start(script, answered ? "back" : "there");
	return python.ask(n);
}

/* clang-format off */
#define ONE_WAY(way, size) time_messages<way, size, false, true>
#define AND_BACK(way, size) time_messages<way, size, true, true>

#define WAYS(kind, size) \
	{"fairlead", BENCH_FAIRLEAD, kind(copied, size)}, \
	{"fairlead, until done", BENCH_VARIANT, kind(held, size)}, \
	{"fairlead, in place", BENCH_VARIANT, kind(in_place, size)}, \
	{"pipe(2)", BENCH_PEER, kind(unix_pipe, size)}, \
	{"socketpair, stream", BENCH_PEER, kind(stream_socket, size)}, \
	{"POSIX mq", BENCH_PEER, kind(posix_queue, size)}, \
	{"Boost message_queue", BENCH_PEER, kind(boost_queue_of<64>, size)}

const struct bench bench_shared_queue[] = {
	{
		.cpus = 2,
		.metrics = {{
			.name = "shared-queue-64", .what = "an item of 64 bytes, to a process on another CPU",
			.unit = "us", .scale = 0.001,
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "Boost message_queue", 1 / 1.2},
				 {BENCH_AIM_RATIO_AT_MOST, "pipe(2)", 1 / 1.5}},
		}},
		.contestants = {
			WAYS(ONE_WAY, SMALL),
			{"Python multiprocessing.Queue", BENCH_PEER, time_python<false>},
		},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "shared-queue-64-back",
			.what = "an item of 64 bytes to a process on another CPU, and another one back",
			.unit = "us", .scale = 0.001,
			.aims = {{BENCH_AIM_AT_MOST, nullptr, 0.6}, {BENCH_AIM_RATIO_AT_MOST, "a cache line", 4}},
		}},
		.contestants = {
			WAYS(AND_BACK, SMALL),
			{"Python multiprocessing.Queue", BENCH_PEER, time_python<true>},
			{"a cache line", BENCH_FLOOR, AND_BACK(cache_line, SMALL)},
		},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "shared-queue-64k", .what = "an item of 64 KiB, to a process on another CPU",
			.unit = "us", .scale = 0.001, .aims = {{BENCH_AIM_RATIO_AT_MOST, nullptr, 0.5}},
		}},
		.contestants = {WAYS(ONE_WAY, MEDIUM)},
	},
	{},
};
/* clang-format on */
