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

#include "shell_signals.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The holder. */

static int run_and_release(struct shell *shell, const struct shell_kind *kind)
{
	int status = 0, error = shell_program_run(shell->program, -1, &status);

	if (shell_signals_orphaned()) {
		shell_program_kill_all();
		return SHELL_SIGNAL + SIGKILL;
	}
	kind->release(shell);
	shell_leave(shell, 0);
	return error == 0 ? shell_program_status(status) : shell_program_say(shell, error);
}

/* Acquires, by the name of the program: it is what others are told when this process has died. */
static int acquire(struct shell *shell, const struct shell_kind *kind)
{
	char name[16] = "";
	int error;

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, shell_program_name(shell));
	error = kind->acquire(shell, shell_signals_note());
	prctl(PR_SET_NAME, name);
	return error;
}

static int hold(struct shell *shell)
{
	const struct shell_kind *kind = shell->kind;
	int error, status = shell_enter(shell, shell_program_name(shell), kind->find);

	if (status != SHELL_OK)
		return status;
	error = acquire(shell, kind);
	if (error == -EOWNERDEAD)
		return SHELL_OWNER_DIED; /* and it dies with this process once more */
	return error == 0 ? run_and_release(shell, kind) : shell_leave(shell, error);
}

int shell_hold(struct shell *shell, const struct shell_kind *kind)
{
	shell->kind = kind;
	return shell_front(shell, hold);
}

/* The front. */

int shell_front(struct shell *shell, int (*below)(struct shell *shell))
{
	int status = shell_program_look(shell);
	pid_t holder;

	if (status != 0)
		return status;
	shell->front = getpid();
	holder = fork();
	if (holder < 0)
		return shell_leave(shell, -errno);
	if (holder == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		return below(shell);
	}
	status = shell_signals_follow(holder);
	return WIFSIGNALED(status) ? shell_signals_die_by(WTERMSIG(status)) : WEXITSTATUS(status);
}
