/*
 * image_process.c - another process reads a camera's images, and then the camera's process is killed: what is left?
 *
 * The camera serves its frame channel by a name, and whoever opens that name reads the images where they lie. When it
 * is killed, in the middle of an image if need be, its reader is told at once, and the last whole image stays. A camera
 * that comes again under that name is found by the next fl_frames_next; here none does.
 *
 * Prints what the reader sees.
 */
#include <fairlead/frames.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *judge(const fl_frame *frame)
{
	return memcmp(frame->data, (const char *)frame->data + 1, frame->info.size - 1) == 0 ? "whole" : "torn";
}

static int be_camera(const char *name)
{
	fl_frames *camera;
	fl_frame_info info;
	void *pixels;

	if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 640, 480) < 0 ||
	    fl_frames_create(&camera, &(fl_frames_options){.name = name}) < 0 || fl_frames_serve(camera) < 0)
		return 1;
	for (int i = 0; fl_frames_loan(camera, info.size, &pixels) == 0; i++) {
		memset(pixels, i % 256, info.size);
		fl_frames_publish(camera, &info);
	}
	return 1;
}

int main(void)
{
	char name[32];
	fl_frames_reader *reader;
	pid_t child;
	FL_FRAME(frame);

	snprintf(name, sizeof(name), "example-%d", (int)getpid());
	child = fork();
	if (child == 0)
		return be_camera(name);
	if (fl_frames_open(&reader, name, NULL) < 0 || fl_frames_next(reader, &frame) < 0)
		return 1;
	printf("the first image: %s\n", judge(&frame));
	kill(child, SIGKILL);
	while (fl_frames_next(reader, &frame) == 0)
		;
	puts("the camera is gone");
	if (fl_frames_latest(reader, &frame) == 0)
		printf("its last image: %s\n", judge(&frame));
	fl_frames_reader_close(reader);
	return waitpid(child, NULL, 0) != child;
}
