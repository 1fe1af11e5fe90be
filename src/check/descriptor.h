/*
 * check/descriptor.h - descriptors through which threads of the program talk to each other: see descriptor.c.
 */
#ifndef FAIRLEAD_CHECK_DESCRIPTOR_H
#define FAIRLEAD_CHECK_DESCRIPTOR_H

#include "run.h"

#include <poll.h>

#define NAMED 1u /* the line of all that are connected by name */

/* Makes a system call that the snapshot engine's filter looks at. Returns what the kernel does. */
#define WATCHED_PICK(n, a, b, c, d, e, f, ...) \
	raw_watched((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define WATCHED(...) WATCHED_PICK(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* Whether operations on it are passed on as they are: the standard ones, files. */
HIDDEN bool descriptor_passes(int fd);
/* Whether what is read there is random. */
HIDDEN bool descriptor_is_random(int fd);
/* The program has made it. `line`: what those share who know of each other through it; 0: a new one. Returns that. */
HIDDEN uint32_t descriptor_made(int fd, uint32_t line);
HIDDEN uint32_t descriptor_line(int fd);
/* It is closed: its number may come to be another one's. */
HIDDEN void descriptor_forget(int fd);
/* The running thread gives on what it knows to those that read there; gets it. */
HIDDEN void descriptor_release(int fd);
HIDDEN void descriptor_acquire(int fd);
/* A step that does not wait; something was done, and others may be able to go on. */
HIDDEN void descriptor_step(uintptr_t pc);
HIDDEN void descriptor_changed(void);
HIDDEN bool descriptor_blocks(int fd);
/* Waits until one of them is ready. Returns 0, or ETIMEDOUT or EINTR. */
HIDDEN int descriptor_wait(struct pollfd *fds, size_t n, int64_t deadline, uint8_t how, uintptr_t pc);
/* The same, by another question than poll's. */
HIDDEN int descriptor_wait_for(bool (*ready)(struct thread *), void *arg, int64_t deadline, uint8_t how, uintptr_t pc);
/* Makes a call that reads, or writes, when it is possible: at once if the descriptor does not block. Returns what the
 * kernel does. */
HIDDEN long descriptor_call(int fd, short events, bool waits, const long *call, uintptr_t pc);
/* Reads, writes or closes for the C library, in the middle of a function of its: what is moved is not the program's.
 * Returns what the kernel would. */
HIDDEN long descriptor_inside(const long *call, uintptr_t pc);
/* Ends such a call for the program: errno, order, the others. */
HIDDEN long descriptor_done(int fd, long result, short events);
/* Nobody can go on: waits a little for what comes from outside the program. Returns whether something did. */
HIDDEN bool descriptor_outside(void);

#endif
