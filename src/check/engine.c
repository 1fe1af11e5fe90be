/*
 * check/engine.c - see engine.h.
 *
 * snapshot  one process makes many executions; its memory is put back after each (snapshot.c). The fastest.
 * process   each execution has a process of its own, forked from one that has stopped in front of main.
 * kernel    the same, and the program's threads are kernel threads, of which one runs at a time: for debuggers.
 *
 * In all of them the first thread runs on a stack of its own, so that its addresses are the same.
 */
#include "engine.h"

#include "descriptor.h"
#include "heap.h"
#include "inside.h"
#include "look.h"
#include "object.h"
#include "output.h"
#include "pool.h"
#include "seen.h"
#include "shadow.h"
#include "signals.h"
#include "snapshot.h"
#include "strategy.h"
#include "thread.h"
#include "ticks.h"
#include "trace.h"
#include "unmodelled.h"
#include "word.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#define MAIN_STACK (UINT64_C(8) << 20)
/* As much as threads have elsewhere, and their control blocks and thread-local data. */
#define STACK ((UINT64_C(8) << 20) + (UINT64_C(256) << 10))
#define PAGE 4096u
#define SIGNAL_STACK (UINT64_C(64) << 10)
#define TICK_MS 250
#define HANG_CPU INT64_C(2000000000)
#define HANG_BUSY_CPU INT64_C(60000000000)

static struct fiber driver;
static struct fiber fibers[THREADS]; /* of this process, to be used again */
static char *stacks;
static struct {
	int (*main)(int, char **, char **);
	int argc;
	char **argv, **envp;
	bool function;
} program;
static struct {
	uint64_t progress;
	int64_t cpu, wall;
	uint64_t steps;
	int64_t cpu_of_step;
} watch;

static char *stack_of(unsigned id)
{
	return id == 0 ? stacks : stacks + MAIN_STACK + (id - 1) * STACK;
}

static void give_stack(struct fiber *fiber, unsigned id, size_t wanted)
{
	size_t size = id == 0 ? MAIN_STACK : STACK;

	if (fiber->stack != NULL && fiber->size >= wanted)
		return;
	fiber->stack = stack_of(id);
	fiber->size = size;
	if (wanted > size - PAGE) {
		fiber->size = ((wanted + PAGE - 1) & ~(size_t)(PAGE - 1)) + PAGE;
		fiber->stack = raw_map(NULL, fiber->size, false);
	}
	RAW(SYS_mprotect, fiber->stack, PAGE, PROT_NONE);
}

static void *kernel_entry(void *arg)
{
	struct thread *thread = arg;

	word_sleep(&thread->word);
	thread_main();
}

/* Makes one on a stack, of which the first page is a guard. Returns whether it could be made. */
static bool make_kernel_thread(char *stack, size_t size, void *(*routine)(void *), void *arg, pthread_t *ret_id)
{
	static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	pthread_attr_t attributes;
	int error;

	if (create == NULL)
		create = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(
			RTLD_NEXT, "pthread_create");
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack + PAGE, size - PAGE);
	heap_aside(true);
	error = create(ret_id, &attributes, routine, arg);
	heap_aside(false);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

/* A kernel thread, which waits for its turn. */
static bool start_kernel_thread(struct thread *thread)
{
	pthread_t id = 0;
	bool made;

	run->active = false;
	made = make_kernel_thread(thread->fiber.stack, thread->fiber.size, kernel_entry, thread, &id);
	run->active = true;
	thread->fiber.fs = (uintptr_t)id;
	return made;
}

static void *end_at_once(void *arg)
{
	return arg;
}

/* With its first thread the C library begins to lock streams, and C++ to count references by atomics. It never sees
 * one of fibers: so it gets one now. */
static void expect_threads(void)
{
	int (*join)(pthread_t, void **) = (int (*)(pthread_t, void **))dlsym(RTLD_NEXT, "pthread_join");
	char *stack = raw_map(NULL, STACK, false); /* the program's thread-local data lies there, too */
	pthread_t id;

	if (!make_kernel_thread(stack, STACK, end_at_once, NULL, &id))
		raw_die("no kernel thread can be made");
	join(id, NULL);
	RAW(SYS_munmap, stack, STACK);
}

bool engine_thread(struct thread *thread, size_t stack)
{
	struct fiber *fiber = &fibers[thread->id];

	give_stack(fiber, thread->id, stack);
	thread->fiber = *fiber;
	if (memory->engine == CHECK_KERNEL && thread->id != 0)
		return start_kernel_thread(thread);
	if (thread->id == 0)
		fiber_adopt(fiber);
	else
		fiber_renew(fiber, thread->id);
	fiber_prepare(fiber, (void (*)(void))thread_main);
	thread->fiber = *fiber;
	return true;
}

