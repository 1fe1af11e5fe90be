/*
 * crew.c - the workers: how they are started, stopped and killed, and how it is decided that they get on.
 *
 * Invariants, for what the workers and the harness share:
 * 1. A place is written by the process that has it and, while it has none, by the harness. Exceptions are `killed` and
 *    `deaths`, which the harness writes before it kills: so that whoever finds the dead one's traces a moment later
 *    knows that it is dead. A victim may still finish what it does in that moment; then nobody looks at its traces.
 * 2. `kills` is counted up after its time is in `when`. A worker that sees another count than the one it knows has
 *    survived a kill: it writes down how long ago the first of those was that it did not know of.
 * 3. The harness reaps a process before it gives its place to another one. All that the kernel does at a process's end
 *    (robust lists, undone semaphores, closed files) has then been done.
 */
#define _GNU_SOURCE
#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAP INT64_C(50000)
#define BETWEEN_LOOKS INT64_C(5000000)
#define UNDECIDED_AFTER INT64_C(60000000000)
#define WINDING_UP INT64_C(20000000)

struct kill_shared *kill_shared;

int64_t kill_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void kill_nap(int64_t ns)
{
	struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&time, NULL);
}

void kill_fail(const char *what, int error)
{
	fprintf(stderr, "kill: %s%s%s\n", what, error ? ": " : "", error ? strerror(error < 0 ? -error : error) : "");
	_exit(1);
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		kill_fail("mmap", errno);
	return memory;
}

void kill_crew_open(struct kill_crew *crew, const struct kill_object *object, unsigned n, bool steady)
{
	unsigned roles = object->roles ? object->roles : 1;
	int error;

	*crew = (struct kill_crew){.object = object, .n = n, .memory = map(object->size)};
	kill_shared = map(sizeof(*kill_shared));
	kill_shared->n = n;
	kill_shared->steady = steady;
	for (unsigned i = 0; i < n; i++) {
		kill_shared->workers[i].index = i;
		kill_shared->workers[i].role = i % roles;
	}
	error = object->init ? object->init(crew->memory) : 0;
	if (error < 0)
		kill_fail(object->name, error);
}

void kill_crew_close(struct kill_crew *crew)
{
	if (crew->object->fini)
		crew->object->fini(crew->memory);
	munmap(crew->memory, crew->object->size);
	munmap(kill_shared, sizeof(*kill_shared));
}

/* ---- in a worker ---- */

/* Writes down how long the first kill that it did not know of was ago (2). */
static void note_kill(struct kill_worker *worker, uint32_t kills)
{
	uint32_t place = __atomic_fetch_add(&kill_shared->n_waits, 1, __ATOMIC_RELAXED);

	if (place < KILL_MOST_WAITS)
		kill_shared->waits[place] = kill_now() - kill_shared->when[worker->known % KILL_EPOCHS];
	worker->known = kills;
}

static void work(struct kill_crew *crew, struct kill_worker *worker)
{
	uint32_t kills;

	while (!(__atomic_load_n(&kill_shared->stopping, __ATOMIC_RELAXED) >> worker->role & 1)) {
		crew->object->operate(crew->memory, worker);
		__atomic_store_n(&worker->progress, worker->progress + 1, __ATOMIC_RELEASE);
		kills = __atomic_load_n(&kill_shared->kills, __ATOMIC_ACQUIRE);
		if (kills != worker->known)
			note_kill(worker, kills);
	}
	_exit(0);
}

void kill_crew_start(struct kill_crew *crew, unsigned i,
		     void (*body)(struct kill_crew *crew, struct kill_worker *worker, const void *arg), const void *arg)
{
	struct kill_worker *worker = &kill_shared->workers[i];
	pid_t parent = getpid(), process;

	worker->generation++;
	worker->steady = kill_shared->steady;
	worker->known = kill_shared->kills;
	worker->random = worker->generation * UINT64_C(0x9e3779b97f4a7c15) + i;
	fflush(NULL);
	process = fork();
	if (process < 0)
		kill_fail("fork", errno);
	crew->processes[i] = process;
	if (process)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (crew->object->start)
		crew->object->start(crew->memory, worker);
	if (body)
		body(crew, worker, arg);
	work(crew, worker);
}

