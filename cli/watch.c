/*
 * cli/watch.c - `fairlead watch`: runs a program with libfairlead-watch.so in it, and says what that notes.
 *
 * The library sends the notes of each process that uses locks over a datagram socket (src/watch/memory.c). Ten times a
 * second all notes are looked at: what is new in the order of locks, whether threads wait for each other, and who has
 * held a lock for long. When a process has ended, however that was, its notes are still here, and its table is made
 * from them. The command ends when the program does that it was called for; what other processes have done by then is
 * said, too.
 *
 * Signals of the terminal go to the program as well, which decides; the command outlives it. SIGTERM and SIGHUP it
 * passes on.
 */
#define _GNU_SOURCE
#include "watch.h"

#include "values.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 100
#define STATUS_FOUND 3

struct config {
	struct watch_table table;
	bool json, end_on_deadlock, fail;
	const char *output;
};

struct watching {
	struct watch_found found; /* first: the others find the whole by it */
	const char *path;
	struct config config;
	FILE *to;
	int socket, pidfd;
	pid_t pid;
	struct watch_process *processes;
	bool ended_it;
	unsigned n_found, n_watched;
	json_t *findings, *tables, *not_watched;
};

/* Options. */

static int take_sort(void *arg, const char *value, char *why, size_t size)
{
	static const char *const words[] = {"waited", "held", "longest", "acquired", "contended"};
	struct config *config = arg;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], value) == 0) {
			config->table.sort = (enum watch_sort)i;
			return 0;
		}
	snprintf(why, size, "it is waited, held, longest, acquired or contended");
	return -EINVAL;
}

static int take_limit(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 0, UINT32_MAX, &config->table.limit, why, size);
}

static int take_least(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_duration(value, &config->table.least, why, size);
}

static int take_flag(bool *flag)
{
	*flag = true;
	return 0;
}

static int take_end(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return take_flag(&((struct config *)arg)->end_on_deadlock);
}

static int take_fail(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return take_flag(&((struct config *)arg)->fail);
}

static int take_json(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return take_flag(&((struct config *)arg)->json);
}

static int take_output(void *arg, const char *value, char *why, size_t size)
{
	(void)why, (void)size;
	((struct config *)arg)->output = value;
	return 0;
}

const char watch_about[] =
	"Runs a program, as it is, and watches how it uses locks: POSIX and C11 mutexes (also those of C++), rwlocks, "
	"spin locks, semaphores, conditions. Says when locks are acquired in orders that can deadlock, when "
	"threads have deadlocked, and at the end for which locks most was waited and which were held long. What is "
	"found goes to standard error.";

const struct option_row watch_rows[] = {
	{"Deadlocks", "end-on-deadlock", 0, NULL,
	 "end the program (SIGKILL) when its threads wait for each other for ever, with status 3; otherwise it hangs "
	 "on",
	 OPTION_FLAG, take_end},
	{NULL, "fail", 0, NULL, "the status is 3 if a deadlock or a potential one was found, and else the program's",
	 OPTION_FLAG, take_fail},
	{"Table", "sort", 0, "waited|held|longest|acquired|contended",
	 "which locks come first: those waited for longest in all (waited, which is taken otherwise), held longest in "
	 "all, held longest once, most often acquired, or waited for most often",
	 OPTION_ONCE, take_sort},
	{NULL, "limit", 'n', "N", "at most so many rows (10); 0: no table", OPTION_ONCE, take_limit},
	{NULL, "at-least", 0, "DURATION", "only locks that were waited for, or held, for so long at least once",
	 OPTION_ONCE, take_least},
	{"Form", "json", 0, NULL, "one object of JSON, when the program has ended", OPTION_FLAG, take_json},
	{NULL, "output", 'o', "FILE", "write what is found to a file instead of standard error", OPTION_ONCE,
	 take_output},
	{0},
};

/* Saying. */

