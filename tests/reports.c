/*
 * reports.c - catching what Fairlead reports.
 *
 * The hook copies the report under a mutex: several threads may report at once, and the strings die when it returns.
 * The child that is to abort runs with core dumps off, and writes to a pipe that is read until its end.
 */
#define _GNU_SOURCE
#include "reports.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 20 /* for a child that hangs */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct caught last;

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void remember(const fl_report *report, void *arg)
{
	struct caught *caught = arg;

	pthread_mutex_lock(&mutex);
	caught->n++;
	caught->kind = report->kind;
	caught->address = report->address;
	caught->thread_id = report->thread_id;
	caught->n_frames = report->n_frames;
	copy(caught->object, sizeof(caught->object), report->object);
	copy(caught->name, sizeof(caught->name), report->name ? report->name : "(none)");
	copy(caught->thread_name, sizeof(caught->thread_name), report->thread_name);
	copy(caught->what, sizeof(caught->what), report->what);
	copy(caught->text, sizeof(caught->text), report->text);
	pthread_mutex_unlock(&mutex);
}

void reports_catch(void)
{
	reports_look(NULL);
	fl_report_set_hook(remember, &last);
}

int reports_look(struct caught *ret_caught)
{
	int n;

	pthread_mutex_lock(&mutex);
	n = last.n;
	if (ret_caught)
		*ret_caught = last;
	memset(&last, 0, sizeof(last));
	pthread_mutex_unlock(&mutex);
	return n;
}

void reports_expect(const char *object, const void *address, const char *name, const char *what)
{
	struct caught caught;

	ck_assert_msg(reports_look(&caught) == 1, "%d reports of '%s', not 1; the last: %s", caught.n, what,
		      caught.what);
	ck_assert_int_eq(caught.kind, FL_REPORT_MISUSE);
	ck_assert_str_eq(caught.object, object);
	ck_assert_ptr_eq(caught.address, address);
	ck_assert_str_eq(caught.name, name ? name : "(none)");
	ck_assert_int_eq(caught.thread_id, gettid());
	ck_assert_msg(strstr(caught.what, what) != NULL, "'%s' says nothing of '%s'", caught.what, what);
}

void reports_expect_none(void)
{
	struct caught caught;

	ck_assert_msg(reports_look(&caught) == 0, "%s '%s': %s", caught.object, caught.name, caught.what);
}

static _Noreturn void be_child(int out, void (*body)(void *arg), void *arg)
{
	const struct rlimit no_core = {0, 0};

	dup2(out, STDERR_FILENO);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGALRM, SIG_DFL); /* Check has its own */
	alarm(CHILD_SECONDS);
	fl_report_set_hook(NULL, NULL);
	body(arg);
	_exit(0);
}

static void read_all(int in, char *ret_said, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(in, ret_said + length, size - 1 - length)) > 0)
		length += (size_t)n;
	ret_said[length] = '\0';
}

int reports_of_child(void (*body)(void *arg), void *arg, char *ret_said, size_t size, int *ret_child)
{
	int ends[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		be_child(ends[1], body, arg);
	close(ends[1]);
	read_all(ends[0], ret_said, size);
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (ret_child)
		*ret_child = child;
	return status;
}

struct deed {
	void (*body)(void *arg);
	void *arg;
};

static void do_deed(void *arg)
{
	const struct deed *deed = arg;

	prctl(PR_SET_NAME, "culprit");
	deed->body(deed->arg);
}

void reports_expect_abort(void (*body)(void *arg), void *arg, const char *object, const void *address, const char *name,
			  const char *what)
{
	struct deed deed = {body, arg};
	char said[16384], head[256], thread[64];
	int child, status = reports_of_child(do_deed, &deed, said, sizeof(said), &child);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x; it said: %s", (unsigned)status,
		      said);
	snprintf(head, sizeof(head), "fairlead: misuse: %s%s%s%s at %p: ", object, name ? " '" : "", name ? name : "",
		 name ? "'" : "", address);
	snprintf(thread, sizeof(thread), "in thread %d 'culprit'\n", child);
	ck_assert_msg(strncmp(said, head, strlen(head)) == 0, "'%s' does not begin with '%s'", said, head);
	ck_assert_msg(strstr(said, what) != NULL, "'%s' says nothing of '%s'", said, what);
	ck_assert_msg(strstr(said, thread) != NULL, "'%s' says nothing of '%s'", said, thread);
}