/* ---- in the harness ---- */

void kill_crew_stop(struct kill_crew *crew, unsigned i)
{
	siginfo_t info;

	kill(crew->processes[i], SIGSTOP);
	waitid(P_PID, (id_t)crew->processes[i], &info, WSTOPPED | WEXITED | WNOWAIT);
}

/* One that ended in another way than by our hand, or as it should at the end, has crashed. */
static void reap(struct kill_crew *crew, unsigned i)
{
	int status;

	do
		if (waitpid(crew->processes[i], &status, __WALL) < 0)
			kill_fail("waitpid", errno);
	while (!WIFEXITED(status) && !WIFSIGNALED(status));
	crew->processes[i] = 0;
	if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL) {
		crew->crashed = true;
		if (WIFEXITED(status))
			snprintf(crew->how, sizeof(crew->how), "one ended with status %d", WEXITSTATUS(status));
		else
			snprintf(crew->how, sizeof(crew->how), "one ended by signal %d", WTERMSIG(status));
	}
}

static void note_time_of_kill(void)
{
	kill_shared->when[kill_shared->kills % KILL_EPOCHS] = kill_now();
	__atomic_store_n(&kill_shared->kills, kill_shared->kills + 1, __ATOMIC_RELEASE);
}

bool kill_crew_kill_child(struct kill_crew *crew, unsigned i, uint64_t random)
{
	pid_t child = crew->object->victim(crew->processes[i], random);

	if (child == 0)
		return false;
	note_time_of_kill();
	return kill(child, SIGKILL) == 0;
}

/* Returns whether there is one to reap. */
static bool begin_to_kill(struct kill_crew *crew, unsigned i)
{
	struct kill_worker *worker = &kill_shared->workers[i];

	if (!crew->processes[i])
		return false;
	__atomic_store_n(&worker->killed, worker->generation, __ATOMIC_SEQ_CST);
	worker->deaths++;
	note_time_of_kill();
	kill(crew->processes[i], SIGKILL);
	return true;
}

void kill_crew_kill(struct kill_crew *crew, unsigned i)
{
	if (begin_to_kill(crew, i))
		reap(crew, i);
}

void kill_crew_kill_both(struct kill_crew *crew, unsigned i, unsigned j)
{
	bool first = begin_to_kill(crew, i), second = begin_to_kill(crew, j);

	if (first)
		reap(crew, i);
	if (second)
		reap(crew, j);
}

static const char *const words[] = {"busy", "asleep", "spinning", "unknown", "ended"};

/* Says what the crew does: "4 asleep", "1 asleep, 3 spinning". */
static void describe(struct kill_crew *crew, const struct kill_watch *watch)
{
	unsigned counts[KILL_ENDED + 1] = {0};
	size_t used = 0;

	for (unsigned i = 0; i < crew->n; i++)
		if (crew->processes[i])
			counts[kill_watch_state(watch, i)]++;
	crew->how[0] = 0;
	for (unsigned state = 0; state <= KILL_ENDED; state++)
		if (counts[state] && used < sizeof(crew->how))
			used += (size_t)snprintf(crew->how + used, sizeof(crew->how) - used, "%s%u %s",
						 used ? ", " : "", counts[state], words[state]);
}

/* Returns what can be said now: that one is stuck, has ended, or nothing yet (KILL_UNDECIDED). */
static enum kill_end judge(struct kill_crew *crew, struct kill_watch *watch)
{
	enum kill_state state;
	bool known;

	kill_watch_look(watch, crew);
	known = watch->now > watch->patience;
	for (unsigned i = 0; i < crew->n; i++) {
		if (!crew->processes[i])
			continue;
		state = kill_watch_state(watch, i);
		if (state == KILL_ENDED) {
			reap(crew, i);
			if (crew->crashed)
				return KILL_CRASHED;
			continue; /* at the end one ends as it should */
		}
		known = known && state != KILL_UNKNOWN;
	}
	if (!known)
		return KILL_UNDECIDED;
	describe(crew, watch);
	return KILL_STUCK;
}

