/*
 * videos.h - what the tests of hub/video.h share: the plug-in, a folder, clips that people have filmed, and JPEGs.
 *
 * The clips are those of Debian's packages python3-imageio and forensics-samples-files; where one is missing the test
 * fails and names the package. Each test has a folder of its own under /tmp, which is taken away after it.
 */
#ifndef FAIRLEAD_TESTS_VIDEOS_H
#define FAIRLEAD_TESTS_VIDEOS_H

#include "hub/video/video.h"

#include <check.h>

#define IMAGEIO "/usr/lib/python3/dist-packages/imageio/resources/images/"
#define COCKATOO IMAGEIO "cockatoo.mp4"
#define REALSHORT IMAGEIO "realshort.mp4"
#define FORENSICS "/usr/share/forensics-samples/original-files/movie1/VID_20191220_170832.mp4"

enum {
	VIDEOS_LARGEST = 1920 * 1080,
	VIDEOS_JPEGS = 20,
};

/* What all of a video was. */
struct videos_seen {
	unsigned pictures, corrupt;
	uint32_t width, height; /* of the last picture */
	fl_time last;           /* its time */
	uint64_t sum;           /* a check-sum of all pixels */
	int end;                /* what next returned instead of a picture */
	fl_time times[512];
};

struct videos_jpeg {
	unsigned char *data;
	unsigned long size;
};

extern const struct video_plugin *plugin;
extern char videos_folder[64];
extern char why[VIDEO_WHY];

/* A fixture: loads the plug-in and makes the folder; and takes that away. */
void videos_set_up(void);
void videos_tear_down(void);

/* Returns the path of a file of the folder; valid until the next but three calls. */
const char *videos_path(const char *name);
/* Makes such a file and returns its path. */
const char *videos_file(const char *name, const void *data, size_t size);
/* Returns a clip's bytes; the test fails if it is missing. To be freed. */
unsigned char *videos_load(const char *clip, size_t *ret_size);

/* Opens a url of at most VIDEOS_LARGEST pixels. */
int videos_open(struct video_input **ret, const char *url);
/* Opens it and expects this error, and a sentence. */
void videos_expect_refused(const char *url, uint64_t max_pixels, int error, const char *sentence);
/* Reads all pictures to the end, at most 512, and checks each: its description, that its time grows, and that nothing
 * is written beyond it. */
void videos_see(struct video_input *input, struct videos_seen *ret_seen);

/* The first pictures of realshort.mp4 as JPEGs. */
void videos_make_jpegs(struct videos_jpeg *jpegs);
void videos_free_jpegs(struct videos_jpeg *jpegs);

#endif
