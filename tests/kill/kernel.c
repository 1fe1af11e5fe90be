/*
 * kernel.c - what the kernel keeps for processes, and puts in order when one of them dies: System V semaphores with
 * undo, flock, POSIX message queues, pipes.
 *
 * A pipe's messages are of 64 bytes. Writes of up to PIPE_BUF bytes are atomic, and readers that all ask for as many
 * get whole ones.
 */
#define _GNU_SOURCE
#include "kill.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

struct locked {
	int semaphore;
	struct kill_guarded guarded;
};

static void check_locked(const void *memory, struct kill_verdict *verdict)
{
	kill_guarded_check(&((const struct locked *)memory)->guarded, verdict);
}

/* ---- System V semaphores ---- */

static int make_semaphore(void *memory)
{
	struct locked *locked = memory;

	locked->semaphore = semget(IPC_PRIVATE, 1, 0600);
	if (locked->semaphore < 0 || semctl(locked->semaphore, 0, SETVAL, 1) < 0)
		return -errno;
	return 0;
}

static void remove_semaphore(void *memory)
{
	semctl(((struct locked *)memory)->semaphore, 0, IPC_RMID);
}

static void change_semaphore(const struct locked *locked, short by)
{
	struct sembuf change = {.sem_op = by, .sem_flg = SEM_UNDO};

	if (semop(locked->semaphore, &change, 1) < 0)
		kill_fail("semop", errno);
}

static void acquire_semaphore(void *memory, struct kill_worker *worker)
{
	(void)worker;
	change_semaphore(memory, -1);
}

static void release_semaphore(void *memory, struct kill_worker *worker)
{
	(void)worker;
	change_semaphore(memory, 1);
}

static void use_semaphore(void *memory, struct kill_worker *worker)
{
	acquire_semaphore(memory, worker);
	kill_guarded_use(&((struct locked *)memory)->guarded, worker);
	release_semaphore(memory, worker);
	kill_dwell(worker);
}

/* ---- flock ---- */

static int file = -1; /* the harness's, and in a worker its own */

static int make_file(void *memory)
{
	(void)memory;
	file = memfd_create("kill", MFD_CLOEXEC);
	return file < 0 ? -errno : 0;
}

static void close_file(void *memory)
{
	(void)memory;
	close(file);
}

/* flock belongs to an open file, so each worker opens it for itself. */
static void open_file(void *memory, struct kill_worker *worker)
{
	char path[64];

	(void)memory, (void)worker;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		kill_fail("open", errno);
}

static void acquire_file(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	if (flock(file, LOCK_EX) < 0)
		kill_fail("flock", errno);
}

static void release_file(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
	flock(file, LOCK_UN);
}

static void use_file(void *memory, struct kill_worker *worker)
{
	acquire_file(memory, worker);
	kill_guarded_use(&((struct locked *)memory)->guarded, worker);
	release_file(memory, worker);
	kill_dwell(worker);
}

/* ---- queues ---- */

static void check_ledger(const void *memory, struct kill_verdict *verdict)
{
	kill_ledger_check(memory, 1, 0, verdict);
}

static mqd_t messages;

static int make_messages(void *memory)
{
	struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = sizeof(uint64_t)};
	char name[64];

	(void)memory;
	snprintf(name, sizeof(name), "/fairlead-kill-%d", (int)getpid());
	messages = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (messages < 0)
		return -errno;
	mq_unlink(name);
	return 0;
}

static void close_messages(void *memory)
{
	(void)memory;
	mq_close(messages);
}

static void use_messages(void *memory, struct kill_worker *worker)
{
	uint64_t item;

	if (worker->role == 0) {
		item = kill_item_next(memory, worker);
		if (mq_send(messages, (const char *)&item, sizeof(item), 0) < 0)
			kill_fail("mq_send", errno);
		kill_item_put(memory, worker);
	} else {
		if (mq_receive(messages, (char *)&item, sizeof(item), NULL) < 0)
			kill_fail("mq_receive", errno);
		kill_item_got(memory, item);
	}
	kill_dwell(worker);
}

struct message {
	uint64_t item, padding[7];
};

static int ends[2];

static int make_pipe(void *memory)
{
	(void)memory;
	return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

static void close_pipe(void *memory)
{
	(void)memory;
	close(ends[0]);
	close(ends[1]);
}

static void use_pipe(void *memory, struct kill_worker *worker)
{
	struct message message = {0};

	if (worker->role == 0) {
		message.item = kill_item_next(memory, worker);
		if (write(ends[1], &message, sizeof(message)) != sizeof(message))
			kill_fail("write", errno);
		kill_item_put(memory, worker);
	} else {
		if (read(ends[0], &message, sizeof(message)) != sizeof(message))
			kill_fail("read", errno);
		kill_item_got(memory, message.item);
	}
	kill_dwell(worker);
}

static void leave_empty(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

const struct kill_object kill_kernel[] = {
	{.name = "sysv-undo",
	 .what = "System V semaphore with undo, as a lock",
	 .alone = true,
	 .size = sizeof(struct locked),
	 .init = make_semaphore,
	 .fini = remove_semaphore,
	 .operate = use_semaphore,
	 .check = check_locked,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire_semaphore, .meanwhile = release_semaphore},
			{.name = "wanted", .queues = true},
			{.name = "orphaned", .before = acquire_semaphore, .dies = true}}},
	{.name = "flock",
	 .what = "flock",
	 .expects = KILL_SURVIVES,
	 .alone = true,
	 .size = sizeof(struct locked),
	 .init = make_file,
	 .fini = close_file,
	 .start = open_file,
	 .operate = use_file,
	 .check = check_locked,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire_file, .meanwhile = release_file},
			{.name = "wanted", .queues = true},
			{.name = "orphaned", .before = acquire_file, .dies = true}}},
	{.name = "posix-mq",
	 .what = "POSIX message queue",
	 .size = sizeof(struct kill_ledger),
	 .roles = 2,
	 .drains = true,
	 .init = make_messages,
	 .fini = close_messages,
	 .operate = use_messages,
	 .check = check_ledger,
	 .situations = {{.name = "put", .waits = true},
			{.name = "get", .role = 1, .before = use_messages},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_messages}}},
	{.name = "pipe",
	 .what = "pipe, messages of 64 bytes",
	 .size = sizeof(struct kill_ledger),
	 .roles = 2,
	 .drains = true,
	 .init = make_pipe,
	 .fini = close_pipe,
	 .operate = use_pipe,
	 .check = check_ledger,
	 .situations = {{.name = "put", .waits = true},
			{.name = "get", .role = 1, .before = use_pipe},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_pipe}}},
	{0},
};
