/*
 * bench/mjpeg_frames.h - who of the clients of an MJPEG server got which frame, and when.
 *
 * A frame is known by its time of capture. Only frames that were captured within the window count, whenever they
 * arrive. Of a server that tells no times of capture, what arrives within the window counts, and nothing is known
 * about latencies and about frames that a client got late or not at all.
 *
 *   late      a client has a frame later than the first client has it, by more than the frame interval
 *   missed    a client does not get a frame that another one gets
 *   repeated  a client gets a frame that it has had just before
 *   damaged   what a client gets is not a whole JPEG
 */
#ifndef FAIRLEAD_BENCH_MJPEG_FRAMES_H
#define FAIRLEAD_BENCH_MJPEG_FRAMES_H

#include "multipart.h"

/* All times are nanoseconds on CLOCK_MONOTONIC, but for `told`. */
struct mjpeg_frame {
	int64_t told;  /* when it was captured, as the image or the server says, on whatever clock */
	int64_t first; /* when the first client had it */
};

struct mjpeg_client {
	uint64_t frames, repeated, damaged, bytes;
	int64_t last_told, last_got;
	int64_t longest_gap; /* between two frames */
};

struct mjpeg_frames {
	int64_t begin, end; /* the window; an empty one, as long as nothing counts */
	int64_t interval;
	struct mjpeg_frame *of; /* in the order of their first arrival */
	size_t count;
	double *latencies; /* in ms */
	size_t n_latencies;
	uint64_t late;
};

struct mjpeg_summary {
	uint64_t least, most; /* frames of a client */
	uint64_t late, missed, repeated, damaged, bytes;
	double fps;             /* the mean of all clients */
	double p50, p99, worst; /* ms from capture to the last byte's arrival; NAN: not known */
	double longest_gap;     /* ms */
};

void mjpeg_frames_init(struct mjpeg_frames *ret_frames, int64_t interval);
void mjpeg_frames_free(struct mjpeg_frames *frames);
/* A client has received a frame's last byte, at `now`. */
void mjpeg_frames_add(struct mjpeg_frames *frames, struct mjpeg_client *client, const struct multipart_image *image,
		      int64_t now);
void mjpeg_frames_sum_up(struct mjpeg_frames *frames, const struct mjpeg_client *clients, size_t n,
			 struct mjpeg_summary *ret_summary);

int64_t mjpeg_now(void);

#endif
