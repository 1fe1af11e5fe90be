/*
 * bench/fake-v4l2.c - a camera for programs that read a V4L2 device, on machines that have none.
 *
 * It is a library for LD_PRELOAD. A program that opens the device FAKE_V4L2_DEVICE (/dev/video99 unless given) gets a
 * camera that yields the JPEG files of the folder FAKE_V4L2_FOLDER, over and over, FAKE_V4L2_FPS times a second (30
 * unless given), by memory mapping. The first is due FAKE_V4L2_PHASE hundredths of a frame's time after that, for
 * programs that look at the clock themselves. What the program gets as the device's descriptor is a timer's, so that
 * select and poll need no help from here; access, stat, fstat, open, ioctl, mmap and close are answered here for that
 * device, and for everything else by the C library.
 *
 * With FAKE_V4L2_YUYV set it is a camera that has only raw pictures, but those of any size and at any pace that the
 * program asks for: grey, the frame numbered n of luma 32 + n % 128.
 *
 * What else befalls a camera is played by whoever has the folder. While the folder is away the device is unplugged: it
 * is not there for who opens it, and ENODEV for who has it open. While it has a file `busy` another program streams
 * from the device, and a file `damaged` marks all frames as damaged on their way.
 *
 * A buffer is the program's, queued, or filled. At each tick the first queued buffer is filled; when there is none,
 * the frame is lost, as with the kernel's drivers. Nobody is there to do that at the tick: it is caught up on when the
 * program asks next. The timer is set to what lies ahead, so that the descriptor is readable exactly if a buffer is
 * filled. An image is copied into its buffer when that is dequeued, and carries the moment at which it was due.
 *
 * One camera, one program, which opens it from one thread and uses it from any.
 */
#define _GNU_SOURCE
/* With it the headers make one symbol of open and open64, and programs call either. */
#undef _FILE_OFFSET_BITS
#include "jpegs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_BUFFERS = 32, MOST_PIXELS = 4096, CAMERAS = 81 };

/* All under the lock. */
static struct {
	pthread_mutex_t lock;
	int timer; /* what the program takes for the device; -1: it is not open */
	int memory;
	bool raw;
	struct jpegs jpegs; /* of a raw one only the size */
	struct jpegs_clock clock;
	uint64_t next; /* tick */
	unsigned char *start;
	size_t buffer_size;
	unsigned buffers;
	bool streams;
	unsigned queue[MOST_BUFFERS]; /* first those that are filled, then those to be filled */
	uint64_t ticks[MOST_BUFFERS]; /* of those that are filled */
	unsigned filled, queued;      /* how many of them; of both */
} camera = {.lock = PTHREAD_MUTEX_INITIALIZER, .timer = -1, .memory = -1};

/* ---- the C library's own ---- */

/* ISO C has no way from an object's address to a function's but by its bytes. */
#define NEXT(name, type) \
	__extension__({ \
		void *found = dlsym(RTLD_NEXT, name); \
		type *function; \
		memcpy(&function, &found, sizeof function); \
		function; \
	})

typedef int open_function(const char *path, int flags, ...);
typedef int ioctl_function(int fd, unsigned long request, ...);
typedef int access_function(const char *path, int mode);
typedef int close_function(int fd);
typedef int stat_function(const char *path, struct stat *ret_status);
typedef int stat64_function(const char *path, struct stat64 *ret_status);
typedef int fstat_function(int fd, struct stat *ret_status);
typedef int fstat64_function(int fd, struct stat64 *ret_status);
typedef void *mmap_function(void *start, size_t size, int protection, int flags, int fd, off_t offset);

/* ---- what befalls it ---- */

static bool is_device(const char *path)
{
	const char *device = getenv("FAKE_V4L2_DEVICE");

	return strcmp(path, device != NULL ? device : "/dev/video99") == 0;
}

static const char *folder(void)
{
	const char *name = getenv("FAKE_V4L2_FOLDER");

	return name != NULL ? name : ".";
}

/* Whether the folder has this file; "": whether it is there itself. */
static bool has(const char *file)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder(), file);
	return NEXT("access", access_function)(path, F_OK) == 0;
}

/* ---- the timer ---- */

/* Fills buffers for all ticks that are over. */
static void catch_up(int64_t now)
{
	for (; jpegs_clock_tick(&camera.clock, camera.next) <= now && camera.filled < camera.queued; camera.next++)
		camera.ticks[camera.filled++] = camera.next;
	if (jpegs_clock_tick(&camera.clock, camera.next) <= now)
		camera.next = jpegs_clock_next(&camera.clock, now);
}

