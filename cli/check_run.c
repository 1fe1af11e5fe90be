/*
 * cli/check_run.c - runs the program with the runtime in front of it.
 *
 * Each job is a process of the program with a memory file (check/result.h), in a process group of its own, so that what
 * it leaves behind can be ended, and a Ctrl-C reaches this command alone. Addresses are not randomised, so that all
 * processes of a check agree on them, and so does a replay on another day. The runtime gets into the program by
 * LD_PRELOAD; under the name that clang's has, it is found by LD_LIBRARY_PATH.
 *
 * Job i of n makes the runs i, i + n, i + 2n and so on. When one fails, the others go on until they have passed that
 * run's number: of several failures that with the smallest number is told, whichever was found first. What a job learns
 * comes from its own runs alone, so the same failure is told each time.
 *
 * The program may end as it likes; what it has said up to then is in the memory file. Before the runtime is in place
 * its standard error is a file, too, which says why a program does not start.
 */
#define _GNU_SOURCE
#include "check_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100
#define START_S 20    /* a program is in main by then */
#define GRACE_S 30    /* beyond its time, or beyond being told to stop, to end what it does with a failure */
#define GRACE_RUN_S 3 /* the same, to end a run */
#define PASS_MS 2     /* how often it is looked whether the others have passed a failure's run */

static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void signals_of(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGHUP);
	sigaddset(ret_signals, SIGCHLD);
}

/* A job. */

int check_job_open(struct check_job *job, const struct check_wish *wish)
{
	void *at;

	job->fd = memfd_create("fairlead-check", 0);
	job->said = memfd_create("fairlead-said", MFD_CLOEXEC);
	job->output = wish->asked.same_output ? memfd_create("fairlead-output", MFD_CLOEXEC) : -1;
	job->first_output = wish->asked.same_output ? memfd_create("fairlead-first", 0) : -1;
	if (job->fd < 0 || job->said < 0 || ftruncate(job->fd, (off_t)CHECK_SIZE) != 0)
		return last_error();
	at = mmap(NULL, CHECK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, job->fd, 0);
	if (at == MAP_FAILED)
		return last_error();
	job->memory = at;
	job->memory->asked = wish->asked;
	job->memory->asked.version = CHECK_VERSION;
	job->memory->asked.rewind = 1;
	job->memory->asked.quiet = !wish->show_output;
	job->memory->asked.first_output = job->first_output;
	return 0;
}