/* Which of the mask have not finished an operation yet since they had finished so many. */
static uint32_t behind(const struct kill_crew *crew, uint32_t mask, const uint64_t *since)
{
	uint32_t left = 0;

	for (unsigned i = 0; i < crew->n; i++)
		if (mask >> i & 1 && __atomic_load_n(&kill_shared->workers[i].progress, __ATOMIC_ACQUIRE) == since[i])
			left |= 1U << i;
	return left;
}

enum kill_end kill_crew_await(struct kill_crew *crew, uint32_t mask, int64_t patience)
{
	uint64_t since[KILL_MOST_WORKERS] = {0};
	struct kill_watch watch;
	int64_t looked;
	enum kill_end end = KILL_UNDECIDED;

	if (crew->crashed)
		return KILL_CRASHED;
	for (unsigned i = 0; i < crew->n; i++)
		since[i] = __atomic_load_n(&kill_shared->workers[i].progress, __ATOMIC_ACQUIRE);
	kill_watch_begin(&watch, crew, patience);
	looked = watch.begun;
	while (behind(crew, mask, since)) {
		kill_nap(NAP);
		if (kill_now() - looked < BETWEEN_LOOKS)
			continue;
		end = judge(crew, &watch);
		looked = kill_now();
		if (end == KILL_STUCK && !behind(crew, mask, since))
			break;
		if (end != KILL_UNDECIDED || looked - watch.begun > UNDECIDED_AFTER)
			return end;
	}
	return KILL_GOT_ON;
}

/* Reaps those that have ended. Returns how many have not. */
static unsigned reap_ended(struct kill_crew *crew, uint32_t roles)
{
	unsigned left = 0;
	char state;

	for (unsigned i = 0; i < crew->n; i++) {
		if (!crew->processes[i] || !(roles >> kill_shared->workers[i].role & 1))
			continue;
		state = kill_process_state(crew->processes[i]);
		if (state == 'Z' || state == 0)
			reap(crew, i);
		else
			left++;
	}
	return left;
}

/* Waits until those of these roles have ended, or nobody gets on any more; ends those that are left. */
static void wind_up(struct kill_crew *crew, uint32_t roles)
{
	struct kill_watch watch;

	kill_watch_begin(&watch, crew, WINDING_UP);
	while (reap_ended(crew, roles) && (judge(crew, &watch) == KILL_UNDECIDED || strstr(crew->how, "busy")) &&
	       kill_now() - watch.begun < UNDECIDED_AFTER)
		kill_nap(NAP);
	for (unsigned i = 0; i < crew->n; i++)
		if (crew->processes[i] && roles >> kill_shared->workers[i].role & 1)
			kill_crew_kill(crew, i);
}

void kill_crew_wind_up(struct kill_crew *crew)
{
	const uint32_t first = crew->object->drains ? 1 : ~0U;

	__atomic_store_n(&kill_shared->stopping, first, __ATOMIC_RELAXED);
	wind_up(crew, first);
	if (~first)
		wind_up(crew, ~first);
}

/* ---- for objects ---- */

unsigned kill_workers(void)
{
	return kill_shared->n;
}

const struct kill_worker *kill_worker_at(unsigned index)
{
	return &kill_shared->workers[index];
}

uint64_t kill_deaths_of(unsigned role)
{
	uint64_t deaths = 0;

	for (unsigned i = 0; i < kill_shared->n; i++)
		if (kill_shared->workers[i].role == role)
			deaths += kill_shared->workers[i].deaths;
	return deaths;
}

bool kill_yields(void)
{
	return __atomic_load_n(&kill_shared->yields, __ATOMIC_RELAXED);
}

uint64_t kill_deaths(void)
{
	return kill_deaths_of(0) + kill_deaths_of(1);
}
