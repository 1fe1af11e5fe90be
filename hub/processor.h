/*
 * hub/processor.h - processors of the hub: each takes the frames of one stream, and fills another one, and says
 * results.
 *
 * It is a function that is called by a thread of the hub (processing.h), or a program: the same function in a process
 * of its own, or somebody else's. What such a program gets and gives:
 *
 *   FAIRLEAD_INPUT    the name of the frame channel that it is to read
 *   FAIRLEAD_OUTPUT   the name of the one that it may serve: its frames become the stream's
 *   standard output   lines "key=value": results, each shown at once. An empty line says that those since the last
 *                     empty line are all there are: the others go.
 *   SIGTERM           asks it to end; two seconds later it is killed
 *
 * A program that ends is started again, after 1/4 s first, then after 1/2, 1, up to 8 s. Nothing else notices.
 */
#ifndef HUB_PROCESSOR_H
#define HUB_PROCESSOR_H

#include "hub.h"
#include "results.h"
#include <fairlead/condition.h>
#include <fairlead/note.h>
#include <fairlead/processor.h>
#include <fairlead/thread.h>

/* What is put behind a stream's name for the channel of a program. */
#define PROCESSOR_OUTPUT ".out"

struct processor {
	struct stream *stream, *of;
	const struct hub_processor_config *config;
	const fl_processor *function; /* NULL: it is a program */
	struct results results;
	fl_thread *thread;
	fl_condition changed; /* what follows is under its lock */
	bool wanted, running, ending;
	fl_note *note; /* of the thread, while it works; cancelled: it is not wanted any more */
	int alarm;     /* an eventfd of a program's thread, that says the same; -1 */
	uint64_t skipped, failed;
	char why[STREAM_WHY];
	uint32_t restarts;
};

/* What the status says of one. */
struct processor_state {
	bool wanted, running;
	uint64_t skipped, failed; /* frames that came while it was busy; of which it made nothing */
	uint32_t restarts;
	char why[STREAM_WHY];
};

/* Makes the processor of a stream, and starts it. Returns 0, or says in `why` what is wrong and returns -errno. */
int processor_open(struct stream *stream, struct stream *of, const struct hub_processor_config *config, char *why,
		   size_t size) FL_ALL_NONNULL FL_MUST_CHECK;
/* Asks it to end; waits until it has. NULL is allowed. */
void processor_stop(struct processor *processor);
void processor_close(struct processor *processor);

/* Starts it, or lets it rest; does not wait for that. Any thread. */
void processor_want(struct processor *processor, bool wanted) FL_ALL_NONNULL;
void processor_state_get(struct processor *processor, struct processor_state *ret_state) FL_ALL_NONNULL;

/* What its thread does while it is wanted, if it is a program (program.c). Returns how it ended: 0, it was told to. */
int processor_run_program(struct processor *processor) FL_ALL_NONNULL;
/* Says why it does not run, as printf. */
void processor_say(struct processor *processor, const char *format, ...) FL_ALL_NONNULL
	__attribute__((format(printf, 2, 3)));

#endif
