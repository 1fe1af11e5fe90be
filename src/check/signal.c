/*
 * check/signal.c - signals between the program's threads: what is sent, to whom, and what it does there.
 *
 * Nothing of it reaches the kernel. What is sent waits in a line with its target, in front of whose next step its
 * handler runs, on the target's own stack (interrupt.h); that is as late as a signal can come without another step of
 * the target in between, and as early as any of its steps. One that is sent to the process goes to one of the threads
 * that do not block it, which is a choice, or waits until there is one.
 *
 * As with POSIX: the same signal twice is one, except for real-time signals; those that are ignored are dropped when
 * they are sent, unless they are blocked. A signal that ends the process is a failure, for nobody reports what is left.
 * One that stops it is not modelled.
 *
 * What comes from outside the program is the kernel's: it ends the program as it always would. What the processor
 * raises is in signal_fault.c.
 */
#include "signals.h"

#include "interrupt.h"
#include "object.h"
#include "pool.h"
#include "thread.h"
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define SIGNALS 64
#define REAL_TIME 34 /* the first one for programs */

static struct sigaction early[SIGNALS + 1]; /* of constructors */
static uint64_t early_blocked;

bool signal_valid(int signal)
{
	return signal >= 1 && signal <= SIGNALS && signal != 32 && signal != 33;
}

struct sigaction *signal_action(int signal)
{
	if (!controlled())
		return &early[signal];
	if (run->actions == NULL) {
		run->actions = pool_take(sizeof(early));
		raw_copy(run->actions, early, sizeof(early));
	}
	return &run->actions[signal];
}

