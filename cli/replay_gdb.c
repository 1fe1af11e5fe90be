/*
 * cli/replay_gdb.c - a replay in gdb.
 *
 * The program's threads are kernel threads then, one of which runs at a time, so that gdb sees them as they are. The
 * runtime makes the execution in the process that gdb has started, and raises SIGTRAP in front of the step that is
 * asked for, and again where the run fails. gdb shows the innermost frame that is the program's. Environment and
 * descriptors are given to the program alone: gdb itself is not to have the runtime in it.
 */
#define _GNU_SOURCE
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char select_frame[] =
	"python\n"
	"f = gdb.newest_frame() if gdb.selected_thread() else None\n"
	"while f and f.older() and 'libtsan' in (gdb.solib_name(f.pc()) or ''): f = f.older()\n"
	"if f: f.select(); gdb.execute('frame')\n"
	"end\n";

/* A file with what gdb does first. Returns its descriptor, or a negative errno. */
static int write_script(const struct check_target *target, const struct check_replay *replay, int memory)
{
	char name[64];
	int fd = memfd_create("fairlead-gdb", 0);
	FILE *to;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	to = fd >= 0 ? fopen(name, "we") : NULL;
	if (!to)
		return -errno;
	fprintf(to,
		"set debuginfod enabled off\n"
		"set print thread-events off\n"
		"handle SIGALRM SIGSYS nostop noprint pass\n"
		"set exec-wrapper env " CHECK_VARIABLE "=%d LD_BIND_NOW=1 LD_PRELOAD=%s LD_LIBRARY_PATH=%s\n"
		"run%s%s\n"
		"%s",
		memory, target->library, target->folder, replay->input ? " < " : "", replay->input ? replay->input : "",
		select_frame);
	fclose(to);
	return fd;
}

/* Becomes gdb. Returns an errno. */
static int become(const struct check_target *target, const struct check_replay *replay, int fd)
{
	char script[64];
	const char *const first[] = {"gdb", "-q", "-x", script, "--args", target->file};
	size_t n = sizeof(first) / sizeof(first[0]), n_program = 1;
	char **argv;
	int error;

	while (replay->argv[n_program])
		n_program++;
	argv = calloc(n + n_program, sizeof(*argv));
	if (!argv)
		return ENOMEM;
	snprintf(script, sizeof(script), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < n; i++)
		argv[i] = (char *)(uintptr_t)first[i];
	memcpy(argv + n, replay->argv + 1, n_program * sizeof(*argv));
	execvp(argv[0], argv);
	error = errno;
	free(argv);
	return error;
}

void replay_gdb(const char *path, struct check_target *target, struct check_replay *replay, uint64_t before)
{
	struct check_job job = {.fd = -1, .said = -1, .output = -1, .first_output = -1};
	struct check_asked *asked = &replay->wish.asked;
	int error, fd;

	asked->engine = CHECK_KERNEL;
	asked->trace = 0;
	asked->same_output = CHECK_SAME_NO;
	asked->stop_before = (uint32_t)(before ? before : replay->n_schedule);
	replay->wish.show_output = true;
	error = check_job_open(&job, &replay->wish);
	if (error == 0)
		error = replay_prepare(job.memory, replay);
	fd = error == 0 ? write_script(target, replay, job.fd) : error;
	fprintf(stderr, "%s: gdb: %s\n", path, strerror(fd < 0 ? -fd : become(target, replay, fd)));
}