static void take_finding(struct watch_found *found, json_t *finding)
{
	struct watching *watching = (struct watching *)found;
	bool deadlock = strcmp(json_string_value(json_object_get(finding, "finding")), "deadlock") == 0;

	watching->n_found++;
	if (!watching->config.json)
		watch_print_finding(watching->to, finding);
	if (deadlock && watching->config.end_on_deadlock) {
		watching->ended_it = true;
		kill((pid_t)json_integer_value(json_object_get(json_object_get(finding, "process"), "pid")), SIGKILL);
		kill(watching->pid, SIGKILL);
	}
	json_array_append_new(watching->findings, finding);
}

static void say_not_watched(struct watching *watching, pid_t pid, int error)
{
	if (!watching->config.json)
		fprintf(watching->to, "fairlead watch: process %d is not watched: %s\n", (int)pid, strerror(error));
	json_array_append_new(watching->not_watched, json_pack("{si ss}", "pid", (int)pid, "why", strerror(error)));
}

static void say_table(struct watching *watching, struct watch_process *process)
{
	json_t *table = watch_table(process, &watching->config.table);

	if (!watching->config.json && watching->config.table.limit > 0)
		watch_print_table(watching->to, table);
	json_array_append_new(watching->tables, table);
}

static void say_all(struct watching *watching, int status)
{
	json_t *said;

	if (!watching->config.json) {
		if (watching->n_watched == 0)
			fprintf(watching->to, "fairlead watch: no lock was used\n");
		return;
	}
	said = json_pack("{si sO sO sO}", "status", status, "findings", watching->findings, "processes",
			 watching->tables, "not_watched", watching->not_watched);
	json_dumpf(said, watching->to, JSON_INDENT(1));
	fputc('\n', watching->to);
	json_decref(said);
}

/* Processes. */

static void look(struct watching *watching, struct watch_process *process)
{
	watch_orders_read(process, &watching->found);
	watch_deadlocks_look(process, &watching->found);
	watch_holds_look(process);
}

static void finish(struct watching *watching, struct watch_process *process)
{
	watch_orders_read(process, &watching->found);
	say_table(watching, process);
	watch_process_close(process);
}

static bool has_ended(const struct watch_process *process)
{
	return kill(process->pid, 0) != 0 && errno == ESRCH;
}

static void look_at_all(struct watching *watching, bool last)
{
	struct watch_process **link = &watching->processes, *process;

	while ((process = *link)) {
		if (!last && !has_ended(process)) {
			look(watching, process);
			link = &process->next;
			continue;
		}
		*link = process->next;
		finish(watching, process);
	}
}

static void add_process(struct watching *watching, const struct watch_message *message, int fd, pid_t pid)
{
	struct watch_process *process, **link = &watching->processes;
	int error = message->error;

	if (error == 0)
		error = fd < 0 || message->version != WATCH_VERSION ? EPROTO : -watch_process_open(fd, pid, &process);
	if (error != 0) {
		say_not_watched(watching, pid, error);
		return;
	}
	watching->n_watched++;
	process->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = process;
}

/* The socket. */