/* Whenever a buffer was queued or dequeued, or streaming begins or ends. */
static void set_timer(void)
{
	struct itimerspec at = {{0, 0}, {0, 0}};

	if (camera.streams && camera.queued > 0) {
		uint64_t number = camera.filled > 0 ? camera.ticks[0] : camera.next;
		int64_t tick = jpegs_clock_tick(&camera.clock, number);

		at.it_value = (struct timespec){tick / 1000000000, tick % 1000000000};
	}
	timerfd_settime(camera.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* ---- what the device answers; under the lock, each returns 0 or a negative errno ---- */

static void set_buffer_size(size_t least)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	camera.buffer_size = (least + page - 1) / page * page;
}

static size_t raw_size(void)
{
	return 2 * (size_t)camera.jpegs.width * camera.jpegs.height;
}

static void describe(struct v4l2_format *ret_format)
{
	struct v4l2_pix_format *pixels = &ret_format->fmt.pix;

	memset(pixels, 0, sizeof *pixels);
	pixels->width = camera.jpegs.width;
	pixels->height = camera.jpegs.height;
	pixels->pixelformat = camera.raw ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
	pixels->field = V4L2_FIELD_NONE;
	pixels->bytesperline = camera.raw ? 2 * camera.jpegs.width : 0;
	pixels->sizeimage = (uint32_t)(camera.raw ? raw_size() : camera.buffer_size);
	pixels->colorspace = camera.raw ? V4L2_COLORSPACE_SRGB : V4L2_COLORSPACE_JPEG;
}

static int set_format(struct v4l2_format *format)
{
	const struct v4l2_pix_format *wish = &format->fmt.pix;

	if (has("busy"))
		return -EBUSY;
	if (camera.raw && wish->width - 2 < MOST_PIXELS && wish->height - 2 < MOST_PIXELS) {
		camera.jpegs.width = wish->width & ~1u;
		camera.jpegs.height = wish->height;
		set_buffer_size(raw_size());
	}
	describe(format);
	return 0;
}

static int query_capabilities(struct v4l2_capability *ret_can)
{
	memset(ret_can, 0, sizeof *ret_can);
	memcpy(ret_can->driver, "fake", sizeof "fake");
	memcpy(ret_can->card, "JPEG files", sizeof "JPEG files");
	memcpy(ret_can->bus_info, "none", sizeof "none");
	ret_can->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	ret_can->capabilities = ret_can->device_caps | V4L2_CAP_DEVICE_CAPS;
	return 0;
}

static int enumerate_formats(struct v4l2_fmtdesc *format)
{
	if (format->index > 0)
		return -EINVAL;
	format->pixelformat = camera.raw ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
	format->flags = camera.raw ? 0 : V4L2_FMT_FLAG_COMPRESSED;
	snprintf((char *)format->description, sizeof format->description, camera.raw ? "YUYV 4:2:2" : "Motion-JPEG");
	return 0;
}

static int enumerate_inputs(struct v4l2_input *input)
{
	if (input->index > 0)
		return -EINVAL;
	memset(input, 0, sizeof *input);
	memcpy(input->name, "Camera", sizeof "Camera");
	input->type = V4L2_INPUT_TYPE_CAMERA;
	return 0;
}

static int get_parameters(struct v4l2_streamparm *ret_parameters)
{
	struct v4l2_captureparm *capture = &ret_parameters->parm.capture;

	memset(capture, 0, sizeof *capture);
	capture->capability = V4L2_CAP_TIMEPERFRAME;
	capture->timeperframe = (struct v4l2_fract){1, camera.clock.fps};
	capture->readbuffers = 2;
	return 0;
}

static int set_parameters(struct v4l2_streamparm *parameters)
{
	const struct v4l2_fract *wish = &parameters->parm.capture.timeperframe;

	if (camera.raw && wish->numerator > 0 && wish->denominator / wish->numerator - 1 < 1000)
		camera.clock.fps = wish->denominator / wish->numerator;
	return get_parameters(parameters);
}

static void free_buffers(void)
{
	if (camera.memory >= 0) {
		munmap(camera.start, camera.buffers * camera.buffer_size);
		close(camera.memory);
	}
	camera.memory = -1;
	camera.buffers = camera.queued = camera.filled = 0;
}

static int request_buffers(struct v4l2_requestbuffers *request)
{
	size_t size;

	if (request->memory != V4L2_MEMORY_MMAP)
		return -EINVAL;
	if (has("busy"))
		return -EBUSY;
	free_buffers();
	if (request->count > MOST_BUFFERS)
		request->count = MOST_BUFFERS;
	if (request->count == 0)
		return 0;
	size = request->count * camera.buffer_size;
	camera.memory = memfd_create("fake-v4l2", MFD_CLOEXEC);
	if (camera.memory < 0 || ftruncate(camera.memory, (off_t)size) != 0)
		return -ENOMEM;
	camera.start = NEXT("mmap", mmap_function)(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, camera.memory, 0);
	if (camera.start == MAP_FAILED)
		return -ENOMEM;
	camera.buffers = request->count;
	return 0;
}

static void describe_buffer(struct v4l2_buffer *buffer)
{
	buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	buffer->memory = V4L2_MEMORY_MMAP;
	buffer->length = (uint32_t)camera.buffer_size;
	buffer->m.offset = (uint32_t)(buffer->index * camera.buffer_size);
	buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	buffer->field = V4L2_FIELD_NONE;
}

static int query_buffer(struct v4l2_buffer *buffer)
{
	if (buffer->index >= camera.buffers)
		return -EINVAL;
	describe_buffer(buffer);
	return 0;
}

static int queue_buffer(const struct v4l2_buffer *buffer)
{
	if (buffer->index >= camera.buffers || camera.queued == camera.buffers)
		return -EINVAL;
	if (camera.streams)
		catch_up(jpegs_now());
	camera.queue[camera.queued++] = buffer->index;
	set_timer();
	return 0;
}

static void drop_first(void)
{
	camera.queued--;
	camera.filled--;
	memmove(camera.queue, camera.queue + 1, camera.queued * sizeof camera.queue[0]);
	memmove(camera.ticks, camera.ticks + 1, camera.filled * sizeof camera.ticks[0]);
}

/* Puts the first filled buffer's frame where it belongs. Returns its size. */
static size_t take_frame(void *ret_data, int64_t tick)
{
	const uint64_t number = camera.ticks[0];
	unsigned char *bytes = ret_data;
	const struct jpeg *jpeg;

	if (camera.raw) {
		memset(bytes, 128, raw_size());
		for (size_t i = 0; i < raw_size(); i += 2)
			bytes[i] = (unsigned char)(32 + number % 128);
		return raw_size();
	}
	jpeg = &camera.jpegs.of[number % camera.jpegs.count];
	jpegs_take(ret_data, jpeg, tick);
	return jpeg->size;
}

static int dequeue_buffer(struct v4l2_buffer *buffer)
{
	int64_t tick;

	if (!camera.streams)
		return -EINVAL;
	catch_up(jpegs_now());
	if (camera.filled == 0)
		return -EAGAIN;
	tick = jpegs_clock_tick(&camera.clock, camera.ticks[0]);
	buffer->index = camera.queue[0];
	describe_buffer(buffer);
	buffer->bytesused = (uint32_t)take_frame(camera.start + buffer->m.offset, tick);
	if (has("damaged"))
		buffer->flags |= V4L2_BUF_FLAG_ERROR;
	buffer->sequence = (uint32_t)camera.ticks[0];
	buffer->timestamp = (struct timeval){tick / 1000000000, tick % 1000000000 / 1000};
	drop_first();
	set_timer();
	return 0;
}

static int stream(bool on)
{
	camera.streams = on;
	if (on)
		camera.next = jpegs_clock_next(&camera.clock, jpegs_now());
	else
		camera.queued = camera.filled = 0;
	set_timer();
	return 0;
}

static int answer(unsigned long request, void *arg)
{
	if (!has(""))
		return -ENODEV;
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capabilities(arg);
	case VIDIOC_ENUMINPUT:
		return enumerate_inputs(arg);
	case VIDIOC_G_INPUT:
		*(int *)arg = 0;
		return 0;
	case VIDIOC_S_INPUT:
		return *(int *)arg == 0 ? 0 : -EINVAL;
	case VIDIOC_ENUM_FMT:
		return enumerate_formats(arg);
	case VIDIOC_S_FMT:
		return set_format(arg);
	case VIDIOC_G_FMT:
	case VIDIOC_TRY_FMT:
		describe(arg);
		return 0;
	case VIDIOC_G_PARM:
		return get_parameters(arg);
	case VIDIOC_S_PARM:
		return set_parameters(arg);
	case VIDIOC_REQBUFS:
		return request_buffers(arg);
	case VIDIOC_QUERYBUF:
		return query_buffer(arg);
	case VIDIOC_QBUF:
		return queue_buffer(arg);
	case VIDIOC_DQBUF:
		return dequeue_buffer(arg);
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		return stream(request == VIDIOC_STREAMON);
	default:
		return -ENOTTY;
	}
}

