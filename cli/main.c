/*
 * cli/main.c - the command `fairlead`: the table of its commands.
 *
 * A command is one row here; its own folder or file has its table of options and the function that runs it.
 *
 * That all was written is known only when standard output is closed: a full disk shows there.
 */
#include "check.h"
#include "command.h"
#include "frames.h"
#include "hub_commands.h"
#include "ps.h"
#include "segments.h"
#include "shell.h"
#include "top.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char command_about[] =
	"Fairlead shares data between threads and processes; this is its command. It looks at frame channels, images "
	"that one process produces and any number of others read, and at segments, memory that processes share. It "
	"gives scripts locks, semaphores, events, barriers and queues, which survive who is killed. And it "
	"checks programs with threads, whichever they use: it runs them under many schedules until one breaks them, or "
	"watches how they use their locks.";

const struct command command_all[] = {
	{.name = "hub",
	 .summary = "show what cameras see, to browsers, programs and files",
	 .run = hub_command,
	 .rows = hub_rows,
	 .about = hub_about},
	{.name = "frames",
	 .summary = "look at frame channels: list them, watch one, save an image",
	 .about = frames_about,
	 .commands = frames_commands},
	{.name = "segments",
	 .summary = "look at memory that processes share: who uses it, what is in it; remove what is left",
	 .run = segments_command,
	 .rows = segments_rows,
	 .arguments = "[SEGMENT]",
	 .about = segments_about},
	{.name = "ps",
	 .summary = "show what shared objects are doing: who holds them, who waits, who died",
	 .run = ps_command,
	 .rows = ps_rows,
	 .arguments = "[SEGMENT]",
	 .about = ps_about},
	{.name = "top",
	 .summary = "show the same live, with rates",
	 .run = top_command,
	 .rows = top_rows,
	 .arguments = "[SEGMENT]",
	 .about = top_about},
	{.name = "lock",
	 .summary = "run a program while a lock is held that scripts and programs share",
	 .run = lock_command,
	 .rows = lock_rows,
	 .arguments = "LOCK PROGRAM [ARGUMENT...]",
	 .about = lock_about},
	{.name = "semaphore",
	 .summary = "run so many programs at a time at most; or send signals that are counted",
	 .run = semaphore_command,
	 .rows = semaphore_rows,
	 .arguments = "SEMAPHORE [PROGRAM] [ARGUMENT...]",
	 .about = semaphore_about},
	{.name = "event",
	 .summary = "tell other scripts that something has happened; wait until it has",
	 .run = event_command,
	 .rows = event_rows,
	 .arguments = "EVENT set|clear|wait|is-set",
	 .about = event_about},
	{.name = "barrier",
	 .summary = "wait until so many scripts have come",
	 .run = barrier_command,
	 .rows = barrier_rows,
	 .arguments = "BARRIER",
	 .about = barrier_about},
	{.name = "queue",
	 .summary = "pass items from scripts to scripts, and to programs that work on them",
	 .run = queue_command,
	 .rows = queue_rows,
	 .arguments = "QUEUE make|put|get|work|join|shutdown|show [PROGRAM] [ARGUMENT...]",
	 .about = queue_about},
	{.name = "processor",
	 .summary = "run one processor between two frame channels",
	 .run = processor_command,
	 .rows = processor_rows,
	 .arguments = "PROCESSOR",
	 .about = processor_about},
	{.name = "check",
	 .summary = "run a program under many schedules of its threads until one breaks it",
	 .run = check_command,
	 .rows = check_rows,
	 .arguments = "PROGRAM [ARGUMENT...]",
	 .about = check_about},
	{.name = "replay",
	 .summary = "run the schedule again that 'fairlead check' has found",
	 .run = replay_command,
	 .rows = replay_rows,
	 .arguments = "FILE",
	 .about = replay_about},
	{.name = "cc",
	 .summary = "compile C so that 'fairlead check' can look at it",
	 .run = cc_command,
	 .arguments = "[FILE...]",
	 .about = cc_about},
	{.name = "c++",
	 .summary = "compile C++ so that 'fairlead check' can look at it",
	 .run = cxx_command,
	 .arguments = "[FILE...]",
	 .about = cc_about},
	{.name = "watch",
	 .summary = "run a program and watch its locks: deadlocks, orders that can deadlock, where time goes",
	 .run = watch_command,
	 .rows = watch_rows,
	 .arguments = "PROGRAM [ARGUMENT...]",
	 .about = watch_about},
	{.name = "help",
	 .summary = "show the commands, or what one can do",
	 .run = help_command,
	 .rows = help_rows,
	 .arguments = "[COMMAND...]"},
	{.name = "completion",
	 .summary = "print what makes a shell complete commands, options and names",
	 .run = completion_command,
	 .arguments = "bash"},
	{0},
};

/* Whoever starts it may have closed them; then files of its own would get their numbers. */
static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	hold_standard_descriptors();
	status = command_run(command_all, "fairlead", command_about, argc, argv);

	if (fclose(stdout) != 0 && status == COMMAND_OK) {
		fprintf(stderr, "fairlead: standard output: %s\n", strerror(errno));
		return COMMAND_FAILED;
	}
	return status;
}
