/*
 * hub/program.c - a processor that is a program: starting it, reading what it says, ending it. See processor.h.
 *
 * One thread waits for three things by poll: what the program says, its end (a descriptor of the process), and the
 * alarm, which says that it is not wanted any more. The program's frames come by a channel, which a source reads
 * (source.h).
 */
#define _GNU_SOURCE
#include "processor.h"

#include <errno.h>
#include <fairlead/guard.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE FL_SECONDS(2) /* from SIGTERM to SIGKILL */
#define LINE 256u

extern char **environ;

struct program {
	struct processor *processor;
	pid_t pid;
	int process; /* its descriptor */
	int output;  /* what it says; -1: it says no more */
	char line[LINE];
	size_t length;
	fl_time kill_at; /* FL_FOREVER: it has not been told to end */
};

/* Starting. */

/* The two names that are added to what the hub was given. */
struct additions {
	char input[FL_FRAMES_NAME + 32], output[FL_FRAMES_NAME + 32];
};

/* Returns a list that is to be freed, which the additions have to outlive; NULL: no memory. */
static char **make_environment(const struct processor *processor, struct additions *additions)
{
	size_t n = 0, kept = 0;
	char **all;

	while (environ[n])
		n++;
	all = calloc(n + 3, sizeof(*all));
	if (!all)
		return NULL;
	snprintf(additions->input, sizeof(additions->input), "FAIRLEAD_INPUT=%s", processor->of->name);
	snprintf(additions->output, sizeof(additions->output), "FAIRLEAD_OUTPUT=%s" PROCESSOR_OUTPUT,
		 processor->stream->name);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "FAIRLEAD_INPUT=", 15) != 0 && strncmp(environ[i], "FAIRLEAD_OUTPUT=", 16) != 0)
			all[kept++] = environ[i];
	all[kept++] = additions->input;
	all[kept++] = additions->output;
	return all;
}

/* In the child, where nothing may be called that takes a lock. With the signals as a program expects them; in a group
 * of its own, so that a ^C reaches the hub alone, which then ends its programs in order; without the terminal, for
 * which such a group would be stopped; without descriptors that libraries have opened (FFmpeg's cameras stay open over
 * exec, and would be busy as long as the program runs); and to be killed when the thread that waits for it is no more,
 * which is when the hub was killed. */
static void become(const char *path, char **words, char **environment, int output, pid_t hub)
{
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == hub && dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) >= 0 &&
	    dup2(output, STDOUT_FILENO) >= 0) {
		syscall(SYS_close_range, STDERR_FILENO + 1u, ~0u, 0u); /* an old kernel has it not */
		execve(path, words, environment);
	}
	_exit(127);
}

static int spawn(const struct processor *processor, int output, char **environment, pid_t *ret_pid)
{
	char name[2 * FL_FRAMES_NAME], *command;
	const char *what = processor->config->what, *of = processor->of->name;
	const char *shell[] = {"/bin/sh", "-c", NULL, NULL};
	const char *self[] = {"fairlead", "processor", "--input", of, "--output", name, what, NULL};
	bool program = processor->config->program;
	char **words = (char **)(uintptr_t)(program ? shell : self); /* it writes to none */
	pid_t hub = getpid(), child;
	int error;

	/* The shell makes words of it, and is replaced by the program. */
	if (asprintf(&command, "exec %s", what) < 0)
		return -ENOMEM;
	shell[2] = command;
	snprintf(name, sizeof(name), "%s" PROCESSOR_OUTPUT, processor->stream->name);
	child = fork();
	error = child < 0 ? -errno : 0;
	if (child == 0)
		become(program ? shell[0] : "/proc/self/exe", words, environment, output, hub);
	free(command);
	if (error == 0) {
		setpgid(child, child); /* whoever comes first: it may have to be signalled at once */
		*ret_pid = child;
	}
	return error;
}

