/*
 * steps.c - a worker is killed before the first instruction of an operation, then, all made anew, before the second,
 * and so on until the operation ends: there is no instant at which it could be killed that was not tried.
 *
 * The victim stops itself when it has everything but the operation behind it, and is then led by ptrace, one
 * instruction at a time; a system call is one. It works steadily (no dwelling), so that its steps are the same each
 * time, but for what depends on others. In a situation with another worker:
 *
 *   1. the other one does `before` and waits (or is killed);
 *   2. the victim is led; if it goes to sleep, the other one is told to do `meanwhile`, and the step goes on until the
 *      sleep is over. So there is a kill of one that was woken a moment ago, and has not run yet;
 *   3. the victim is killed; the other one is told if it was not before, and goes on as an ordinary worker; a new one
 *      takes the victim's place. Both must get on, and at the end the invariants must hold.
 *
 * In others the other one waits for what the victim is about to do, so that the victim has to wake it: it has gone to
 * sleep before, or does so when the victim is inside of what a lock guards.
 *
 * One more kill hits the victim in its sleep: when it has gone to sleep for the first time, before the other one is
 * told.
 *
 * Rejected: to count instructions with a performance counter and kill at an overflow: it does not stop where it should
 * by some instructions, and is not there in most virtual machines. On processors whose compare-and-swap is a pair of
 * instructions (aarch64 without LSE) a single step between the two makes it fail each time: there build for those that
 * have it in one.
 */
#define _GNU_SOURCE
#include "crew.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAIR = 2, MOST_STEPS = 1000000, POLLS_BEFORE_A_LOOK = 200 };

#define PATIENCE INT64_C(30000000)
#define ASLEEP INT64_C(2000000)
#define HANGS INT64_C(60000000000)

/* What a kill is aimed at: the instruction with this number, or its first sleep. */
struct aim {
	uint64_t step;
	bool asleep;
};

struct run {
	struct kill_crew crew;
	const struct kill_situation *situation;
	unsigned victim, other;
	bool told; /* the other one to go on */
	enum { ENDED, KILLED, KILLED_ASLEEP, HUNG } came_to;
};

/* ---- words that processes wait for: bare futexes, since nothing else is above suspicion here ---- */

static void set_word(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE, 64, NULL, NULL, 0);
}

