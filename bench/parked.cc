/*
 * bench/parked.cc - how long a thread that sleeps in the kernel takes to run again, once another gives it the turn.
 *
 * Hand-over in handover.cc is between threads that may spin. Here the receiver is known to be asleep. Two threads
 * take turns; whoever has the turn
 *
 *   1. waits until the other has announced that it is about to wait, and until the kernel's own account of that thread
 *      (/proc/self/task/.../stat) says that it sleeps; meanwhile it yields, so that both can share a CPU;
 *   2. is busy for another 250 us, so that a CPU left alone has become idle, as it would be behind anybody who really
 *      waits (Linux in a virtual machine polls for 200 us before it gives the CPU back);
 *   3. reads the clock, gives the turn away, and waits for it to come back;
 *   4. and the other, as soon as its wait returns, reads the clock: the difference is one figure.
 *
 * The steps are the same for all contestants, and so is the floor: a word, FUTEX_WAKE and FUTEX_WAIT, nothing else. A
 * round's figure is the median of its hand-overs, since a single one that the machine disturbed is far off. A lock
 * needs one thing more: its releaser must not take it back before the other has it, so it sleeps (bare futex) until
 * told, after the clock was read.
 */
#include "events.hh"
#include "harness.h"
#include "locks.hh"
#include "queues.hh"
#include "semaphores.hh"

#include <climits>
#include <fcntl.h>
#include <sched.h>
#include <vector>

enum { IDLE_NS = 250000 };

/* ---- a turn that is given away with a baton each way, or by releasing one lock ---- */

template <class baton> struct baton_turn {
	baton to[2];

	void begin() {}
	void end() {}
	void give(unsigned mine) { to[!mine].release(); }
	void await(unsigned mine) { to[mine].acquire(); }
	void taken(unsigned) {}
};

template <class lock> struct lock_turn {
	lock object;
	typename lock::held held[2];
	alignas(BENCH_CACHE_LINE) uint32_t holder = 0;

	void begin() { object.acquire(held[0]); }
	void end() { object.release(held[0]); }
	void give(unsigned mine)
	{
		object.release(held[mine]);
		while (__atomic_load_n(&holder, __ATOMIC_ACQUIRE) == mine)
			bench_futex_wait(&holder, mine);
	}
	void await(unsigned mine) { object.acquire(held[mine]); }
	void taken(unsigned mine)
	{
		__atomic_store_n(&holder, mine, __ATOMIC_RELEASE);
		bench_futex_wake(&holder, 1);
	}
};

/* The turn is an item in a queue. */
template <class queue> struct alignas(BENCH_CACHE_LINE) queue_baton {
	queue object;

	void release() { object.put(1); }
	void acquire() { object.get(); }
};

/* ---- is the other one asleep? ---- */

struct alignas(BENCH_CACHE_LINE) player {
	int stat = -1;
	bool waits = false; /* is about to wait for the turn, or does */
};

static void open_stat(player *player)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(syscall(SYS_gettid)));
	player->stat = open(path, O_RDONLY | O_CLOEXEC);
	if (player->stat < 0)
		bench_fail("cannot read /proc/self/task");
}

/* The state is the letter after the thread's name, which ends with the last bracket; the name of these has none. */
static bool is_asleep(int stat)
{
	char text[128];
	ssize_t length = pread(stat, text, sizeof text - 1, 0);

	if (length <= 0)
		bench_fail("cannot read the state of a thread");
	text[length] = '\0';
	for (const char *at = text; *at != '\0'; at++)
		if (*at == ')')
			return at[1] == ' ' && at[2] == 'S';
	return false;
}

static void await_asleep(const player *other)
{
	while (!__atomic_load_n(&other->waits, __ATOMIC_ACQUIRE))
		sched_yield();
	while (!is_asleep(other->stat))
		sched_yield();
	bench_spin_ns(IDLE_NS);
}

/* ---- the game ---- */

template <class turn> struct parked_game {
	turn object;
	player players[2];
	unsigned rounds = 0;
	int64_t given_at = 0;
	std::vector<double> samples; /* written by whoever has the turn */

	void give(unsigned mine)
	{
		await_asleep(&players[!mine]);
		given_at = bench_now();
		object.give(mine);
	}

	void await(unsigned mine)
	{
		__atomic_store_n(&players[mine].waits, true, __ATOMIC_RELEASE);
		object.await(mine);
		int64_t now = bench_now();

		__atomic_store_n(&players[mine].waits, false, __ATOMIC_RELAXED);
		samples.push_back(static_cast<double>(now - given_at));
		object.taken(mine);
	}

	static void play(void *arg, unsigned index)
	{
		auto *game = static_cast<parked_game *>(arg);

		open_stat(&game->players[index]);
		if (index == 0)
			game->object.begin();
		pthread_barrier_wait(&game->ready);
		for (unsigned i = 0; i < game->rounds; i++)
			if (index == 0) {
				game->give(0);
				game->await(0);
			} else {
				game->await(1);
				game->give(1);
			}
		pthread_barrier_wait(&game->ready);
		if (index == 0)
			game->object.end();
		close(game->players[index].stat);
	}

	pthread_barrier_t ready;

	parked_game() { pthread_barrier_init(&ready, nullptr, 2); }
	~parked_game() { pthread_barrier_destroy(&ready); }
};

