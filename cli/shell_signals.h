/*
 * shell_signals.h - what SIGINT and its like do to a command for scripts: they end its wait, and later they are its
 * program's.
 *
 * These are SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2, but for those that were ignored when the command
 * was started: nohup, and a shell that runs something in the background, mean them to be.
 */
#ifndef FAIRLEAD_CLI_SHELL_SIGNALS_H
#define FAIRLEAD_CLI_SHELL_SIGNALS_H

#include <fairlead/note.h>
#include <stdbool.h>
#include <sys/types.h>

/* Keeps them from doing what they do otherwise. To be called first; the other calls need it. */
void shell_signals_block(void);

/* Puts all back as it was found, in a child that is to run a program. */
void shell_signals_unblock(void);

/* Waits for the end of a child, and passes them on to it meanwhile. Returns its status, as waitpid has it. */
int shell_signals_follow(pid_t child);

/* Starts a thread that takes them from now on; with `parent`, it takes the death of that process, too, which must be
 * the one that has forked this one. Returns 0; -ESRCH: it is dead already; -EAGAIN, -ENOMEM: there can be no more
 * threads; -EMFILE, -ENFILE: there can be no more descriptors. */
int shell_signals_begin(pid_t parent);

/* What the first of them cancels. */
fl_note *shell_signals_note(void);

/* Waits until that descriptor is ready for POLLIN or POLLOUT, or is to be read or written to see why not. Returns 0;
 * -ECANCELED: the note is cancelled; -ENOMEM. */
int shell_signals_await(int fd, short events);

/* From now on they are passed on to that process; SIGKILL is, when the parent dies. What has come since begin is sent
 * at once. */
void shell_signals_to(pid_t program);

/* From now on nothing is done for them. To be called before the program is waited for: then its number is free. */
void shell_signals_over(void);

/* Returns when all that has come by now has been taken: it has cancelled the note. */
void shell_signals_settle(void);

/* After a program: there may be another one, as if there had been none. Returns false, and does nothing, if the note is
 * cancelled. */
bool shell_signals_again(void);

/* Whether the parent has died. */
bool shell_signals_orphaned(void);

/* Ends this process by the signal that has cancelled the note; returns its status if that is none to end by. */
int shell_signals_die(void);

/* Ends this process by that signal, as if it had not been blocked; returns 128 and its number if it does not end
 * processes, or is none of these. No memory is dumped. */
int shell_signals_die_by(int number);

#endif