static void job_close(struct check_job *job)
{
	const int descriptors[] = {job->fd, job->said, job->output, job->first_output};

	if (job->memory)
		munmap(job->memory, CHECK_SIZE);
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

/* Adds a value in front of what a variable has. */
static void put_in_front(const char *variable, const char *value, char between)
{
	const char *old = getenv(variable);
	char *text;

	if (!old || !*old || asprintf(&text, "%s%c%s", value, between, old) < 0) {
		setenv(variable, value, 1);
		return;
	}
	setenv(variable, text, 1);
	free(text);
}

void check_job_environment(const struct check_target *target, const struct check_job *job)
{
	char number[12];

	snprintf(number, sizeof(number), "%d", job->fd);
	setenv(CHECK_VARIABLE, number, 1);
	check_environment(target);
}

void check_environment(const struct check_target *target)
{
	put_in_front("LD_PRELOAD", target->library, ':');
	put_in_front("LD_LIBRARY_PATH", target->folder, ':');
	setenv("LD_BIND_NOW", "1", 1); /* otherwise each execution looks its functions up anew */
}

/* In the child: its standard descriptors. Returns 0 or an errno. */
static int place_descriptors(const struct check_job *job, const struct check_wish *wish)
{
	int in = open(wish->input ? wish->input : "/dev/null", O_RDONLY);
	int out = job->output >= 0 ? job->output : open("/dev/null", O_WRONLY);

	if (in < 0 || out < 0)
		return errno;
	dup2(in, STDIN_FILENO);
	if (!wish->show_output || job->output >= 0)
		dup2(out, STDOUT_FILENO);
	if (!wish->show_output)
		dup2(job->said, STDERR_FILENO);
	close(in);
	if (out != job->output)
		close(out);
	return 0;
}

static void become(const struct check_target *target, const struct check_job *job, const struct check_wish *wish)
{
	sigset_t none;
	int error;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	error = place_descriptors(job, wish);
	if (error == 0) {
		check_job_environment(target, job);
		personality(ADDR_NO_RANDOMIZE);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(target->file, target->argv);
		error = errno;
	}
	dprintf(job->said, "%s\n", strerror(error));
	_exit(127);
}

static int job_start(struct check_job *job, const struct check_target *target, const struct check_wish *wish)
{
	job->pid = fork();
	if (job->pid < 0)
		return -errno;
	if (job->pid == 0)
		become(target, job, wish);
	setpgid(job->pid, job->pid);
	return 0;
}

static void job_kill(struct check_job *job)
{
	if (!job->ended)
		kill(-job->pid, SIGKILL);
}

/* The share that job i has of the runs. */
static void share_out(struct check_asked *asked, unsigned i, unsigned n)
{
	asked->first = i;
	asked->stride = n;
	if (asked->runs != 0)
		asked->runs = (asked->runs + n - 1 - i) / n;
}

/* All of them. */

/* Takes those that have ended. Returns whether there are others. */
static bool reap(struct check_found *found)
{
	bool any = false;

	for (unsigned i = 0; i < found->n_jobs; i++) {
		struct check_job *job = &found->jobs[i];

		if (!job->ended && waitpid(job->pid, &job->status, WNOHANG) == job->pid) {
			kill(-job->pid, SIGKILL); /* what it has started */
			job->ended = true;
		}
		any = any || !job->ended;
	}
	return any;
}

static void add_up(struct check_found *found)
{
	found->runs = found->steps = found->races = found->cut_off = found->blocked = 0;
	for (unsigned i = 0; i < found->n_jobs; i++) {
		const struct check_memory *memory = found->jobs[i].memory;

		found->runs += memory->runs;
		found->steps += memory->steps;
		found->races += memory->races;
		found->cut_off += memory->cut_off;
		found->blocked += memory->blocked;
	}
}

static void stop_all(struct check_found *found)
{
	for (unsigned i = 0; i < found->n_jobs; i++)
		found->jobs[i].memory->stop = 1;
}

/* The number of the run that a job makes next. */
static uint64_t next_run(const struct check_memory *memory)
{
	return memory->asked.first + memory->runs * memory->asked.stride;
}

static bool has_failed(const struct check_job *job)
{
	return job->ended && job->memory->failure.verdict != CHECK_NOTHING;
}

/* The job with the failure of the smallest number; NULL if there is none. */
static struct check_job *first_failure(struct check_found *found)
{
	struct check_job *first = NULL;

	for (unsigned i = 0; i < found->n_jobs; i++) {
		struct check_job *job = &found->jobs[i];

		if (has_failed(job) && (!first || job->memory->failed_run < first->memory->failed_run))
			first = job;
	}
	return first;
}

/* Those that have passed the failure's run need not go on. Returns whether there is one that has not. */
static bool stop_passed(struct check_found *found)
{
	const struct check_job *first = first_failure(found);
	bool any = false;

	for (unsigned i = 0; first && i < found->n_jobs; i++) {
		struct check_job *job = &found->jobs[i];

		if (job->ended)
			continue;
		if (next_run(job->memory) > first->memory->failed_run)
			job->memory->stop = 1;
		any = true;
	}
	return any;
}

/* Whether a job should have ended so many seconds ago that it will not by itself. */
static bool is_late(const struct check_job *job, double ago)
{
	return ago > (job->memory->to_failure != 0 ? GRACE_S : GRACE_RUN_S);
}

/* Ends those that have not come to main, or not to their end. */
static void end_late(struct check_found *found, const struct check_wish *wish, double stopped)
{
	for (unsigned i = 0; i < found->n_jobs; i++) {
		struct check_job *job = &found->jobs[i];

		if (job->ended)
			continue;
		if (job->memory->ready == 0 && found->seconds > START_S)
			job_kill(job);
		if ((wish->asked.time != 0 && is_late(job, found->seconds - (double)wish->asked.time / 1e9)) ||
		    (stopped > 0 && is_late(job, found->seconds - stopped))) {
			job->late = job->memory->ready != 0;
			job_kill(job);
		}
	}
}

static void kill_all(struct check_found *found)
{
	for (unsigned i = 0; i < found->n_jobs; i++) {
		found->jobs[i].late = true;
		job_kill(&found->jobs[i]);
	}
}

static void wait_for_all(struct check_found *found, const struct check_wish *wish)
{
	double began = now(), stopped = 0;
	struct timespec tick = {0};
	sigset_t signals;
	int signal;
	bool soon = false;

	signals_of(&signals);
	while (reap(found)) {
		tick.tv_nsec = (soon ? PASS_MS : TICK_MS) * 1000000L;
		signal = sigtimedwait(&signals, NULL, &tick);
		found->seconds = now() - began;
		add_up(found);
		if (signal > 0 && signal != SIGCHLD) {
			if (stopped > 0)
				kill_all(found); /* a second one: at once */
			stopped = found->seconds;
			found->interrupted = true;
			stop_all(found);
		}
		soon = stop_passed(found);
		end_late(found, wish, stopped);
		check_progress(found, wish);
	}
	found->seconds = now() - began;
	check_progress_end();
	add_up(found);
}

/* A job whose program the runtime never got hold of, or that it has lost; NULL: there is none. */
static const struct check_job *lost(const struct check_found *found)
{
	for (unsigned i = 0; i < found->n_jobs; i++)
		if (found->jobs[i].memory->ready != 2 && !found->jobs[i].late)
			return &found->jobs[i];
	return NULL;
}

static void say_how_it_ended(const struct check_job *job)
{
	if (WIFEXITED(job->status))
		fprintf(stderr, "it ended with status %d", WEXITSTATUS(job->status));
	else if (WTERMSIG(job->status) == SIGKILL)
		fprintf(stderr, "it was ended after %d s", START_S);
	else
		fprintf(stderr, "it was ended by signal %d (%s)", WTERMSIG(job->status),
			strsignal(WTERMSIG(job->status)));
}

static int say_lost(const char *path, const struct check_target *target, const struct check_job *job)
{
	char said[1500];
	ssize_t n = pread(job->said, said, sizeof(said) - 1, 0);

	fprintf(stderr, "%s: %s: ", path, target->argv[0]);
	if (job->memory->ready == 0) {
		fprintf(stderr, "it did not get as far as main(): ");
		say_how_it_ended(job);
		said[n > 0 ? n : 0] = 0;
		fprintf(stderr, "%s%s", n > 0 ? ". It said:\n" : "\n", said);
		if (n > 0 && said[n - 1] != '\n')
			fputc('\n', stderr);
	} else {
		fprintf(stderr, "the checker was lost: ");
		say_how_it_ended(job);
		fprintf(stderr, "%s%s\n", job->memory->died[0] ? ": " : "", job->memory->died);
	}
	return -EIO;
}

static int start_all(const char *path, const struct check_target *target, const struct check_wish *wish,
		     int (*prepare)(struct check_memory *memory, void *arg), void *arg, struct check_found *found)
{
	int error = 0;

	for (unsigned i = 0; i < wish->jobs && error == 0; i++) {
		struct check_job *job = &found->jobs[i];

		*job = (struct check_job){.fd = -1, .said = -1, .output = -1, .first_output = -1};
		found->n_jobs++;
		error = check_job_open(job, wish);
		if (error == 0 && job->memory)
			share_out(&job->memory->asked, i, (unsigned)wish->jobs);
		if (error == 0 && prepare)
			error = prepare(job->memory, arg);
		if (error == 0)
			error = job_start(job, target, wish);
		if (error != 0)
			job->ended = true;
	}
	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", path, target->argv[0], strerror(-error));
		for (unsigned i = 0; i < found->n_jobs; i++)
			job_kill(&found->jobs[i]);
	}
	return error;
}

int check_run(const char *path, const struct check_target *target, const struct check_wish *wish,
	      int (*prepare)(struct check_memory *memory, void *arg), void *arg, struct check_found *found)
{
	const struct check_job *missing;
	sigset_t signals, before;
	int error;

	memset(found, 0, sizeof(*found));
	signals_of(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	error = start_all(path, target, wish, prepare, arg, found);
	if (error == 0)
		wait_for_all(found, wish);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return -EIO;
	found->job = first_failure(found);
	missing = lost(found);
	if (!found->job && missing)
		return say_lost(path, target, missing);
	if (!found->job)
		found->job = &found->jobs[0];
	return 0;
}

void check_run_close(struct check_found *found)
{
	for (unsigned i = 0; i < found->n_jobs; i++)
		job_close(&found->jobs[i]);
}