bool signal_has_handler(int signal)
{
	const struct sigaction *action = signal_action(signal);

	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static bool is_ignored(int signal)
{
	const struct sigaction *action = signal_action(signal);

	return action->sa_handler == SIG_IGN ||
	       (action->sa_handler == SIG_DFL &&
		(signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT));
}

void signal_begin(struct thread *first)
{
	first->blocked = early_blocked;
	for (int signal = 1; signal <= SIGNALS && run->actions == NULL; signal++) {
		if (early[signal].sa_handler != SIG_DFL)
			signal_action(signal);
	}
}

static NO_RETURN void end_process(int signal, uintptr_t pc)
{
	if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
		not_modelled("a signal that stops the process");
	run->failure.code = signal;
	if (signal == SIGABRT)
		fail(CHECK_ABORT, pc, "ended by signal 6 (SIGABRT)");
	fail(CHECK_CRASH, pc, "ended by signal %d (%s%s)", signal, signal < REAL_TIME ? "SIG" : "real-time",
	     signal < REAL_TIME ? sigabbrev_np(signal) : "");
}

static void append(struct sent **line, const siginfo_t *info)
{
	struct sent *sent;

	while (*line != NULL) {
		if ((*line)->info.si_signo == info->si_signo && info->si_signo < REAL_TIME)
			return;
		line = &(*line)->next;
	}
	sent = pool_take(sizeof(*sent));
	sent->info = *info;
	sent->clock = clock_new();
	clock_join(sent->clock, self()->clock);
	clock_tick(self());
	*line = sent;
}

static struct sent *take(struct sent **line, uint64_t set)
{
	for (; *line != NULL; line = &(*line)->next) {
		struct sent *sent = *line;

		if ((set & signal_bit(sent->info.si_signo)) == 0)
			continue;
		*line = sent->next;
		return sent;
	}
	return NULL;
}

static bool any(const struct sent *sent, uint64_t set)
{
	for (; sent != NULL; sent = sent->next) {
		if ((set & signal_bit(sent->info.si_signo)) != 0)
			return true;
	}
	return false;
}

struct sent *signal_take(struct thread *thread, uint64_t set)
{
	struct sent *sent = take(&thread->sent, set);

	if (sent == NULL)
		sent = take(&run->sent, set);
	if (sent != NULL)
		clock_join(thread->clock, sent->clock);
	signal_update(thread);
	return sent;
}

/* What waits for a thread of the process that does not block it is everybody's who does not. */
void signal_update(struct thread *thread)
{
	bool due = any(thread->sent, ~thread->blocked) || any(run->sent, ~thread->blocked);

	thread->due = (uint8_t)((thread->due & ~DUE_SIGNAL) | (due ? DUE_SIGNAL : 0));
}

void signal_set_mask(struct thread *thread, uint64_t blocked)
{
	thread->blocked = blocked & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	signal_update(thread);
}

static bool takes(const struct thread *thread, uint64_t bit)
{
	return !thread->finished && ((thread->blocked & bit) == 0 || (thread->awaited & bit) != 0);
}

void signal_send(struct thread *thread, const siginfo_t *info)
{
	if (thread->finished || (is_ignored(info->si_signo) && takes(thread, signal_bit(info->si_signo)) &&
				 (thread->awaited & signal_bit(info->si_signo)) == 0))
		return;
	append(&thread->sent, info);
	signal_update(thread);
	if (thread != self() || mask_has(&run->guarded, thread->id))
		run_interrupt(thread);
}

void signal_send_process(const siginfo_t *info)
{
	struct thread *candidates[THREADS];
	unsigned n = 0;

	for_mask (i, &run->live) {
		if (takes(&run->thread[i], signal_bit(info->si_signo)))
			candidates[n++] = &run->thread[i];
	}
	if (n > 0)
		signal_send(candidates[sched_choose(n)], info);
	else
		append(&run->sent, info);
}

uint8_t signal_handle(struct thread *thread, struct sent *sent, void *context)
{
	int signal = sent->info.si_signo;
	struct sigaction action = *signal_action(signal);
	uint64_t before = thread->blocked;
	void *waits[2] = {thread->wait_arg[0], thread->wait_arg[1]};

	if (is_ignored(signal))
		return 0;
	if (action.sa_handler == SIG_DFL)
		end_process(signal, thread->op.pc);
	if ((action.sa_flags & SA_RESETHAND) != 0)
		signal_action(signal)->sa_handler = SIG_DFL;
	signal_set_mask(thread, before | signal_bits(&action.sa_mask) |
					((action.sa_flags & SA_NODEFER) != 0 ? 0 : signal_bit(signal)));
	if ((action.sa_flags & SA_SIGINFO) != 0)
		action.sa_sigaction(signal, &sent->info, context);
	else
		action.sa_handler(signal);
	signal_set_mask(thread, before);
	thread->wait_arg[0] = waits[0];
	thread->wait_arg[1] = waits[1];
	return (action.sa_flags & SA_RESTART) != 0 ? WAIT_ALWAYS : WAIT_ALWAYS | WAIT_SIGNAL;
}

static void note_handler(struct thread *thread, const struct sent *sent)
{
	if (!run->trace || thread->event == NULL)
		return;
	thread->event->kind = CHECK_HANDLER;
	trace_value((uint64_t)sent->info.si_signo, 0, CHECK_VALUE);
}

uint8_t signal_serve(struct thread *thread)
{
	ucontext_t context;
	struct sent *sent;
	uint8_t served = 0;

	while ((thread->due & DUE_SIGNAL) != 0 && (sent = signal_take(thread, ~thread->blocked)) != NULL) {
		raw_fill(&context, 0, sizeof(context));
		*(uint64_t *)&context.uc_sigmask = thread->blocked;
		note_handler(thread, sent);
		served |= signal_handle(thread, sent, &context);
	}
	return served;
}

static siginfo_t plain_info(int signal, int code)
{
	siginfo_t info;

	raw_fill(&info, 0, sizeof(info));
	info.si_signo = signal;
	info.si_code = code;
	info.si_pid = getpid();
	return info;
}

/* To a thread, or to the process (NULL). */
static int send(struct thread *target, const siginfo_t *info, uintptr_t pc)
{
	struct thread *thread = self();

	if (target != NULL)
		sched_point_at(CHECK_KILL, target, pc);
	else
		sched_point_at(CHECK_KILL, NULL, pc);
	trace_value((uint64_t)info->si_signo, 0, CHECK_VALUE);
	if (info->si_signo == 0)
		return 0;
	sched_progress();
	if (target != NULL)
		signal_send(target, info);
	else
		signal_send_process(info);
	if ((thread->due & DUE_SIGNAL) != 0)
		signal_serve(thread);
	return 0;
}

void signal_raise(int signal, uintptr_t pc)
{
	siginfo_t info = plain_info(signal, SI_TKILL);

	(void)pc;
	signal_send(self(), &info);
	signal_serve(self());
}

static int send_to(pthread_t id, const siginfo_t *info, uintptr_t pc)
{
	struct thread *target = thread_of(id);

	if (target == NULL || (target->finished && target->detached))
		fail(CHECK_MISUSE, pc, "sends a signal to a thread that %s",
		     target == NULL ? "was joined before, or never was" : "was detached and has ended");
	if (info->si_signo != 0 && !signal_valid(info->si_signo))
		return EINVAL;
	return send(target, info, pc);
}

EXPORT int pthread_kill(pthread_t id, int signal)
{
	siginfo_t info = plain_info(signal, SI_TKILL);

	return controlled() ? send_to(id, &info, CALLER) : ESRCH;
}

EXPORT int pthread_sigqueue(pthread_t id, int signal, const union sigval value)
{
	siginfo_t info = plain_info(signal, SI_QUEUE);

	info.si_value = value;
	return controlled() ? send_to(id, &info, CALLER) : ESRCH;
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

EXPORT int raise(int signal)
{
	siginfo_t info = plain_info(signal, SI_TKILL);

	if (signal != 0 && !signal_valid(signal))
		return fail_with(EINVAL);
	if (!controlled())
		raw_die("raise(%d) before main()", signal);
	return send(self(), &info, CALLER);
}

static int send_process(pid_t process, const siginfo_t *info, uintptr_t pc)
{
	if (info->si_signo != 0 && !signal_valid(info->si_signo))
		return fail_with(EINVAL);
	if (!controlled() || (process != 0 && process != getpid() && process != -getpid()))
		not_modelled("a signal to another process");
	return send(NULL, info, pc);
}

EXPORT int kill(pid_t process, int signal)
{
	siginfo_t info = plain_info(signal, SI_USER);

	return send_process(process, &info, CALLER);
}

EXPORT int sigqueue(pid_t process, int signal, const union sigval value)
{
	siginfo_t info = plain_info(signal, SI_QUEUE);

	info.si_value = value;
	return send_process(process, &info, CALLER);
}

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *ret_old)
{
	struct sigaction old;

	if (!signal_valid(signal) || (action != NULL && (signal == SIGKILL || signal == SIGSTOP)))
		return fail_with(EINVAL);
	if (controlled())
		sched_point(CHECK_SIGMASK, (uintptr_t)&run->actions + (uintptr_t)signal, action != NULL, CALLER);
	old = *signal_action(signal);
	if (action != NULL)
		*signal_action(signal) = *action;
	if (ret_old != NULL)
		*ret_old = old;
	return 0;
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	return sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

EXPORT int siginterrupt(int signal, int interrupts)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) != 0)
		return -1;
	action.sa_flags = interrupts ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
	return sigaction(signal, &action, NULL);
}