static void await_word(uint32_t *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* ---- in the workers ---- */

static void be_the_other(struct kill_crew *crew, struct kill_worker *worker, const void *arg)
{
	const struct kill_situation *situation = arg;

	situation->before(crew->memory, worker);
	set_word(&kill_shared->prepared);
	await_word(&kill_shared->go_on);
	if (situation->meanwhile)
		situation->meanwhile(crew->memory, worker);
}

static void be_the_victim(struct kill_crew *crew, struct kill_worker *worker, const void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	crew->object->operate(crew->memory, worker);
	__atomic_store_n(&kill_shared->ended, 1, __ATOMIC_RELAXED);
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* ---- in the harness ---- */

/* Starts the other one as an ordinary worker, and returns when it sleeps in its operation. */
static void let_it_come(struct run *run)
{
	struct kill_watch watch;
	int64_t begun = kill_now();

	run->told = true;
	kill_crew_start(&run->crew, run->other, NULL, NULL);
	kill_watch_begin(&watch, &run->crew, ASLEEP);
	while (kill_watch_state(&watch, run->other) != KILL_ASLEEP) {
		if (kill_now() - begun > HANGS)
			kill_fail("the other one does not go to sleep", 0);
		kill_nap(ASLEEP / 4);
		kill_watch_look(&watch, &run->crew);
	}
}

static void prepare(struct run *run, const struct kill_object *object, const struct kill_situation *situation)
{
	int status;

	*run = (struct run){.situation = situation, .victim = situation->role % PAIR};
	run->other = 1 - run->victim;
	kill_crew_open(&run->crew, object, PAIR, true);
	if (situation->before) {
		kill_crew_start(&run->crew, run->other, be_the_other, situation);
		await_word(&kill_shared->prepared);
		if (situation->dies)
			kill_crew_kill(&run->crew, run->other);
	}
	if (situation->waits)
		let_it_come(run);
	kill_crew_start(&run->crew, run->victim, be_the_victim, NULL);
	if (waitpid(run->crew.processes[run->victim], &status, __WALL) < 0 || !WIFSTOPPED(status))
		kill_fail("the victim does not stop", errno);
}

/* Waits until the victim has done its step. Returns 0 if it has, 1 if it sleeps in it, -1 if it ended or hangs. */
static int await_step(pid_t process, bool may_sleep)
{
	int64_t begun = 0;
	int status;

	for (unsigned polls = 1;; polls++) {
		pid_t found = waitpid(process, &status, __WALL | WNOHANG);

		if (found)
			return found == process && WIFSTOPPED(status) ? 0 : -1;
		sched_yield();
		if (polls % POLLS_BEFORE_A_LOOK)
			continue;
		if (may_sleep && kill_process_state(process) == 'S')
			return 1;
		kill_nap(20000);
		begun = begun ? begun : kill_now();
		if (kill_now() - begun > HANGS)
			return -1;
	}
}

static void tell_the_other(struct run *run)
{
	run->told = true;
	set_word(&kill_shared->go_on);
}

/* One step. Returns whether the victim goes on. */
static bool step(struct run *run, bool kill_asleep)
{
	pid_t process = run->crew.processes[run->victim];
	int how;

	if (ptrace(PTRACE_SINGLESTEP, process, NULL, NULL) < 0)
		kill_fail("PTRACE_SINGLESTEP", errno);
	how = await_step(process, !run->told);
	if (how == 1 && kill_asleep) {
		run->came_to = KILLED_ASLEEP;
		return false;
	}
	if (how == 1) {
		tell_the_other(run);
		how = await_step(process, false);
	}
	if (how < 0)
		run->came_to = HUNG;
	return how == 0;
}

/* Leads the victim to where it is to be killed, or to the end of its operation. */
static void lead(struct run *run, struct aim aim)
{
	run->came_to = KILLED;
	for (uint64_t i = 0; i < aim.step; i++) {
		if (!step(run, aim.asleep))
			return;
		if (run->situation->queues && !run->told &&
		    __atomic_load_n(&kill_shared->workers[run->victim].inside, __ATOMIC_RELAXED))
			let_it_come(run);
		if (__atomic_load_n(&kill_shared->ended, __ATOMIC_RELAXED)) {
			run->came_to = ENDED;
			return;
		}
	}
}

/* The victim is killed, and all others have to get on. */
static enum kill_end survive(struct run *run)
{
	kill_crew_kill(&run->crew, run->victim);
	if (!run->told)
		tell_the_other(run);
	for (unsigned i = 0; i < PAIR; i++)
		if (!run->crew.processes[i])
			kill_crew_start(&run->crew, i, NULL, NULL);
	return kill_crew_await(&run->crew, (1U << PAIR) - 1, PATIENCE);
}

static bool wrong(const struct kill_verdict *verdict)
{
	return verdict->lost || verdict->doubled || verdict->broken;
}

/* One kill. Returns what it came to before the kill, and adds to the outcome what came after it. */
static int kill_there(const struct kill_object *object, const struct kill_situation *situation, struct aim aim,
		      struct kill_outcome *outcome)
{
	struct kill_verdict verdict = {0};
	struct run run;
	enum kill_end end;

	prepare(&run, object, situation);
	lead(&run, aim);
	if (run.came_to == HUNG)
		kill_fail("the one that is led goes on sleeping, or has ended by itself", 0);
	end = survive(&run);
	if (end != KILL_GOT_ON && outcome->end == KILL_GOT_ON) {
		outcome->end = end;
		memcpy(outcome->how, run.crew.how, sizeof(outcome->how));
	}
	kill_crew_wind_up(&run.crew);
	if (object->check)
		object->check(run.crew.memory, &verdict);
	if (end != KILL_GOT_ON)
		verdict.lost = 0;
	kill_crew_close(&run.crew);
	outcome->stuck += end != KILL_GOT_ON;
	outcome->kills += end == KILL_GOT_ON;
	outcome->broken += end == KILL_GOT_ON && wrong(&verdict);
	outcome->verdict.lost += verdict.lost;
	outcome->verdict.doubled += verdict.doubled;
	outcome->verdict.broken += verdict.broken;
	outcome->steps++;
	return run.came_to;
}

struct kill_outcome kill_each_step(const struct kill_object *object, const struct kill_situation *situation)
{
	struct kill_outcome outcome = {.end = KILL_GOT_ON};
	int came_to = KILLED;

	for (uint64_t k = 0; came_to == KILLED && k < MOST_STEPS; k++)
		came_to = kill_there(object, situation, (struct aim){.step = k}, &outcome);
	if (situation->before && situation->meanwhile)
		kill_there(object, situation, (struct aim){.step = MOST_STEPS, .asleep = true}, &outcome);
	return outcome;
}
