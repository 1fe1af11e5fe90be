/*
 * cli/stop.c - a thread that waits for signals.
 *
 * A note must not be cancelled in a signal handler. So the signals are blocked in all threads, and one does nothing but
 * wait for them. It is a daemon: the end of the program does not wait for it.
 */
#include "stop.h"

#include <errno.h>
#include <fairlead/thread.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void fill(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGTERM);
}

static void *await(void *note)
{
	sigset_t signals;
	int signal = 0;

	fill(&signals);
	sigwait(&signals, &signal);
	fl_note_cancel(note);
	sigwait(&signals, &signal);
	_exit(128 + signal);
}

int stop_on_signals(fl_note *note)
{
	const fl_thread_options options = {.name = "signals", .daemon = true};
	sigset_t signals;

	fill(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return fl_thread_start(NULL, &options, await, note);
}
