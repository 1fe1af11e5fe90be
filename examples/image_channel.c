/*
 * image_channel.c - how do threads read a camera's images without copying them, and without holding the camera up?
 *
 * By a frame channel: a reader pins a finished image and reads it where it lies, while the camera writes the next one
 * elsewhere. One reader here wants every image, by a queue; the other one the latest, whenever it comes to look. The
 * camera waits for neither (it could: this one waits for room in the queue, so that the count is the same each time).
 * image_process.c does the same between processes.
 *
 * Prints how many images the first reader got, and how many of all that both saw were torn.
 */
#include <fairlead/frames.h>
#include <fairlead/thread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define IMAGES 300

static atomic_int torn;

/* Until the camera ends. Each call gives the image of the call before back. */
static void *look(void *reader)
{
	intptr_t n = 0;
	FL_FRAME(frame);

	for (; fl_frames_next(reader, &frame) == 0; n++)
		torn += memcmp(frame.data, (const char *)frame.data + 1, frame.info.size - 1) != 0;
	fl_frames_reader_close(reader);
	return (void *)n;
}

int main(void)
{
	fl_frames *camera;
	fl_frames_reader *every, *latest;
	fl_frame_info info;
	fl_thread *first, *second;
	void *pixels, *n;

	if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 320, 240) < 0 || fl_frames_create(&camera, NULL) < 0 ||
	    fl_frames_attach(&every, camera, &(fl_frames_reader_options){.every = 8}) < 0 ||
	    fl_frames_attach(&latest, camera, NULL) < 0 || fl_thread_start(&first, NULL, look, every) < 0 ||
	    fl_thread_start(&second, NULL, look, latest) < 0)
		return 1;
	for (int i = 0; i < IMAGES && fl_frames_loan(camera, info.size, &pixels) == 0; i++) {
		memset(pixels, i % 256, info.size);
		fl_frames_publish_until(camera, &info, FL_FOREVER, NULL);
	}
	fl_frames_close(camera);
	fl_thread_join(first, &n);
	fl_thread_join(second, NULL);
	printf("%d images, %d torn\n", (int)(intptr_t)n, torn);
	return 0;
}
