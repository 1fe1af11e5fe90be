/*
 * fairlead/process.h - Process: a function that runs in a process of its own. Python's multiprocessing.Process.
 *
 *     static int count(void *arg, size_t size) { const struct range *range = arg; ... return 0; }
 *
 *     int main(void)
 *     {
 *             fl_process_begin();                        // first of all
 *             fl_process *process;
 *             fl_process_status status;
 *             int error = fl_process_start(&process, &(fl_process_options){.name = "counter"}, count, &range,
 *                                          sizeof(range));
 *             if (error < 0)
 *                     return 1;
 *             error = fl_process_join(process, &status); // waits for its end
 *             fl_process_close(process);                 // gives the handle back
 *             return error < 0 || status.result < 0;
 *     }
 *
 * How. A process that is forked from one with threads has the locks of threads that it does not have, malloc's among
 * them, and may hang at its first call. So the new process runs the program anew (/proc/self/exe, which is the file
 * that runs, whatever has become of its name), and fl_process_begin, which its main() calls first, runs the function in
 * it and never returns. That is Python's "spawn", and freeze_support(). The function is named by its module and its
 * place there; its argument is copied. Whatever else the function needs it finds in what it is given: a descriptor, the
 * name of a segment, of a frame channel. Variables have the values that the program begins with, and a pointer in the
 * argument means nothing there.
 *
 * What the new process has: the environment, the working directory, the user, the limits, the signal mask and what is
 * ignored, as they are for the thread that starts it; no signal handlers; standard input, output and error; of all
 * other descriptors those that the options name. main() is called with one argument, "program: name".
 *
 * Order of output. What the parent has written to stdout and stderr is written out before the process starts, and all
 * that the child has written to its streams when it ends, whatever its function returned: so what the child prints
 * comes after what was printed before, and before what is printed after a join. A child that is killed, or calls
 * _exit(), takes along what it has not flushed.
 *
 * How it ends: when the function returns, as by exit(): handlers of atexit() run, and threads that are not daemons are
 * waited for (fairlead/thread.h). What it returns is the exit code, if it is 0 to 255, and anything else is exit code
 * 1; who joins it gets the very number. It may call exit() itself.
 *
 * The parent may end before its children: they run on, unless they were started with die_with_parent. It does not wait
 * for them at exit; who wants that joins them.
 *
 * A child that has ended is there as a zombie until somebody asks: fl_process_join and its kin, fl_process_alive and
 * fl_process_close do. If its handle was closed before it ended, the next fl_process_start or fl_process_close of any
 * process does. The parent may have other children and wait for those; if it waits for any child, or ignores SIGCHLD,
 * what became of ours is lost to us, and a join says -ECHILD instead of waiting for ever.
 *
 * When not to use it: for another program, use posix_spawn(3). Threads are far cheaper, and share everything.
 *
 * Linux 5.11 or newer, and /proc, are needed. No call may come from a signal handler. No call fails or returns early
 * because of a signal. In a forked child of the parent, the parent's processes can't be joined or signalled: -EPERM.
 */
#ifndef FAIRLEAD_PROCESS_H
#define FAIRLEAD_PROCESS_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A process that this one has started. */
typedef struct fl_process fl_process;

/* How a process is made. */
enum fl_process_way {
	FL_PROCESS_EXEC = 0,    /* the program is run anew */
	FL_PROCESS_FORK,        /* fork(): everything is there, as a copy; only where there are no other threads */
	FL_PROCESS_FORK_ANYWAY, /* the same with other threads: at your risk, see above */
};

/* How a process is to be started. All zero is what a NULL pointer means: the defaults. */
typedef struct fl_process_options {
	const char *name; /* NULL: "process-1", "process-2", ...; it is copied, and what ps shows */
	const int *keep;  /* descriptors that it is to have, under the same numbers; it has no others but 0, 1 and 2.
			     A forked one has them all */
	uint32_t n_keep;
	uint32_t way;         /* of enum fl_process_way */
	bool die_with_parent; /* SIGKILL for it at once when this process ends or runs another program, in whatever way;
				 it does not matter what becomes of the thread that starts it */
	uint8_t fl_spare0[7];
	uint64_t fl_spare[3]; /* these must be zero */
} fl_process_options;

/* How a process has ended. */
enum fl_process_end {
	FL_PROCESS_EXITED = 1, /* the function returned, or somebody called exit() */
	FL_PROCESS_KILLED,     /* by a signal */
	FL_PROCESS_FAILED,     /* before it could call the function; fl_process_describe says why */
};

