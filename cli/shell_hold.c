/*
 * cli/shell_hold.c - something is acquired, a program runs, and it is released.
 *
 *     fairlead lock db -- ./backup      the front: whom the script has started, and whom it kills
 *       └ fairlead lock db ...          the holder: who has the lock, in the segment
 *           └ ./backup                  the program
 *
 * Why two? What is held is held by a process, and is let go when that dies. If the front held it, and somebody killed
 * it, the next one would have the lock at once, while the program and all that it has started go on. So the holder is a
 * process that nobody knows of. When the front dies, the kernel tells it; it kills the program and what is below that,
 * waits until nothing is left, and ends without a release: so the next one comes to the lock when nobody works with it
 * any more, and is told that somebody died.
 *
 * If the holder itself is killed, the kernel lets go what it held and kills the program, at about the same time. What
 * the program has started is not known to anybody then, and goes on.
 *
 * The holder finds all that is below the program since who loses its parent becomes a child of its own
 * (PR_SET_CHILD_SUBREAPER). One that has other rights than the holder (sudo) cannot be killed; it is waited for.
 *
 * What the program leaves behind when it ends by itself is not waited for: a script that starts a daemon under a lock
 * does not mean it to be locked for ever.
 *
 * Rejected: one process and PR_SET_PDEATHSIG (see above); to hand the lock down to the program by a descriptor, as
 * flock(1) does (a thread holds it here, not an open file; and a daemon that is left behind holds it for ever); a
 * process group or a session for the program (it would not be in front of the terminal any more); PID namespaces, which
 * do all this in the kernel, and need rights that a script does not have.
 */
#define _GNU_SOURCE
#include "shell.h"

#include "program.h"
#include "shell_signals.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program. */

static int say_not_run(const struct shell *shell, int error)
{
	fprintf(stderr, "%s: %s: %s\n", shell->path, shell->program[0], strerror(error));
	return error == ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_CANNOT_RUN;
}

/* Before anything is waited for. */
static int look_for_program(const struct shell *shell)
{
	struct program program;
	int status = program_open(shell->path, shell->program[0], &program);

	if (status == 0)
		program_close(&program);
	return status;
}

/* Becomes the program, which dies with `holder`; tells an errno otherwise. */
static void become(char **program, pid_t holder, int tell)
{
	int error = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != holder)
		_exit(SHELL_FAILED);
	shell_signals_unblock();
	execvp(program[0], program);
	error = errno;
	_exit(write(tell, &error, sizeof(error)) == sizeof(error) ? PROGRAM_CANNOT_RUN : SHELL_FAILED);
}

/* Starts it. Returns its number, or an errno as a negative number. */
static pid_t start(char **program)
{
	pid_t holder = getpid(), pid;
	int said[2], error = 0;

	if (pipe2(said, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(program, holder, said[1]);
	if (pid < 0)
		error = errno;
	close(said[1]);
	if (pid > 0 && read(said[0], &error, sizeof(error)) == sizeof(error))
		waitpid(pid, NULL, 0);
	close(said[0]);
	return error != 0 ? -error : pid;
}

/* Waits for it, and for whatever else ends meanwhile. Signals are not passed on any more when its number may become
 * another's. */
static int wait_for(pid_t pid)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0)
			continue;
		if (info.si_pid == pid)
			shell_signals_over();
		if (waitpid(info.si_pid, &status, 0) == pid)
			return status;
	}
}

/* What is left of it. */

static void kill_listed(FILE *from)
{
	int pid;

	while (fscanf(from, "%d", &pid) == 1)
		kill(pid, SIGKILL);
}

/* Kills the children of this process: each of its threads has some. */
static void kill_children(void)
{
	DIR *threads = opendir("/proc/self/task");
	const struct dirent *thread;
	char path[300];
	FILE *from;

	while (threads && (thread = readdir(threads))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/children", thread->d_name);
		from = fopen(path, "re");
		if (!from)
			continue;
		kill_listed(from);
		fclose(from);
	}
	if (threads)
		closedir(threads);
}

/* Their children are this process's own when they are dead. */
static void kill_all(void)
{
	do
		kill_children();
	while (wait(NULL) > 0 || errno == EINTR);
}

/* The holder. */

static int status_of(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	/* a shell that runs a script ends it if what it has started ends by Ctrl-C, and not by a status */
	if (WTERMSIG(status) == SIGINT)
		return shell_signals_die_by(SIGINT);
	return SHELL_SIGNAL + WTERMSIG(status);
}

static int run_and_release(struct shell *shell, const struct shell_kind *kind)
{
	pid_t pid = start(shell->program);
	int status = 0;

	if (pid > 0) {
		shell_signals_to(pid);
		status = wait_for(pid);
	}
	if (shell_signals_orphaned()) {
		kill_all();
		return SHELL_SIGNAL + SIGKILL;
	}
	kind->release(shell);
	shell_leave(shell, 0);
	return pid > 0 ? status_of(status) : say_not_run(shell, -pid);
}

static const char *program_name(const struct shell *shell)
{
	const char *slash = strrchr(shell->program[0], '/');

	return slash ? slash + 1 : shell->program[0];
}

/* Acquires, by the name of the program: it is what others are told when this process has died. */
static int acquire(struct shell *shell, const struct shell_kind *kind)
{
	char name[16] = "";
	int error;

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, program_name(shell));
	error = kind->acquire(shell, shell_signals_note());
	prctl(PR_SET_NAME, name);
	return error;
}

static int hold(struct shell *shell, const struct shell_kind *kind)
{
	int error, status;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	status = shell_enter(shell, program_name(shell), kind->find);
	if (status != SHELL_OK)
		return status;
	error = acquire(shell, kind);
	if (error == -EOWNERDEAD)
		return SHELL_OWNER_DIED; /* and it dies with this process once more */
	return error == 0 ? run_and_release(shell, kind) : shell_leave(shell, error);
}

/* The front. */

int shell_hold(struct shell *shell, const struct shell_kind *kind)
{
	int status = look_for_program(shell);
	pid_t holder;

	if (status != 0)
		return status;
	shell->front = getpid();
	holder = fork();
	if (holder < 0)
		return shell_leave(shell, -errno);
	if (holder == 0)
		return hold(shell, kind);
	status = shell_signals_follow(holder);
	return WIFSIGNALED(status) ? shell_signals_die_by(WTERMSIG(status)) : WEXITSTATUS(status);
}
