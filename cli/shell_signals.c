/*
 * cli/shell_signals.c - see shell_signals.h.
 *
 * The signals are blocked in all threads. One thread waits for them, and under the lock of `state` decides whose they
 * are: the command's, which is waiting and is to give up, or the program's. So no process is sent a signal that has
 * been waited for, and whose number may be another's by now.
 *
 * A signal of the terminal (Ctrl-C) goes to all processes in front of it, the program among them: that one, which the
 * kernel sends, is not passed on, for the program would get it twice, and many take a second one for "at once". It ends
 * a wait as any other does.
 *
 * What cannot be given up is the moment in which the segment is entered, and another process that was stopped in there
 * can make it a long one. So a second Ctrl-C ends the command where it stands.
 *
 * One that comes while a program runs is remembered all the same: who runs one program after the other is to end when
 * this one has. A program may end by a signal of the terminal, or because of it, before the thread has got to its own
 * copy. So who is about to go on asks the thread by a signal, and waits for its answer: the kernel hands out those with
 * lower numbers first.
 *
 * The death of the parent comes as a signal, too (PR_SET_PDEATHSIG). The parent may have died before that was asked
 * for; then it is not the parent any more.
 */
#define _GNU_SOURCE
#include "shell_signals.h"

#include "shell.h"
#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARENT_DIED SIGRTMIN
#define ASKED (SIGRTMIN + 1)
#define NONE ((pid_t)-1)

static const int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static struct {
	sigset_t taken, before;
	struct sigaction child_before; /* SIGCHLD */
	fl_note note;
	int told;     /* an eventfd: what it counts is 1 once the note is cancelled */
	fl_lock lock; /* of what follows */
	int first;    /* that came; 0: none */
	bool orphaned;
	pid_t program; /* 0: none yet; NONE: none any more */
	fl_event answered;
} state;

static void fill(sigset_t *ret_signals)
{
	struct sigaction action;

	sigemptyset(ret_signals);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (sigaction(passed[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(ret_signals, passed[i]);
}

void shell_signals_block(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t all;

	fill(&state.taken);
	all = state.taken;
	sigaddset(&all, SIGCHLD);
	sigaddset(&all, PARENT_DIED);
	sigaddset(&all, ASKED);
	sigaction(SIGCHLD, &usual, &state.child_before); /* where it is ignored, nobody learns how a child ended */
	pthread_sigmask(SIG_BLOCK, &all, &state.before);
}

void shell_signals_unblock(void)
{
	sigaction(SIGCHLD, &state.child_before, NULL);
	pthread_sigmask(SIG_SETMASK, &state.before, NULL);
}

int shell_signals_follow(pid_t child)
{
	sigset_t signals = state.taken;
	siginfo_t info;
	int status = W_EXITCODE(SHELL_FAILED, 0);

	sigaddset(&signals, SIGCHLD);
	while (waitpid(child, &status, WNOHANG) == 0)
		if (sigwaitinfo(&signals, &info) > 0 && info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, info.si_signo);
	return status;
}

/* The thread. */

/* The wait is to end. */
static void give_up(int number)
{
	if (state.first == 0)
		state.first = number;
	fl_note_cancel(&state.note);
	eventfd_write(state.told, 1);
}

static void take(const siginfo_t *info)
{
	fl_guard(&state.lock);

	if (info->si_signo == PARENT_DIED)
		state.orphaned = true;
	/* It did not help, so a second Ctrl-C ends all. */
	if (state.program == 0 && state.first != 0 && info->si_code == SI_KERNEL)
		shell_signals_die_by(info->si_signo);
	give_up(info->si_signo);
	if (state.program > 0 && state.orphaned)
		kill(state.program, SIGKILL);
	else if (state.program > 0 && info->si_code != SI_KERNEL)
		kill(state.program, info->si_signo);
}

static void *await(void *unused)
{
	sigset_t signals = state.taken;
	siginfo_t info;

	(void)unused;
	sigaddset(&signals, PARENT_DIED);
	sigaddset(&signals, ASKED);
	for (;;) {
		if (sigwaitinfo(&signals, &info) <= 0)
			continue;
		if (info.si_signo == ASKED)
			fl_event_set(&state.answered);
		else
			take(&info);
	}
	return NULL;
}

int shell_signals_begin(pid_t parent)
{
	const fl_thread_options options = {.name = "signals", .daemon = true};

	if (parent != 0 && (prctl(PR_SET_PDEATHSIG, PARENT_DIED) != 0 || getppid() != parent))
		return -ESRCH;
	state.told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (state.told < 0)
		return -errno;
	return fl_thread_start(NULL, &options, await, NULL);
}

fl_note *shell_signals_note(void)
{
	return &state.note;
}

int shell_signals_await(int fd, short events)
{
	struct pollfd both[] = {{.fd = fd, .events = events}, {.fd = state.told, .events = POLLIN}};

	while (poll(both, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return both[1].revents != 0 ? -ECANCELED : 0;
}

void shell_signals_to(pid_t program)
{
	fl_guard(&state.lock);

	state.program = program;
	if (state.first != 0)
		kill(program, state.orphaned ? SIGKILL : state.first);
}

void shell_signals_over(void)
{
	fl_guard(&state.lock);

	state.program = NONE;
}

void shell_signals_settle(void)
{
	fl_event_clear(&state.answered);
	kill(getpid(), ASKED);
	fl_event_wait(&state.answered);
}

bool shell_signals_again(void)
{
	fl_guard(&state.lock);

	if (state.first != 0)
		return false;
	state.program = 0;
	return true;
}

bool shell_signals_orphaned(void)
{
	fl_guard(&state.lock);

	return state.orphaned;
}

/* Ends. */

int shell_signals_die_by(int number)
{
	sigset_t signal;

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		if (passed[i] != number)
			continue;
		prctl(PR_SET_DUMPABLE, 0);
		sigemptyset(&signal);
		sigaddset(&signal, number);
		raise(number);
		pthread_sigmask(SIG_UNBLOCK, &signal, NULL);
	}
	return SHELL_SIGNAL + number;
}

int shell_signals_die(void)
{
	int first;

	fl_lock_acquire(&state.lock);
	first = state.first;
	fl_lock_release(&state.lock);
	return shell_signals_die_by(first);
}