static int change_mask(uint64_t *mask, int how, uint64_t set)
{
	switch (how) {
	case SIG_BLOCK:
		*mask |= set;
		return 0;
	case SIG_UNBLOCK:
		*mask &= ~set;
		return 0;
	case SIG_SETMASK:
		*mask = set;
		return 0;
	default:
		return EINVAL;
	}
}

EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict ret_old)
{
	uint64_t mask = controlled() ? self()->blocked : early_blocked, old = mask;

	if (set != NULL && change_mask(&mask, how, signal_bits(set)) != 0)
		return EINVAL;
	if (ret_old != NULL) {
		sigemptyset(ret_old);
		*(uint64_t *)(void *)ret_old = old;
	}
	if (set == NULL)
		return 0;
	if (!controlled()) {
		early_blocked = mask;
		return 0;
	}
	sched_point(CHECK_SIGMASK, (uintptr_t)&run->sent, true, CALLER);
	signal_set_mask(self(), mask);
	signal_serve(self());
	return 0;
}

EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict ret_old)
{
	int error = pthread_sigmask(how, set, ret_old);

	return error == 0 ? 0 : fail_with(error);
}

EXPORT int sigpending(sigset_t *ret_set)
{
	uint64_t set = 0;

	if (controlled()) {
		sched_point(CHECK_SIGMASK, (uintptr_t)&run->sent, false, CALLER);
		for (const struct sent *sent = self()->sent; sent != NULL; sent = sent->next)
			set |= signal_bit(sent->info.si_signo);
		for (const struct sent *sent = run->sent; sent != NULL; sent = sent->next)
			set |= signal_bit(sent->info.si_signo);
	}
	sigemptyset(ret_set);
	*(uint64_t *)(void *)ret_set = set;
	return 0;
}