/* ---- opening ---- */

static int setting(const char *name, int least, int most, int otherwise)
{
	const char *text = getenv(name);
	int number = text != NULL ? atoi(text) : otherwise;

	return number >= least && number <= most ? number : otherwise;
}

static struct jpegs_clock start_clock(void)
{
	struct jpegs_clock clock = jpegs_clock_start((unsigned)setting("FAKE_V4L2_FPS", 1, 1000, 30));

	clock.start += 10000000 / clock.fps * setting("FAKE_V4L2_PHASE", 0, 99, 0);
	return clock;
}

static int load(void)
{
	int error = 0;

	camera.raw = getenv("FAKE_V4L2_YUYV") != NULL;
	if (camera.raw)
		camera.jpegs.width = 320, camera.jpegs.height = 240;
	else
		error = jpegs_load(&camera.jpegs, folder());
	set_buffer_size(camera.raw ? raw_size() : camera.jpegs.largest);
	return error;
}

/* Under the lock. The last program's camera may be closed by now, which nobody told us: it makes room. */
static int open_camera(int flags)
{
	int error;

	free_buffers();
	jpegs_free(&camera.jpegs);
	error = load();
	if (error < 0)
		return error;
	camera.clock = start_clock();
	camera.streams = false;
	camera.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | (flags & O_CLOEXEC ? TFD_CLOEXEC : 0));
	return camera.timer < 0 ? -errno : camera.timer;
}

