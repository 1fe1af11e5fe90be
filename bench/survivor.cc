/*
 * bench/survivor.cc - how soon who waits for something goes on when the process that has it is killed.
 *
 * Of three processes one has the lock, permit or item and does nothing; one waits for it, and has gone to sleep; the
 * third kills the first one, by SIGKILL. What is measured is from just before that until the second one has it: the
 * kernel ends a process, and somebody notices. Then there is another first one. The figures of a round are those of
 * KILLS such kills.
 *
 * Peers are those that survive such a kill (tests/kill).
 */
#include "harness.h"
#include "in_segment.hh"
#include "shared.hh"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

enum : unsigned { KILLS = 200, QUICK_KILLS = 20, ASLEEP_AFTER_US = 300 };

/* ---- what peers hold, as bench/in_segment.hh has it of Fairlead's ---- */

struct robust_mutex {
	in_shared_memory<pthread_mutex_t> lock;

	robust_mutex() { init_shared(lock.at, PTHREAD_MUTEX_ROBUST); }
	~robust_mutex() { pthread_mutex_destroy(lock.at); }
	void hold() { bench_need(pthread_mutex_lock(lock.at) == 0, "survivor: the mutex is not free"); }
	void inherit() { bench_need(pthread_mutex_lock(lock.at) == EOWNERDEAD, "survivor: nobody had died"); }
	void drop()
	{
		pthread_mutex_consistent(lock.at);
		pthread_mutex_unlock(lock.at);
	}
};

struct undone_semaphore {
	int id = semget(IPC_PRIVATE, 1, 0600);

	undone_semaphore() { bench_need(id >= 0 && semctl(id, 0, SETVAL, 1) == 0, "survivor: semget"); }
	~undone_semaphore() { semctl(id, 0, IPC_RMID); }
	undone_semaphore(const undone_semaphore &) = delete;
	undone_semaphore &operator=(const undone_semaphore &) = delete;
	void change(short by)
	{
		sembuf change = {0, by, SEM_UNDO};

		bench_need(semop(id, &change, 1) == 0, "survivor: semop");
	}
	void hold() { change(-1); }
	void inherit() { hold(); }
	void drop() { change(1); }
};

/* It belongs to an open file, so each process opens it for itself. */
struct locked_file {
	int file = memfd_create("survivor", MFD_CLOEXEC), mine = -1;

	locked_file() { bench_need(file >= 0, "survivor: memfd_create"); }
	~locked_file() { close(file); }
	locked_file(const locked_file &) = delete;
	locked_file &operator=(const locked_file &) = delete;
	void hold()
	{
		char path[64];

		snprintf(path, sizeof path, "/proc/self/fd/%d", file);
		if (mine < 0)
			mine = open(path, O_RDWR | O_CLOEXEC);
		bench_need(flock(mine, LOCK_EX) == 0, "survivor: flock");
	}
	void inherit() { hold(); }
	void drop() { flock(mine, LOCK_UN); }
};

/* ---- the three processes ---- */

/* A byte from one process to another. */
struct signal_pipe {
	int ends[2];

	signal_pipe() { bench_need(pipe(ends) == 0, "survivor: pipe"); }
	~signal_pipe()
	{
		close(ends[0]);
		close(ends[1]);
	}
	signal_pipe(const signal_pipe &) = delete;
	signal_pipe &operator=(const signal_pipe &) = delete;
	void send() { bench_need(write(ends[1], "", 1) == 1, "survivor: write"); }
	void receive()
	{
		char byte;

		bench_need(read(ends[0], &byte, 1) == 1, "survivor: a process is gone");
	}
};

template <class what> struct scene {
	what object;
	in_shared_memory<std::atomic<int64_t>> inherited_at;
	signal_pipe held, wanted, done;

	template <class role> pid_t start(role play)
	{
		pid_t child = fork();

		bench_need(child >= 0, "survivor: cannot fork");
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				play();
		}
		return child;
	}
	pid_t start_holder()
	{
		pid_t holder = start([this] {
			object.hold();
			held.send();
			for (;;)
				pause();
		});

		held.receive();
		return holder;
	}
	pid_t start_survivor()
	{
		return start([this] {
			wanted.receive();
			object.inherit();
			inherited_at.at->store(bench_now());
			object.drop();
			done.send();
		});
	}
	/* In microseconds. */
	double kill_holder()
	{
		pid_t holder = start_holder();
		int64_t killed_at;

		wanted.send();
		usleep(ASLEEP_AFTER_US);
		killed_at = bench_now();
		kill(holder, SIGKILL);
		done.receive();
		waitpid(holder, nullptr, 0);
		return static_cast<double>(inherited_at.at->load() - killed_at) / 1e3;
	}
	void play(double *ret_figures)
	{
		std::vector<double> waits(bench_settings.quick ? QUICK_KILLS : KILLS);
		pid_t survivor = start_survivor();

		for (double &wait : waits)
			wait = kill_holder();
		kill(survivor, SIGKILL);
		waitpid(survivor, nullptr, 0);
		ret_figures[0] = bench_median(waits.data(), waits.size()); /* sorts */
		ret_figures[1] = waits[waits.size() * 99 / 100];
	}
};

template <class what> static void measure(double *ret_figures)
{
	scene<what> scene;

	scene.play(ret_figures);
}

/* clang-format off */
#define SURVIVOR(name_, text) \
	.cpus = 2, \
	.metrics = { \
		{.name = "survivor-" name_, .what = text ": from its kill until there, median", .unit = "us"}, \
		{ \
			.name = "survivor-" name_ "-p99", .what = "the same: 99 of 100 take at most", .unit = "us", \
			.aims = {{BENCH_AIM_AT_MOST, nullptr, 1000}}, \
		}, \
	}

const struct bench bench_survivor[] = {
	{
		SURVIVOR("lock", "what a killed process had locked, to the next one"),
		.contestants = {
			{.who = "fairlead", .role = BENCH_FAIRLEAD, .measure = measure<lock_in_segment>},
			{.who = "pthread, robust", .role = BENCH_PEER, .measure = measure<robust_mutex>},
			{.who = "System V, undo", .role = BENCH_PEER, .measure = measure<undone_semaphore>},
			{.who = "flock", .role = BENCH_PEER, .measure = measure<locked_file>},
		},
	},
	{
		SURVIVOR("semaphore", "the permit of a killed process, to the next one"),
		.contestants = {
			{.who = "fairlead", .role = BENCH_FAIRLEAD, .measure = measure<semaphore_in_segment<1>>},
			{.who = "System V, undo", .role = BENCH_PEER, .measure = measure<undone_semaphore>},
		},
	},
	{
		SURVIVOR("queue", "the item of a killed process, to the next one"),
		.contestants = {{.who = "fairlead", .role = BENCH_FAIRLEAD, .measure = measure<queue_in_segment>}},
	},
	{},
};
/* clang-format on */
