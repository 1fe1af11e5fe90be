/*
 * cli/shell_program.c - the program that a holder runs: its start, its end, and the end of all that it has started.
 *
 * It dies with its holder. What it starts does not; but that, when it loses its parent, becomes a child of the holder,
 * so the holder finds all of it (cli/shell_hold.c).
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
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int shell_program_look(const struct shell *shell)
{
	struct program program;
	int status = program_open(shell->path, shell->program[0], &program);

	if (status == 0)
		program_close(&program);
	return status;
}

const char *shell_program_name(const struct shell *shell)
{
	const char *slash = strrchr(shell->program[0], '/');

	return slash ? slash + 1 : shell->program[0];
}

int shell_program_say(const struct shell *shell, int error)
{
	fprintf(stderr, "%s: %s: %s\n", shell->path, shell->program[0], strerror(-error));
	return error == -ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_CANNOT_RUN;
}

/* Becomes the program, which dies with `holder`; tells an errno otherwise. */
static void become(char **program, pid_t holder, int input, int tell)
{
	int error = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != holder)
		_exit(SHELL_FAILED);
	shell_signals_unblock();
	if (input < 0 || dup2(input, STDIN_FILENO) >= 0)
		execvp(program[0], program);
	error = errno;
	_exit(write(tell, &error, sizeof(error)) == sizeof(error) ? PROGRAM_CANNOT_RUN : SHELL_FAILED);
}

/* Starts it. Returns its number, or an errno as a negative number. */
static pid_t start(char **program, int input)
{
	pid_t holder = getpid(), pid;
	int said[2], error = 0;

	if (pipe2(said, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(program, holder, input, said[1]);
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

int shell_program_run(char **program, int input, int *ret_status)
{
	pid_t pid = start(program, input);

	if (pid < 0)
		return (int)pid;
	shell_signals_to(pid);
	*ret_status = wait_for(pid);
	return 0;
}

int shell_program_status(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	/* a shell that runs a script ends it if what it has started ends by Ctrl-C, and not by a status */
	if (WTERMSIG(status) == SIGINT)
		return shell_signals_die_by(SIGINT);
	return SHELL_SIGNAL + WTERMSIG(status);
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
void shell_program_kill_all(void)
{
	do
		kill_children();
	while (wait(NULL) > 0 || errno == EINTR);
}