/* What the next execution is likely to need, so that not every process has to make it anew. */
static void make_fibers(unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		give_stack(&fibers[i], i, 0);
		if (fibers[i].fs == 0)
			fiber_renew(&fibers[i], i);
	}
}

void engine_switch(struct thread *from, struct thread *to)
{
	if (memory->engine != CHECK_KERNEL) {
		fiber_switch(&from->fiber, &to->fiber);
		return;
	}
	word_wake(&to->word);
	word_sleep(&from->word);
}

void engine_leave(struct thread *from, struct thread *to)
{
	if (memory->engine != CHECK_KERNEL)
		fiber_switch(&from->fiber, &to->fiber);
	word_wake(&to->word);
	for (;;)
		word_sleep(&from->word);
}

void engine_end(void)
{
	struct fiber nowhere;

	if (memory->engine == CHECK_SNAPSHOT)
		fiber_switch(&nowhere, &driver);
	for (;;)
		RAW(SYS_exit_group, 0);
}

void engine_exit(int code)
{
	if (memory->engine != CHECK_SNAPSHOT)
		return;
	run->exit_code = code & 255;
	run_end();
}

void engine_trap(void)
{
	RAW(SYS_tgkill, RAW(SYS_getpid), RAW(SYS_gettid), SIGTRAP);
}

bool engine_outside(void)
{
	return descriptor_outside();
}

static void *run_main(void *arg)
{
	int code = program.main(program.argc, program.argv, program.envp);

	if (!program.function)
		exit(code);
	return arg;
}

void engine_function(void)
{
	program.function = true;
}

void engine_last(void)
{
	if (!program.function)
		exit(0);
	run_end();
}

/* Everything is as new, and the first thread begins. Returns at its end in the snapshot engine only. */
static void begin(void)
{
	struct thread *first;

	pool_renew();
	shadow_renew();
	run_begin();
	seen_begin();
	first = run_add(run_main, NULL, 0);
	first->clock = clock_new();
	first->clock[0] = 1;
	local_restore();
	signal_begin(first);
	run_first();
	fiber_switch(&driver, &first->fiber);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
	uintptr_t address = (uintptr_t)info->si_addr;

	if ((signal == SIGSEGV && snapshot_fault(address)) || ticks_fault(info, context) ||
	    signal_fault(signal, info, context))
		return;
	if (!controlled())
		raw_die("signal %d at %p, address %p", signal, (void *)pc, (void *)address);
	run->failure.code = signal;
	run->failure.object = address;
	if (signal == SIGSEGV && address - (uintptr_t)self()->fiber.stack < PAGE)
		fail(CHECK_CRASH, pc, "stack overflow of T%u", self()->id);
	fail(CHECK_CRASH, pc, "signal %d (%s) at address %p", signal,
	     signal == SIGSEGV  ? "segmentation fault"
	     : signal == SIGBUS ? "bus error"
	     : signal == SIGFPE ? "arithmetic exception"
				: "illegal instruction",
	     (void *)address);
}

static void on_call(int signal, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	const long arguments[] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
	long result;

	(void)signal;
	if (r[REG_RIP] == (greg_t)(uintptr_t)raw_call_end) /* our filters let these through */
		not_modelled("a system call that the program's own filter (seccomp) catches");
	if (inside_call(info, context))
		return;
	if (!look_call(info->si_syscall, arguments, &result))
		snapshot_call(info->si_syscall, arguments);
	r[REG_RAX] = result;
}

static volatile bool ticked;

bool engine_ticked(void)
{
	bool now = ticked;

	if (now)
		ticked = false;
	return now;
}

/* Nothing has moved for long: neither a step nor an access; or accesses alone for much longer. */
static void on_tick(int signal, siginfo_t *info, void *context)
{
	uint64_t progress = memory->progress + run->accesses;
	const ucontext_t *at = context;

	(void)signal;
	(void)info;
	ticked = true;
	if (!controlled() || memory->progress != watch.steps) {
		watch.steps = memory->progress;
		watch.cpu_of_step = raw_cpu();
	}
	if (!controlled() || progress != watch.progress) {
		watch.progress = progress;
		watch.cpu = raw_cpu();
		watch.wall = raw_now();
	}
	seen_hang(raw_cpu() - watch.cpu_of_step);
	if ((memory->instrumented && raw_cpu() - watch.cpu > HANG_CPU) || raw_cpu() - watch.cpu_of_step > HANG_BUSY_CPU)
		fail(CHECK_HANG, (uintptr_t)at->uc_mcontext.gregs[REG_RIP],
		     "T%u runs without reaching a scheduling point", self()->id);
	unmodelled_wait((uintptr_t)at->uc_mcontext.gregs[REG_RIP], raw_now() - watch.wall);
}

