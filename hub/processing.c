/*
 * hub/processing.c - see processing.h.
 *
 * A frame that says "no signal" is not shown to processors: it would move.
 */
#include "processing.h"

#include "images/jpeg.h"
#include "images/pixels.h"
#include "processors/processors.h"
#include "results.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is handed to the processor, with what is behind it. */
struct host {
	fl_processor_host host;
	struct processing_sink *sink;
	const fl_frame *frame;
	void *loaned; /* NULL: nothing; */
	size_t room;  /* otherwise so many bytes */
};

struct work {
	const fl_processor *processor;
	void *state;
	struct host host;
	struct jpeg *jpeg;
	void *buffer; /* of a frame in the format that is wanted */
	size_t room;
};

static int load(const char *path, const fl_processor **ret_processor, char *why, size_t size)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const fl_processor *processor = object ? dlsym(object, "fl_processor_plugin") : NULL;

	if (!object || !processor) {
		snprintf(why, size, "%s", dlerror());
		return -EINVAL;
	}
	if (processor->version != FL_PROCESSOR_VERSION || !processor->process) {
		snprintf(why, size, "%s is made for version %u of the interface, which is %u here", path,
			 processor->version, FL_PROCESSOR_VERSION);
		return -EINVAL;
	}
	*ret_processor = processor;
	return 0;
}

int processing_find(const char *what, const fl_processor **ret_processor, char *why, size_t size)
{
	const fl_processor *processor;

	if (strchr(what, '/'))
		return load(what, ret_processor, why, size);
	processor = processors_find(what);
	if (!processor) {
		snprintf(why, size, "there is no processor %s; a plug-in's path has a '/'", what);
		return -ENOENT;
	}
	*ret_processor = processor;
	return 0;
}

/* What a processor may call. */

static struct host *host_of(const fl_processor_host *host)
{
	return (struct host *)(uintptr_t)host;
}

static int host_loan(const fl_processor_host *public, size_t size, void **ret_data)
{
	struct host *host = host_of(public);
	int error = fl_frames_loan(host->sink->frames, size, ret_data);

	if (error == 0) {
		host->loaned = *ret_data;
		host->room = size;
	}
	return error;
}

static int host_publish(const fl_processor_host *public, const fl_frame_info *info)
{
	struct host *host = host_of(public);
	fl_frame_info mine = *info;
	int error;

	if (!host->loaned)
		return -EINVAL;
	/* What can't be published stays lent. */
	error = fl_frame_info_check(&mine, host->room);
	if (error != 0)
		return error;
	if (mine.captured == 0)
		mine.captured = host->frame->info.captured;
	error = host->sink->publish(host->sink, host->loaned, &mine);
	host->loaned = NULL;
	return error < 0 ? error : 0;
}

__attribute__((format(printf, 3, 4))) static int host_result(const fl_processor_host *public, const char *key,
							     const char *format, ...)
{
	struct host *host = host_of(public);
	va_list list;
	int error;

	va_start(list, format);
	error = host->sink->result(host->sink, key, format, list);
	va_end(list);
	return error;
}

/* The format that is wanted. */

static int make_room(struct work *work, size_t size)
{
	if (size <= work->room)
		return 0;
	free(work->buffer);
	work->buffer = malloc(size);
	work->room = work->buffer ? size : 0;
	return work->buffer ? 0 : -ENOMEM;
}

static int convert(struct work *work, const fl_frame *frame, fl_frame *ret_frame)
{
	const fl_frame_info *from = &frame->info;
	fl_frame_info cropped = frame->info; /* without an odd column or row, where it may have none */
	uint32_t width = from->width, height = from->height;
	char why[96];
	int error;

	if (work->processor->format == FL_PIXELS_I420) {
		width &= ~1u;
		height &= ~1u;
	}
	cropped.width = width;
	cropped.height = height;
	error = fl_frame_info_init(&ret_frame->info, work->processor->format, width, height);
	if (error == 0)
		error = make_room(work, ret_frame->info.size);
	if (error != 0)
		return error;
	if (from->format == FL_PIXELS_JPEG)
		error = jpeg_decode(work->jpeg, frame->data, from->size, &ret_frame->info, work->buffer, why,
				    sizeof(why));
	else
		error = pixels_convert(&cropped, frame->data, &ret_frame->info, work->buffer);
	ret_frame->data = work->buffer;
	ret_frame->info.captured = from->captured;
	ret_frame->info.flags = from->flags;
	return error;
}

