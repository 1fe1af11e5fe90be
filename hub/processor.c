/*
 * hub/processor.c - see processor.h.
 *
 * The thread's life:  wait until it is wanted  ->  work until it is not, or until it fails  ->  if it has failed, wait
 * a while  ->  again.
 */
#include "processor.h"

#include "processing.h"
#include "source.h"
#include <errno.h>
#include <fairlead/guard.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SHORTEST_PAUSE FL_MS(250)
#define LONGEST_PAUSE FL_SECONDS(8)

void processor_say(struct processor *processor, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fl_with (&processor->changed)
		vsnprintf(processor->why, sizeof(processor->why), format, list);
	va_end(list);
}

/* A function, in this thread. */

struct sink {
	struct processing_sink sink;
	struct processor *processor;
};

static struct processor *processor_of(struct processing_sink *sink)
{
	return ((struct sink *)sink)->processor;
}

static int sink_publish(struct processing_sink *sink, const void *data, fl_frame_info *info)
{
	struct stream *stream = processor_of(sink)->stream;

	stream_online(stream);
	return stream_publish(stream, data, info);
}

__attribute__((format(printf, 3, 0))) static int sink_result(struct processing_sink *sink, const char *key,
							     const char *format, va_list list)
{
	return results_put(&processor_of(sink)->results, key, format, list);
}

static void sink_done(struct processing_sink *sink, const fl_frame *frame, int error)
{
	struct processor *processor = processor_of(sink);

	stream_verify(processor->of, frame);
	/* Of a frame that failed nothing is said. */
	if (error == 0)
		results_show(&processor->results);
	else
		results_forget(&processor->results);
	if (error < 0)
		processor_say(processor, "a frame failed: %s", strerror(-error));
	fl_with (&processor->changed) {
		processor->skipped += frame->missed;
		processor->failed += error < 0;
	}
}

static int run_function(struct processor *processor, fl_note *note)
{
	struct sink sink = {{processor->stream->frames, sink_publish, sink_result, sink_done}, processor};
	fl_frames_reader_options options = {.name = processor->stream->name};
	fl_frames_reader *reader;
	int error = fl_frames_attach(&reader, processor->of->frames, &options);

	if (error == 0) {
		error = processing_run(processor->function, reader, &sink.sink, note);
		fl_frames_reader_close(reader);
	}
	if (error != 0)
		processor_say(processor, "it has ended: %s", strerror(-error));
	return error;
}

/* The thread. */

static bool wait_until_wanted(struct processor *processor, fl_note *note)
{
	bool ending = false;

	fl_with (&processor->changed) {
		while (!processor->wanted && !processor->ending)
			fl_condition_wait(&processor->changed);
		ending = processor->ending;
		processor->running = !ending;
		processor->note = ending ? NULL : note;
	}
	return !ending;
}

static void rest(struct processor *processor, fl_note *note, fl_time pause)
{
	fl_with (&processor->changed)
		processor->running = false;
	if (pause > 0)
		fl_note_wait_until(note, fl_after(pause));
	fl_with (&processor->changed) {
		processor->note = NULL;
		processor->restarts += pause > 0 && processor->wanted;
	}
}

static bool is_ending(struct processor *processor)
{
	bool ending = false;

	fl_with (&processor->changed)
		ending = processor->ending;
	return ending;
}

static void *run(void *arg)
{
	struct processor *processor = arg;
	fl_time pause = SHORTEST_PAUSE;

	for (;;) {
		fl_note note = FL_NOTE_INIT;
		fl_time begun;
		int error;

		if (!wait_until_wanted(processor, &note))
			return NULL;
		begun = fl_now();
		error = processor->function ? run_function(processor, &note) : processor_run_program(processor);
		if (fl_now() - begun > LONGEST_PAUSE)
			pause = SHORTEST_PAUSE;
		if (processor->function && !is_ending(processor))
			stream_offline(processor->stream, "%s", error != 0 ? processor->why : "it was stopped");
		rest(processor, &note, error == 0 ? 0 : pause);
		if (error != 0)
			pause = 2 * pause < LONGEST_PAUSE ? 2 * pause : LONGEST_PAUSE;
	}
}

/* With the lock: the thread is to look around. */
static void disturb(struct processor *processor)
{
	if (processor->note)
		fl_note_cancel(processor->note);
	if (processor->alarm >= 0)
		eventfd_write(processor->alarm, 1);
	fl_condition_notify_all(&processor->changed);
}

void processor_want(struct processor *processor, bool wanted)
{
	fl_with (&processor->changed)
		if (processor->wanted != wanted) {
			processor->wanted = wanted;
			disturb(processor);
		}
}

/* What a program publishes is copied into the stream, by a source. */
static int open_output(struct processor *processor)
{
	char what[FL_FRAMES_NAME + 16];

	snprintf(what, sizeof(what), "channel:%s" PROCESSOR_OUTPUT, processor->stream->name);
	return source_open(processor->stream, what);
}

static int prepare(struct processor *processor, char *why, size_t size)
{
	const struct hub_processor_config *config = processor->config;
	const fl_processor *function;
	int error = 0;

	if (!config->program)
		error = processing_find(config->what, &function, why, size);
	if (error != 0)
		return error;
	if (!config->program && !config->isolated) {
		processor->function = function;
		return 0;
	}
	if (!processor->stream->hub->config->channels) {
		snprintf(why, size, "a process of its own needs channels");
		return -EINVAL;
	}
	processor->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (processor->alarm < 0) {
		snprintf(why, size, "%s", strerror(errno));
		return -errno;
	}
	return open_output(processor);
}

int processor_open(struct stream *stream, struct stream *of, const struct hub_processor_config *config, char *why,
		   size_t size)
{
	struct processor *processor = calloc(1, sizeof(*processor));
	int error;

	if (!processor)
		return -ENOMEM;
	processor->stream = stream;
	processor->of = of;
	processor->config = config;
	processor->alarm = -1;
	processor->wanted = true;
	stream->processor = processor; /* which the source that prepare starts looks at */
	error = prepare(processor, why, size);
	if (error == 0)
		error = fl_thread_start(&processor->thread, &(fl_thread_options){.name = stream->name}, run, processor);
	if (error != 0) {
		processor_close(processor);
		stream->processor = NULL;
	}
	return error;
}

void processor_stop(struct processor *processor)
{
	if (!processor || !processor->thread)
		return;
	fl_with (&processor->changed) {
		processor->ending = true;
		processor->wanted = false;
		disturb(processor);
	}
	fl_thread_join(processor->thread, NULL);
	processor->thread = NULL;
}

void processor_close(struct processor *processor)
{
	if (!processor)
		return;
	processor_stop(processor);
	source_close(processor->stream->source);
	processor->stream->source = NULL;
	if (processor->alarm >= 0)
		close(processor->alarm);
	free(processor);
}

void processor_state_get(struct processor *processor, struct processor_state *ret_state)
{
	fl_with (&processor->changed) {
		*ret_state = (struct processor_state){
			.wanted = processor->wanted,
			.running = processor->running,
			.skipped = processor->skipped,
			.failed = processor->failed,
			.restarts = processor->restarts,
		};
		memcpy(ret_state->why, processor->why, sizeof(ret_state->why));
	}
}