static int start(struct program *program)
{
	struct additions additions;
	char **environment;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	environment = make_environment(program->processor, &additions);
	error = environment ? spawn(program->processor, ends[1], environment, &program->pid) : -ENOMEM;
	free(environment);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		return error;
	}
	program->output = ends[0];
	fcntl(program->output, F_SETFL, O_NONBLOCK);
	program->process = (int)syscall(SYS_pidfd_open, program->pid, 0);
	if (program->process >= 0)
		return 0;
	error = -errno;
	kill(-program->pid, SIGKILL);
	waitpid(program->pid, NULL, 0);
	close(ends[0]);
	return error;
}

/* What it says. */

static void take_line(struct program *program)
{
	struct results *results = &program->processor->results;
	char *value;

	program->line[program->length] = '\0';
	program->length = 0;
	if (program->line[0] == '\0') {
		results_show(results);
		return;
	}
	value = strchr(program->line, '=');
	if (!value)
		return; /* it may say something else too */
	*value++ = '\0';
	results_set(results, program->line, value);
}

/* A line that is too long is cut. */
static void take(struct program *program, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == '\n')
			take_line(program);
		else if (program->length < LINE - 1)
			program->line[program->length++] = text[i];
}

static void listen_to(struct program *program)
{
	char text[4096];
	ssize_t n = read(program->output, text, sizeof(text));

	if (n > 0) {
		take(program, text, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(program->output);
		program->output = -1;
	}
}

/* Ending. */

static bool is_wanted(struct processor *processor)
{
	bool wanted = false;
	eventfd_t ignored;

	eventfd_read(processor->alarm, &ignored);
	fl_with (&processor->changed)
		wanted = processor->wanted;
	return wanted;
}

static void end(struct program *program, int signal, fl_time kill_at)
{
	kill(-program->pid, signal);
	program->kill_at = kill_at;
}

/* Returns -1: without an end. Rounded up, so that it is not called too early again and again. */
static int milliseconds_left(fl_time deadline)
{
	return deadline == FL_FOREVER ? -1 : (int)((fl_remaining(deadline) + FL_MS(1) - 1) / FL_MS(1));
}

/* Until the process has ended. */
static void attend(struct program *program)
{
	struct pollfd polls[] = {
		{.fd = program->process, .events = POLLIN},
		{.fd = program->processor->alarm, .events = POLLIN},
		{.fd = program->output, .events = POLLIN},
	};

	for (;;) {
		polls[2].fd = program->output;
		if (poll(polls, 3, milliseconds_left(program->kill_at)) < 0 && errno != EINTR)
			return;
		if (polls[2].revents)
			listen_to(program);
		if (polls[0].revents)
			return;
		if (polls[1].revents && !is_wanted(program->processor) && program->kill_at == FL_FOREVER)
			end(program, SIGTERM, fl_after(PATIENCE));
		if (fl_remaining(program->kill_at) == 0)
			end(program, SIGKILL, fl_after(PATIENCE));
	}
}

/* Returns 0: it was told to end. */
static int judge(struct program *program, int status)
{
	if (program->kill_at != FL_FOREVER) {
		processor_say(program->processor, "it was stopped");
		return 0;
	}
	if (WIFSIGNALED(status))
		processor_say(program->processor, "it was killed by signal %d (%s)", WTERMSIG(status),
			      strsignal(WTERMSIG(status)));
	else
		processor_say(program->processor, "it ended with status %d", WEXITSTATUS(status));
	return -ECHILD;
}

int processor_run_program(struct processor *processor)
{
	struct program program = {.processor = processor, .kill_at = FL_FOREVER, .process = -1};
	int error = start(&program), status;

	if (error != 0) {
		processor_say(processor, "it can't be started: %s", strerror(-error));
		return error;
	}
	if (!is_wanted(processor))
		end(&program, SIGTERM, fl_after(PATIENCE));
	attend(&program);
	/* What it has started may have outlived it. Its number is nobody else's before it has been waited for. */
	kill(-program.pid, SIGKILL);
	waitpid(program.pid, &status, 0);
	if (program.output >= 0)
		listen_to(&program);
	if (program.output >= 0)
		close(program.output);
	close(program.process);
	return judge(&program, status);
}
