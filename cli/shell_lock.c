/*
 * cli/shell_lock.c - `fairlead lock`: a program runs while a Lock in a segment is held.
 *
 * When the one before has died holding it, the program is run all the same, and told so: that is what a script wants
 * that cleans up at its start anyway. The lock is mended when the program has ended; whoever dies before that is told
 * of to the next one.
 *
 * With --fail-if-owner-died nothing is mended. To release the lock so would make it unusable for ever, also for who
 * comes to put things right. So the command ends holding it: then the next one is told, too.
 */
#include "shell.h"

#include "segments.h"
#include <errno.h>
#include <fairlead/owner.h>
#include <stdio.h>
#include <stdlib.h>

struct lock_command {
	struct shell shell;
	fl_lock *lock;
	bool fail;
};

const char lock_about[] =
	"Acquires the lock of that name, runs the program, releases the lock, and ends with the program's status. "
	"Options stand in front of the program; -- may, too. The lock is made when it is first named. Whoever is "
	"killed, others get the lock, and not before the program has ended. If its last holder died, this is said, and "
	"the program finds that one's number in FAIRLEAD_OWNER_DIED.";

static int take_fail(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct lock_command *)config)->fail);
}

const struct option_row lock_rows[] = {
	SHELL_TIMEOUT_ROW,
	SHELL_TRY_ROW,
	{"Death", "fail-if-owner-died", 0, NULL,
	 "do not run the program if the lock's last holder died: the status is 120, and the lock stays as it is, for "
	 "the next one to be told",
	 OPTION_FLAG, take_fail},
	SHELL_WHERE_ROWS,
	{0},
};

static int find(struct shell *shell)
{
	return fl_segment_lock(shell->segment, shell->name, &((struct lock_command *)shell)->lock);
}

/* Tells the user, and the program, who it was. */
static int say_who_died(const struct shell *shell)
{
	char number[16];
	fl_owner owner;

	fl_dead_owner(&owner);
	segments_plain(owner.name);
	if (owner.pid != 0)
		fprintf(stderr, "%s: %s: process %d (%s) died holding it\n", shell->path, shell->name, (int)owner.pid,
			owner.name);
	else
		fprintf(stderr, "%s: %s: somebody died holding it\n", shell->path, shell->name);
	snprintf(number, sizeof(number), "%d", (int)owner.pid);
	return setenv("FAIRLEAD_OWNER_DIED", number, 1);
}

static int acquire(struct shell *shell, fl_note *note)
{
	struct lock_command *command = (struct lock_command *)shell;
	int error = fl_lock_acquire_until(command->lock, shell->deadline, note);

	unsetenv("FAIRLEAD_OWNER_DIED"); /* that of another lock, around this one */
	if (error == -EOWNERDEAD && say_who_died(shell) == 0 && !command->fail)
		return 0;
	return error;
}

static void release(struct shell *shell)
{
	fl_lock *lock = ((struct lock_command *)shell)->lock;

	fl_lock_mend(lock);
	fl_lock_release(lock);
}

int lock_command(int argc, char **argv)
{
	static const struct shell_kind kind = {find, acquire, release};
	struct lock_command command = {0};
	struct options options;
	int status;

	if (!shell_read(&command.shell, "lock", argc, argv, &options, &status))
		return status;
	status = shell_hold(&command.shell, &kind);
	options_close(&options);
	return status;
}