typedef struct fl_process_status {
	uint32_t end;     /* of enum fl_process_end */
	int32_t exitcode; /* 0 to 255, or minus the signal, as in Python */
	int32_t signal;   /* that killed it, or 0 */
	int32_t result;   /* what the function returned, exactly; the exit code, if it called exit(). If it was killed:
			     -ECHILD. If it failed:
			     -ENOEXEC: it ended before it came to fl_process_begin;
			     -ENOENT: it does not have the module of the function, which dlopen() loaded in the parent;
			     -ESTALE: the module is not the parent's: its file has been replaced meanwhile;
			     -ENOMEM: no memory for the argument */
	bool core;        /* killed, and the memory was dumped */
	uint8_t fl_spare0[7];
	uint64_t fl_spare[3];
} fl_process_status;

/* To be called first in main(), before threads are started or arguments are looked at. Returns at once, unless this
 * process was started to run a function: then it is run, and the process ends. To call it again does nothing.
 * Since 0.1. */
void fl_process_begin(void);

/* Starts a process that calls function(copy of the `size` bytes at `arg`, size). The copy is the child's own, at the
 * start of a page; NULL if the size is 0. `ret_process` receives the handle; with NULL there is none to give back, and
 * nobody joins the process. `options` may be NULL. Returns 0;
 * -ENOEXEC: this process has not called fl_process_begin, so neither would the new one (nor do forked ones need it);
 * -EINVAL: the function is in no module of this process; an option is not as it must be;
 * -EPERM: this program runs with privileges that its caller did not have (setuid, file capabilities), so what is in the
 *     environment can't be trusted; forked ones do not need it;
 * -EBUSY: to be forked, and there are other threads;
 * -EBADF: a descriptor to be kept is not open;
 * -EMFILE, -ENFILE, -ENOMEM, -EAGAIN, -EACCES, -ENOENT, -ENOSYS: what the system said: no descriptors, no memory, too
 *     many processes; the program can't be run (there is no /proc).
 * Any thread may call it. Blocks until the new process runs its program, and while another thread writes to stdout or
 * stderr.  Since 0.1. */
int fl_process_start(fl_process **ret_process, const fl_process_options *options,
		     int (*function)(void *arg, size_t size), const void *arg, size_t size) FL_NONNULL(3) FL_MUST_CHECK;

/* Blocks until the process has ended. `ret_status` may be NULL. The handle stays valid, and may be joined again, also
 * by several threads. Returns 0; -ECHILD: it has ended, and another wait of this process has taken the news of how, or
 * SIGCHLD is ignored; -EPERM: this is a forked child of its parent.  Since 0.1. */
int fl_process_join(fl_process *process, fl_process_status *ret_status) FL_NONNULL(1);
/* Also -ETIMEDOUT when the deadline passes and -ECANCELED when `note` (may be NULL) is cancelled; with a note -EMFILE
 * and -ENOMEM. A process that has ended is joined whatever these say. */
int fl_process_join_until(fl_process *process, fl_time deadline, fl_note *note, fl_process_status *ret_status)
	FL_NONNULL(1) FL_MUST_CHECK;
/* Also -EAGAIN if it has not ended. Does not block. */
int fl_process_join_try(fl_process *process, fl_process_status *ret_status) FL_NONNULL(1) FL_MUST_CHECK;

/* Sends it a signal; terminate: SIGTERM, which it may handle, kill: SIGKILL, which it can't. None of them waits. No
 * other process is ever hit, whether this one still lives or not. Returns 0; -ESRCH: it has ended; -EINVAL: there is no
 * such signal; -EPERM: it runs as another user, or this is a forked child of its parent.  Since 0.1. */
int fl_process_signal(fl_process *process, int signal) FL_ALL_NONNULL;
int fl_process_terminate(fl_process *process) FL_ALL_NONNULL;
int fl_process_kill(fl_process *process) FL_ALL_NONNULL;

/* Returns whether it has not ended. Does not block. */
bool fl_process_alive(fl_process *process) FL_ALL_NONNULL;
/* Returns its process id, also after its end, when the number may be another process's: to be printed. */
int fl_process_pid(const fl_process *process) FL_ALL_NONNULL;
/* Returns a descriptor (a pidfd) that is readable once it has ended, for poll, epoll or an event loop. It is the
 * handle's. */
int fl_process_fd(const fl_process *process) FL_ALL_NONNULL;
/* Returns its name, which lives as long as the handle. */
const char *fl_process_name(const fl_process *process) FL_ALL_NONNULL;

/* Writes a sentence about it, as much as fits: "process 4711 'counter' was killed by SIGSEGV, with a core dump", "...
 * runs". Does not block.  Since 0.1. */
void fl_process_describe(fl_process *process, char *ret_text, size_t size) FL_ALL_NONNULL;

/* Gives the handle back, with its descriptor. A process that runs, runs on, and nobody can join it any more. NULL is
 * allowed. Returns NULL. Not while another thread uses the handle. Does not block.  Since 0.1. */
fl_process *fl_process_close(fl_process *process);

FL_END_DECLS

#endif