static void on(int signal, void (*handler)(int, siginfo_t *, void *))
{
	static int (*set)(int, const struct sigaction *, struct sigaction *);
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};

	if (set == NULL)
		set = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
	set(signal, &action, NULL);
}

static void catch_signals(void)
{
	stack_t stack = {.ss_sp = raw_map(NULL, SIGNAL_STACK, false), .ss_size = SIGNAL_STACK};

	RAW(SYS_sigaltstack, &stack, NULL);
	on(SIGSEGV, on_fault);
	on(SIGBUS, on_fault);
	on(SIGFPE, on_fault);
	on(SIGILL, on_fault);
	on(SIGSYS, on_call);
	on(SIGALRM, on_tick);
	on(SIGPIPE, (void (*)(int, siginfo_t *, void *))(void (*)(void))SIG_IGN); /* descriptor.c sends it */
}

static void start_watch(void)
{
	struct itimerval every = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};

	watch.progress = 0;
	RAW(SYS_setitimer, ITIMER_REAL, &every, NULL);
}

void engine_begin(int (*main)(int, char **, char **), int argc, char **argv, char **envp)
{
	const char *missing = stacks == NULL ? fiber_begin() : NULL;

	if (missing != NULL)
		raw_die("needs %s", missing);
	program.main = main;
	program.argc = argc;
	program.argv = argv;
	program.envp = envp;
	if (stacks == NULL)
		expect_threads();
	if (stacks == NULL)
		stacks = raw_map(NULL, MAIN_STACK + (THREADS - 1) * STACK, false);
	fiber_adopt(&driver);
	thread_warm_up();
	local_keep();
	heap_keep();
	snapshot_begin(argv);
	catch_signals();
}

/* What is known of a process that ended without the checker having seen it. */
static void conclude_process(int status)
{
	struct check_failure *failure = &run->failure;

	if (run->finished)
		return;
	run->active = false;
	run->finished = true;
	if (WIFEXITED(status)) {
		run->exit_code = WEXITSTATUS(status);
		return;
	}
	failure->verdict = WTERMSIG(status) == SIGABRT ? CHECK_ABORT : CHECK_CRASH;
	failure->thread = run->current != NULL ? self()->id : 0;
	failure->code = WTERMSIG(status);
	raw_print(failure->text, sizeof(failure->text), "ended by signal %d", WTERMSIG(status));
}

static void run_in_process(void)
{
	int status = 0;
	long child;

	if (memory->asked.stop_before != 0) {
		inside_begin();
		ticks_begin();
		begin();
	}
	if (memory->engine == CHECK_PROCESS)
		make_fibers(run->n_threads);
	child = RAW(SYS_fork);
	if (child < 0)
		raw_die("fork: error %d", (int)-child);
	if (child == 0) {
		start_watch();
		inside_begin();
		ticks_begin();
		begin();
	}
	RAW(SYS_wait4, child, &status, 0, NULL);
	conclude_process(status);
}

void engine_run(void)
{
	output_renew();
	if (memory->engine != CHECK_SNAPSHOT) {
		run_in_process();
		return;
	}
	begin();
	snapshot_restore();
}

bool engine_loop(bool (*step)(void))
{
	int status = 0;
	long child;

	if (memory->engine != CHECK_SNAPSHOT) {
		while (step())
			continue;
		return true;
	}
	child = RAW(SYS_fork);
	if (child < 0)
		raw_die("fork: error %d", (int)-child);
	if (child == 0) {
		const char *missing = snapshot_keep();

		if (missing != NULL) {
			raw_print(memory->unsafe, sizeof(memory->unsafe), "no %s", missing);
			RAW(SYS_exit_group, SNAPSHOT_UNSAFE);
		}
		start_watch();
		ticks_begin();
		while (step())
			continue;
		RAW(SYS_exit_group, 0);
	}
	RAW(SYS_wait4, child, &status, 0, NULL);
	if (WIFSIGNALED(status))
		raw_print(memory->unsafe, sizeof(memory->unsafe), "signal %d", WTERMSIG(status));
	run->active = false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