template <class turn, bench_placement placement> static void measure_parked(double *ret_figures)
{
	auto *game = new parked_game<turn>;
	struct bench_crew crew;

	game->rounds = bench_settings.quick ? 10 : 50;
	game->samples.reserve(2 * static_cast<size_t>(game->rounds));
	bench_crew_start(&crew, placement, 2, parked_game<turn>::play, game);
	bench_crew_join(&crew);
	ret_figures[0] = bench_median(game->samples.data(), game->samples.size());
	delete game;
}

#define APART(turn) nullptr, measure_parked<turn, BENCH_APART>
#define ONE_CPU(turn) nullptr, measure_parked<turn, BENCH_ONE_CPU>

const struct bench bench_parked[] = {
	{
		.cpus = 2,
		.metrics = {{
			.name = "parked-semaphore",
			.what = "from releasing a semaphore until the thread that slept for it runs; two CPUs",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, APART(baton_turn<fairlead_semaphore>)},
				{"sem_t", BENCH_PEER, APART(baton_turn<posix_semaphore>)},
				{"floor: bare futex", BENCH_FLOOR, APART(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "parked-event",
			.what = "from setting an event until the thread that slept for it runs; two CPUs",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, APART(baton_turn<fairlead_event>)},
				{"pthread flag + cond", BENCH_PEER, APART(baton_turn<pthread_event>)},
				{"floor: bare futex", BENCH_FLOOR, APART(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "parked-lock",
			.what = "from releasing a lock until the thread that slept for it runs; two CPUs",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, APART(lock_turn<fairlead_lock>)},
				{"pthread", BENCH_PEER, APART(lock_turn<pthread_lock>)},
				{"nsync", BENCH_PEER, APART(lock_turn<nsync_lock>)},
				{"GLib", BENCH_PEER, APART(lock_turn<glib_lock>)},
				{"Abseil", BENCH_PEER, APART(lock_turn<absl_lock>)},
				{"floor: bare futex", BENCH_FLOOR, APART(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 2,
		.metrics = {{
			.name = "parked-queue",
			.what = "from putting an item until the thread that slept for it runs; two CPUs",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, APART(baton_turn<queue_baton<fairlead_queue>>)},
				{"pthread ring + conds", BENCH_PEER, APART(baton_turn<queue_baton<pthread_queue>>)},
				{"Abseil ring + conds", BENCH_PEER, APART(baton_turn<queue_baton<absl_queue>>)},
				{"TBB bounded", BENCH_PEER, APART(baton_turn<queue_baton<tbb_queue>>)},
				{"GAsyncQueue", BENCH_PEER, APART(baton_turn<queue_baton<glib_queue>>)},
				{"floor: bare futex", BENCH_FLOOR, APART(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "parked-semaphore-1cpu",
			.what = "from releasing a semaphore until the thread that slept for it runs; one CPU",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, ONE_CPU(baton_turn<fairlead_semaphore>)},
				{"sem_t", BENCH_PEER, ONE_CPU(baton_turn<posix_semaphore>)},
				{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "parked-event-1cpu",
			.what = "from setting an event until the thread that slept for it runs; one CPU",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, ONE_CPU(baton_turn<fairlead_event>)},
				{"pthread flag + cond", BENCH_PEER, ONE_CPU(baton_turn<pthread_event>)},
				{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "parked-lock-1cpu",
			.what = "from releasing a lock until the thread that slept for it runs; one CPU",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, ONE_CPU(lock_turn<fairlead_lock>)},
				{"pthread", BENCH_PEER, ONE_CPU(lock_turn<pthread_lock>)},
				{"nsync", BENCH_PEER, ONE_CPU(lock_turn<nsync_lock>)},
				{"GLib", BENCH_PEER, ONE_CPU(lock_turn<glib_lock>)},
				{"Abseil", BENCH_PEER, ONE_CPU(lock_turn<absl_lock>)},
				{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_turn<bare_futex>)},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "parked-queue-1cpu",
			.what = "from putting an item until the thread that slept for it runs; one CPU",
			.unit = "ns",
			.aims = {{BENCH_AIM_RATIO_AT_MOST, "floor: bare futex", 1.15}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, ONE_CPU(baton_turn<queue_baton<fairlead_queue>>)},
				{"pthread ring + conds", BENCH_PEER, ONE_CPU(baton_turn<queue_baton<pthread_queue>>)},
				{"Abseil ring + conds", BENCH_PEER, ONE_CPU(baton_turn<queue_baton<absl_queue>>)},
				{"TBB bounded", BENCH_PEER, ONE_CPU(baton_turn<queue_baton<tbb_queue>>)},
				{"GAsyncQueue", BENCH_PEER, ONE_CPU(baton_turn<queue_baton<glib_queue>>)},
				{"floor: bare futex", BENCH_FLOOR, ONE_CPU(baton_turn<bare_futex>)},
			},
	},
	{},
};
