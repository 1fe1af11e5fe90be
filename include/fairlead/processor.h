/*
 * fairlead/processor.h - a plug-in of the frame hub: it is given frames, and makes pictures and results of them.
 *
 * A shared object is one by defining `fl_processor_plugin`:
 *
 *     static int process(void *state, const fl_frame *frame, const fl_processor_host *host)
 *     {
 *             const uint8_t *pixels = frame->data;
 *
 *             (void)state;
 *             return host->result(host, "first", "%u", pixels[frame->info.offset[0]]);
 *     }
 *
 *     const fl_processor fl_processor_plugin = {
 *             .version = FL_PROCESSOR_VERSION,
 *             .format = FL_PIXELS_GRAY8,
 *             .name = "first-pixel",
 *             .summary = "how bright the first pixel is",
 *             .process = process,
 *     };
 *
 * It is built with `cc -shared -fPIC first_pixel.c -o first_pixel.so` and needs nothing of libfairlead: this header has
 * types and no functions. What a processor may ask of the hub comes as a struct of functions, the host.
 *
 * When it is called. The hub calls `start` once, then `process` for one frame after the other, then `stop` once. In
 * between it sleeps until there is a new frame. `process` gets the newest frame, and may be slow: frames that come and
 * go while it is busy are skipped, and counted for it (`missed` of the frame, and in the hub's statistics). It holds up
 * neither the camera nor anybody else who looks.
 *
 * Threads. All calls with one state are made by one thread, one at a time. There may be several of one processor, each
 * with a state of its own, in several threads at once: so keep everything in the state, and nothing in static
 * variables. A processor may start threads; these must have ended when `stop` returns, and may use neither the frame
 * nor the host after `process` has returned, nor may two of them call the host at once. Whether it runs in the hub's
 * process or in one of its own, where its crash ends nothing but itself, is the hub's choice; it cannot tell.
 *
 * Memory. The frame and its bytes are there for reading, and only until `process` returns: copy what is to be kept. The
 * hub has checked the description (fl_frame_info_check), so that what it speaks of is there. Size and strides may
 * change from one frame to the next, and a stride may be longer than its row. The host, and what it lends, are valid
 * until `process` returns; memory that is lent and not published goes back by itself.
 *
 * When not to use it: for a program in another language, or that links what the hub shall not load: a program of its
 * own opens the hub's channels by name (fairlead/frames.h).
 */
#ifndef FAIRLEAD_PROCESSOR_H
#define FAIRLEAD_PROCESSOR_H

#include <fairlead/attributes.h>
#include <fairlead/frame.h>
#include <fairlead/frames.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* Which interface this is. The hub refuses a processor of another one. */
#define FL_PROCESSOR_VERSION 1u

#define FL_PROCESSOR_RESULTS 32u /* how many results a frame may have, */
#define FL_PROCESSOR_KEY 32u     /* bytes of a key, with its 0, */
#define FL_PROCESSOR_VALUE 128u  /* and of a value, with its 0 */

/* What the hub offers to a processor, during a call of `process` only. None of these blocks. Each is given the host
 * itself first. */
typedef struct fl_processor_host fl_processor_host;
struct fl_processor_host {
	/* Lends memory for a frame of that size, to be filled; one at a time. What is in it is not defined. Returns 0;
	 * -EBUSY: there is one already that is not published;
	 * -EINVAL: size is 0;
	 * -ENOMEM: no memory for a frame of that size. */
	int (*loan)(const fl_processor_host *host, size_t size, void **ret_data);

	/* Publishes the memory that is lent, as a picture of this processor; `info` says what it is. A `captured` of 0
	 * is replaced by that of the frame that is being processed. A frame may lead to no picture, to one, or to
	 * several. Returns 0;
	 * -EINVAL: nothing is lent, or the description contradicts itself;
	 * -EMSGSIZE: it is larger than what was lent. After both the memory stays lent. */
	int (*publish)(const fl_processor_host *host, const fl_frame_info *info);

	/* Says a result: a key, up to 31 of A-Z a-z 0-9 . _ -, and a value, up to 127 bytes, written as by printf. A
	 * key that is said again has the later value. The results of a frame replace those of the frame before, all
	 * together, when `process` returns 0. Returns 0;
	 * -EINVAL: the key or the value is not as it must be;
	 * -ENOSPC: there are 32 other keys already. */
	int (*result)(const fl_processor_host *host, const char *key, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
};

/* A processor. 80 bytes. The strings and the struct live as long as the shared object is loaded. */
typedef struct fl_processor {
	uint32_t version; /* FL_PROCESSOR_VERSION */
	/* What it wants: FL_PIXELS_GRAY8, FL_PIXELS_RGB24 or FL_PIXELS_I420, and the hub converts; or FL_PIXELS_NONE:
	 * frames as they come. */
	uint32_t format;
	const char *name;    /* by which the hub's command line calls it: up to 31 of A-Z a-z 0-9 . _ - */
	const char *summary; /* what it does, in one line */

	/* Makes the state that `process` and `stop` are given; may be NULL: the state is NULL. Returns 0, or a negative
	 * errno: it could not start, which the hub says; neither `process` nor `stop` is called then. */
	int (*start)(void **ret_state);

	/* Looks at a frame. Returns 0, or a negative errno: this frame failed. The hub counts that, keeps the results
	 * of the frame before, and goes on with the next frame. With FL_PIXELS_NONE it should return -EINVAL for a
	 * format that it does not know. May block; while it does, stopping it has to wait. */
	int (*process)(void *state, const fl_frame *frame, const fl_processor_host *host);

	/* Frees the state; may be NULL. */
	void (*stop)(void *state);

	uint64_t fl_spare[4]; /* these must be zero */
} fl_processor;

/* What a shared object that is a processor defines.  Since 0.1. */
extern const fl_processor fl_processor_plugin;

FL_END_DECLS

#endif