static int finish(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static int open_any(const char *name, const char *path, int flags, mode_t mode)
{
	int result;

	if (!is_device(path))
		return NEXT(name, open_function)(path, flags, mode);
	pthread_mutex_lock(&camera.lock);
	result = has("") ? open_camera(flags) : -ENOENT;
	pthread_mutex_unlock(&camera.lock);
	return finish(result);
}

/* ---- what stands in for the C library's functions ---- */

static mode_t mode_of(int flags, va_list *more)
{
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(*more, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, &more);
	va_end(more);
	return open_any("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, &more);
	va_end(more);
	return open_any("open64", path, flags, mode);
}

int access(const char *path, int mode)
{
	if (is_device(path))
		return finish(has("") ? 0 : -ENOENT);
	return NEXT("access", access_function)(path, mode);
}

/* For both kinds of `struct stat`. */
#define BE_DEVICE(status) \
	(memset(status, 0, sizeof *(status)), (status)->st_mode = S_IFCHR | 0600, \
	 (status)->st_rdev = makedev(CAMERAS, 99), 0)

int stat(const char *path, struct stat *ret_status)
{
	if (!is_device(path))
		return NEXT("stat", stat_function)(path, ret_status);
	return has("") ? BE_DEVICE(ret_status) : finish(-ENOENT);
}

int stat64(const char *path, struct stat64 *ret_status)
{
	if (!is_device(path))
		return NEXT("stat64", stat64_function)(path, ret_status);
	return has("") ? BE_DEVICE(ret_status) : finish(-ENOENT);
}

int fstat(int fd, struct stat *ret_status)
{
	if (fd < 0 || fd != camera.timer)
		return NEXT("fstat", fstat_function)(fd, ret_status);
	return BE_DEVICE(ret_status);
}

int fstat64(int fd, struct stat64 *ret_status)
{
	if (fd < 0 || fd != camera.timer)
		return NEXT("fstat64", fstat64_function)(fd, ret_status);
	return BE_DEVICE(ret_status);
}

/* Who gives a buffer back after closing the camera may have given it to another's descriptor. */
static void expect_other(unsigned long request)
{
	if (request != VIDIOC_QBUF)
		return;
	fputs("fake-v4l2: a buffer was queued at what is no camera\n", stderr);
	abort();
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list more;
	void *arg;
	int result;

	va_start(more, request);
	arg = va_arg(more, void *);
	va_end(more);
	if (fd < 0 || fd != camera.timer) {
		expect_other(request & 0xffffffff);
		return NEXT("ioctl", ioctl_function)(fd, request, arg);
	}
	pthread_mutex_lock(&camera.lock);
	result = answer(request & 0xffffffff, arg); /* some programs keep it in an int */
	pthread_mutex_unlock(&camera.lock);
	return finish(result);
}

void *mmap(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fd >= 0 && fd == camera.timer)
		fd = camera.memory;
	return NEXT("mmap", mmap_function)(start, size, protection, flags, fd, offset);
}

void *mmap64(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
	return mmap(start, size, protection, flags, fd, offset);
}

/* A descriptor with the camera's number may be anything once it was closed. */
int close(int fd)
{
	if (fd >= 0 && fd == camera.timer)
		camera.timer = -1;
	return NEXT("close", close_function)(fd);
}