/* Takes what is told of one process. Returns whether there was something. */
static bool receive(struct watching *watching)
{
	struct watch_message message = {0};
	struct iovec part = {&message, sizeof(message)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr head = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct ucred who = {0, (uid_t)-1, (gid_t)-1};
	ssize_t length = recvmsg(watching->socket, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (length < 0)
		return errno == EINTR;
	for (struct cmsghdr *each = CMSG_FIRSTHDR(&head); each; each = CMSG_NXTHDR(&head, each)) {
		if (each->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(each), sizeof(fd));
		if (each->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(each), sizeof(who));
	}
	/* Anybody can find the name of the socket; root's programs may have become another user's. */
	if (length == sizeof(message) && (who.uid == getuid() || getuid() == 0))
		add_process(watching, &message, fd, who.pid);
	if (fd >= 0)
		close(fd);
	return true;
}

static int open_socket(struct watching *watching, char *ret_name, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length;
	int on = 1;

	snprintf(ret_name, size, "fairlead-watch-%d-%llx", (int)getpid(), (unsigned long long)fl_now());
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", ret_name);
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(ret_name));
	watching->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (watching->socket < 0 || setsockopt(watching->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    bind(watching->socket, (struct sockaddr *)&address, length) != 0)
		return -errno;
	return 0;
}

/* The program. */

static pid_t passes_to; /* signals */

static void pass_on(int number)
{
	kill(passes_to, number);
}

static void set_environment(const char *library, const char *name)
{
	const char *before = getenv("LD_PRELOAD");
	char all[2 * PATH_MAX];

	snprintf(all, sizeof(all), "%s%s%s", library, before && *before ? ":" : "", before ? before : "");
	setenv("LD_PRELOAD", all, 1);
	setenv(WATCH_VARIABLE, name, 1);
}

/* Starts it. Returns 0 or an errno. */
static int start(struct watching *watching, char **arguments, const char *library, const char *name)
{
	int said[2], error = 0;

	if (pipe2(said, O_CLOEXEC) != 0)
		return errno;
	watching->pid = fork();
	if (watching->pid == 0) {
		set_environment(library, name);
		execvp(arguments[0], arguments);
		error = errno;
		_exit(write(said[1], &error, sizeof(error)) == sizeof(error) ? 126 : 127);
	}
	close(said[1]);
	if (watching->pid < 0)
		error = errno;
	else if (read(said[0], &error, sizeof(error)) == sizeof(error))
		waitpid(watching->pid, NULL, 0);
	close(said[0]);
	return error;
}

static void prepare_signals(const struct watching *watching)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, pass = {.sa_handler = pass_on};

	passes_to = watching->pid;
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGTERM, &pass, NULL);
	sigaction(SIGHUP, &pass, NULL);
}

/* Watches until the program has ended; returns its status as a shell has it. */
static int watch(struct watching *watching)
{
	struct pollfd polled[] = {{.fd = watching->socket, .events = POLLIN},
				  {.fd = watching->pidfd, .events = POLLIN}};
	int status;

	while (polled[1].revents == 0) {
		if (poll(polled, 2, TICK_MS) < 0 && errno != EINTR)
			break;
		while (receive(watching))
			;
		look_at_all(watching, false);
	}
	while (waitpid(watching->pid, &status, 0) < 0)
		if (errno != EINTR)
			return COMMAND_FAILED;
	while (receive(watching))
		;
	look_at_all(watching, true);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(struct watching *watching, char **arguments)
{
	char library[PATH_MAX], name[80];
	int status = watch_program_check(watching->path, arguments[0]), error;

	if (status != 0)
		return status;
	if (watch_library_find(watching->path, library, sizeof(library)) != 0)
		return COMMAND_FAILED;
	error = -open_socket(watching, name, sizeof(name));
	if (error == 0)
		error = start(watching, arguments, library, name);
	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", watching->path, arguments[0], strerror(error));
		return COMMAND_FAILED;
	}
	prepare_signals(watching);
	unsetenv("DEBUGINFOD_URLS"); /* names are looked for on this machine */
	watching->pidfd = pidfd_open(watching->pid, 0);
	status = watch(watching);
	if (watching->ended_it || (watching->config.fail && watching->n_found > 0))
		status = STATUS_FOUND;
	say_all(watching, status);
	return status;
}

static int run_to_output(struct watching *watching, char **arguments)
{
	int status;

	watching->to = watching->config.output ? fopen(watching->config.output, "we") : stderr;
	if (!watching->to) {
		fprintf(stderr, "%s: %s: %s\n", watching->path, watching->config.output, strerror(errno));
		return COMMAND_FAILED;
	}
	status = run(watching, arguments);
	if (watching->to != stderr && fclose(watching->to) != 0) {
		fprintf(stderr, "%s: %s: %s\n", watching->path, watching->config.output, strerror(errno));
		return COMMAND_FAILED;
	}
	return status;
}

int watch_command(int argc, char **argv)
{
	struct watching watching = {.found = {take_finding}, .path = argv[0], .config = {.table = {.limit = 10}}};
	struct options options;
	int error = options_read(command_find(command_all, "watch"), argc, argv, &watching.config, &options), status;

	if (error != 0)
		return options_status(error);
	watching.findings = json_array();
	watching.tables = json_array();
	watching.not_watched = json_array();
	status = run_to_output(&watching, options.arguments);
	json_decref(watching.findings);
	json_decref(watching.tables);
	json_decref(watching.not_watched);
	options_close(&options);
	return status;
}