static int process(struct work *work, const fl_frame *frame)
{
	fl_frame shown = *frame;
	int error = 0;

	if (work->processor->format != FL_PIXELS_NONE && work->processor->format != frame->info.format)
		error = convert(work, frame, &shown);
	if (error != 0)
		return error;
	work->host.frame = &shown;
	error = work->processor->process(work->state, &shown, &work->host.host);
	if (work->host.loaned)
		fl_frames_discard(work->host.sink->frames);
	work->host.loaned = NULL;
	return error;
}

static int run(struct work *work, fl_frames_reader *reader, fl_note *note)
{
	struct processing_sink *sink = work->host.sink;
	int error;
	FL_FRAME(frame);

	for (;;) {
		error = fl_frames_next_until(reader, &frame, FL_FOREVER, note);
		if (error != 0)
			return error == -ECANCELED ? 0 : error;
		if (!(frame.info.flags & FL_FRAME_SYNTHETIC))
			sink->done(sink, &frame, process(work, &frame));
	}
}

int processing_run(const fl_processor *processor, fl_frames_reader *reader, struct processing_sink *sink, fl_note *note)
{
	struct work work = {
		.processor = processor,
		.host = {.host = {.loan = host_loan, .publish = host_publish, .result = host_result}, .sink = sink},
		.jpeg = jpeg_open(),
	};
	int error = work.jpeg ? 0 : -ENOMEM;

	if (error == 0 && processor->start)
		error = processor->start(&work.state);
	if (error == 0) {
		error = run(&work, reader, note);
		if (processor->stop)
			processor->stop(work.state);
	}
	jpeg_close(work.jpeg);
	free(work.buffer);
	return error;
}

/* In a process of its own. */

static int publish_alone(struct processing_sink *sink, const void *data, fl_frame_info *info)
{
	int error = fl_frames_publish(sink->frames, info);

	(void)data;
	if (error < 0)
		fl_frames_discard(sink->frames);
	return error;
}

struct alone {
	struct processing_sink sink;
	struct results results;
};

__attribute__((format(printf, 3, 0))) static int keep_result(struct processing_sink *sink, const char *key,
							     const char *format, va_list list)
{
	return results_put(&((struct alone *)sink)->results, key, format, list);
}

/* Each a line, whatever is in it, and an empty line: these were the results of a frame. */
static void print_results(struct results *results)
{
	struct result list[RESULTS];
	unsigned n = results_get(results, list);

	for (unsigned i = 0; i < n; i++) {
		for (char *end = strchr(list[i].value, '\n'); end; end = strchr(end, '\n'))
			*end = ' ';
		printf("%s=%s\n", list[i].key, list[i].value);
	}
	putchar('\n');
	fflush(stdout);
}

/* Of a frame that failed nothing is said: the results of the one before stay. */
static void end_results(struct processing_sink *sink, const fl_frame *frame, int error)
{
	struct results *results = &((struct alone *)sink)->results;

	(void)frame;
	if (error < 0) {
		fprintf(stderr, "a frame failed: %s\n", strerror(-error));
		results_forget(results);
	} else {
		results_show(results);
		print_results(results);
	}
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "fairlead processor: %s: %s\n", what, why);
	return 1;
}

int processing_main(const char *what, const char *input, const char *output, fl_note *stop)
{
	struct alone alone = {.sink = {.publish = publish_alone, .result = keep_result, .done = end_results}};
	struct processing_sink *sink = &alone.sink;
	const fl_processor *processor;
	fl_frames_reader *reader;
	char why[256];
	int error;

	if (processing_find(what, &processor, why, sizeof(why)) != 0)
		return complain(what, why);
	error = fl_frames_create(&sink->frames, &(fl_frames_options){.name = output});
	if (error == 0)
		error = fl_frames_serve(sink->frames);
	if (error != 0)
		return complain(output, strerror(-error));
	error = fl_frames_open_until(&reader, input, &(fl_frames_reader_options){.name = output},
				     fl_after(FL_SECONDS(10)), stop);
	if (error != 0)
		return complain(input, strerror(-error));
	error = processing_run(processor, reader, sink, stop);
	fl_frames_reader_close(reader);
	fl_frames_close(sink->frames);
	return error == 0 || error == -EPIPE ? 0 : complain(what, strerror(-error));
}
