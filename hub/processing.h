/*
 * hub/processing.h - a processor (fairlead/processor.h) at work: takes frames from a reader, gives them to it in the
 * format that it wants, and passes on what it makes of them. The same in a thread of the hub and in a process of its
 * own.
 */
#ifndef HUB_PROCESSING_H
#define HUB_PROCESSING_H

#include <fairlead/frames.h>
#include <fairlead/processor.h>
#include <stdarg.h>

/* Where its frames and results go. */
struct processing_sink {
	fl_frames *frames; /* in which its frames are loaned */
	int (*publish)(struct processing_sink *sink, const void *data, fl_frame_info *info);
	int (*result)(struct processing_sink *sink, const char *key, const char *format, va_list list);
	/* A frame has been dealt with; `error` is what the processor said, 0 or -errno. */
	void (*done)(struct processing_sink *sink, const fl_frame *frame, int error);
};

/* Finds one that is shipped, by its name, or loads a shared object, if it has a '/'. Returns 0; -ENOENT, -EINVAL, with
 * what is wrong in `why`. */
int processing_find(const char *what, const fl_processor **ret_processor, char *why, size_t size)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Works until the note is cancelled (0), or the frames end (-EPIPE), or the processor does not start (what it said), or
 * there is no memory. */
int processing_run(const fl_processor *processor, fl_frames_reader *reader, struct processing_sink *sink, fl_note *note)
	FL_ALL_NONNULL;

/* The same for the command `fairlead processor`: reads channel `input`, publishes in channel `output`, prints results,
 * until the input ends, or the note is cancelled. Returns an exit status. */
int processing_main(const char *what, const char *input, const char *output, fl_note *stop) FL_ALL_NONNULL;

#endif
