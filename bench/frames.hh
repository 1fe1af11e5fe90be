/*
 * bench/frames.hh - what all ways to hand an image over have in common: the image, and memory that processes share.
 *
 * Readers are processes, and the producer may be one that was started for a single round; what they find out they
 * leave on the board. A frame's number is in its first 8 bytes.
 */
#ifndef FAIRLEAD_BENCH_FRAMES_HH
#define FAIRLEAD_BENCH_FRAMES_HH

#include "harness.h"

#include <atomic>
#include <cstring>
#include <sys/mman.h>

enum { MOST_READERS = 3, MOST_FRAMES = 4096 };

static const size_t image_size = 1920ul * 1080 * 3;

struct board {
	std::atomic<unsigned> ready;
	std::atomic<bool> listens; /* the producer, where readers have to wait for that */
	unsigned readers;
	struct {
		int64_t got_at[MOST_FRAMES];
		std::atomic<uint64_t> got;
		int64_t cpu; /* what it cost this reader, if it is a process */
	} of[MOST_READERS];
	double figures[BENCH_MOST_METRICS]; /* of a round that a process of its own ran */
	/* The segment of "mutex + condition". */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t number;
	bool over;
};

extern board *frames_board;
extern unsigned char *frames_segment; /* an image that all share */
extern unsigned char *frames_camera;  /* what images are filled from */

static inline void *map_shared(size_t size)
{
	void *start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (start == MAP_FAILED)
		bench_fail("frames: no memory");
	return start;
}

static inline void fill(void *image, uint64_t number)
{
	memcpy(image, frames_camera, image_size);
	memcpy(image, &number, sizeof number);
}

static inline uint64_t number_of(const void *image)
{
	uint64_t number;

	memcpy(&number, image, sizeof number);
	return number;
}

#endif
