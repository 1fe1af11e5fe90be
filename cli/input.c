/*
 * cli/input.c - see input.h.
 *
 * All is read through one buffer, so that pipes and files are the same. In a stream of JPEGs the end of one is found by
 * going along its marks: segments have a length, and in what comes after the head of a scan 0xff stands for itself only
 * before 0 or a restart mark. So a small JPEG inside of one (a preview) is not taken for one. What is between two of
 * them is passed over.
 */
#include "input.h"

#include "hub/images/jpeg.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER 65536u
#define BETWEEN (1u << 20) /* bytes between two JPEGs of a stream */

enum kind { UNKNOWN, JPEG_FILE, JPEG_STREAM, PNM, RAW };

struct input {
	int file, stop;
	enum kind kind;
	fl_frame_info raw;
	uint64_t n; /* pictures that have been read */
	int error;  /* of reading; -ENODATA: there is no more */
	size_t at, end;
	unsigned char buffer[BUFFER];
};

static const struct {
	const char *end;
	enum kind kind;
} ends[] = {{".jpg", JPEG_FILE}, {".jpeg", JPEG_FILE}, {".mjpeg", JPEG_STREAM}, {".mjpg", JPEG_STREAM}, {".ppm", PNM},
	    {".pgm", PNM},       {".raw", RAW}};

static enum kind kind_of(const char *path)
{
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcasecmp(end, ends[i].end) == 0)
			return ends[i].kind;
	return UNKNOWN;
}

bool input_knows(const char *path, bool raw)
{
	enum kind kind = kind_of(path);

	return kind != UNKNOWN && (kind != RAW || raw);
}

/* Opening. */

static int open_file(const char *path)
{
	struct stat about;
	int file;

	if (stat(path, &about) != 0)
		return -errno;
	if (!S_ISREG(about.st_mode))
		return -EISDIR; /* others might never end, or never begin */
	file = open(path, O_RDONLY | O_CLOEXEC);
	return file < 0 ? -errno : file;
}

int input_open(struct input **ret_input, const char *path, const fl_frame_info *raw, int stop)
{
	bool standard = strcmp(path, "-") == 0;
	int file = standard ? STDIN_FILENO : open_file(path);
	struct input *input;

	if (file < 0)
		return file;
	input = calloc(1, sizeof(*input));
	if (!input) {
		if (!standard)
			close(file);
		return -ENOMEM;
	}
	input->file = file;
	input->stop = stop;
	input->kind = standard ? JPEG_STREAM : kind_of(path);
	if (raw) {
		input->raw = *raw;
		if (standard || input->kind == UNKNOWN)
			input->kind = RAW;
	}
	*ret_input = input;
	return 0;
}

struct input *input_close(struct input *input)
{
	if (!input)
		return NULL;
	if (input->file != STDIN_FILENO)
		close(input->file);
	free(input);
	return NULL;
}

void input_free(struct picture *picture)
{
	free(picture->data);
	*picture = (struct picture){0};
}

/* Reading. */

/* There is something in the buffer, or `error` says why not. */
static bool fill(struct input *input)
{
	struct pollfd polls[] = {{.fd = input->file, .events = POLLIN}, {.fd = input->stop, .events = POLLIN}};
	ssize_t n = -1;

	if (input->at < input->end)
		return true;
	while (input->error == 0 && n < 0) {
		if (poll(polls, 2, -1) < 0)
			input->error = errno == EINTR ? 0 : -errno;
		else if (polls[1].revents)
			input->error = -ECANCELED;
		else if ((n = read(input->file, input->buffer, BUFFER)) < 0 && errno != EINTR && errno != EAGAIN)
			input->error = -errno;
		else if (n == 0)
			input->error = -ENODATA;
	}
	input->at = 0;
	input->end = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next byte; -1: there is none. */
static int next_byte(struct input *input)
{
	return fill(input) ? input->buffer[input->at++] : -1;
}

/* Writes what is wrong. Returns the error. */
__attribute__((format(printf, 4, 5))) static int wrong(char *why, size_t size, int error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return error;
}

/* It ended where it should not. */
static int cut_off(const struct input *input, char *why, size_t size)
{
	if (input->error == -ECANCELED)
		return -ECANCELED;
	if (input->error == -ENODATA)
		return wrong(why, size, -EBADMSG, "it ends in the middle of a picture");
	return wrong(why, size, input->error, "%s", strerror(-input->error));
}

static int make_room(struct picture *picture, size_t size, char *why, size_t why_size)
{
	size_t room = picture->room > 0 ? picture->room : BUFFER;
	unsigned char *data;

	if (size > INPUT_LARGEST)
		return wrong(why, why_size, -EMSGSIZE, "a picture of more than %u MiB", INPUT_LARGEST >> 20);
	while (room < size)
		room *= 2;
	if (room == picture->room)
		return 0;
	data = realloc(picture->data, INPUT_ROOM + room);
	if (!data)
		return wrong(why, why_size, -ENOMEM, "no memory is left");
	picture->data = data;
	picture->room = room;
	return 0;
}

/* Moves up to `most` bytes of the buffer behind those that the picture has. */
static int move(struct input *input, struct picture *picture, size_t most, char *why, size_t size)
{
	size_t n = input->end - input->at < most ? input->end - input->at : most;
	int error = make_room(picture, picture->info.size + n, why, size);

	if (error != 0)
		return error;
	memcpy(picture->data + INPUT_ROOM + picture->info.size, input->buffer + input->at, n);
	picture->info.size += n;
	input->at += n;
	return 0;
}

/* Moves so many bytes, which must be there. */
static int take(struct input *input, struct picture *picture, size_t n, char *why, size_t size)
{
	size_t whole = picture->info.size + n;
	int error = 0;

	while (error == 0 && picture->info.size < whole)
		error = fill(input) ? move(input, picture, whole - picture->info.size, why, size)
				    : cut_off(input, why, size);
	return error;
}

/* JPEGs. */

static int look_at_jpeg(struct picture *picture, char *why, size_t size)
{
	picture->info.format = FL_PIXELS_JPEG;
	picture->info.flags = FL_FRAME_KEY;
	return jpeg_look(picture->data + INPUT_ROOM, picture->info.size, &picture->info.width, &picture->info.height,
			 why, size);
}

static int read_jpeg_file(struct input *input, struct picture *picture, char *why, size_t size)
{
	int error = 0;

	if (input->n > 0)
		return -ENODATA;
	while (error == 0 && fill(input))
		error = move(input, picture, BUFFER, why, size);
	if (error == 0 && input->error != -ENODATA)
		error = cut_off(input, why, size);
	return error != 0 ? error : look_at_jpeg(picture, why, size);
}

/* To behind the next 0xff 0xd8, which is put into the picture. Returns -ENODATA: there is none. */
static int find_jpeg(struct input *input, struct picture *picture, char *why, size_t size)
{
	int byte = 0, before = 0;
	size_t passed = 0;

	while (!(before == 0xff && byte == 0xd8)) {
		before = byte;
		byte = next_byte(input);
		if (byte < 0)
			return input->error == -ENODATA && input->n > 0 ? -ENODATA
			       : input->error == -ENODATA ? wrong(why, size, -EBADMSG, "there is no JPEG in it")
							  : cut_off(input, why, size);
		if (++passed > BETWEEN)
			return wrong(why, size, -EBADMSG, "there is no JPEG in %u bytes", BETWEEN);
	}
	if (make_room(picture, 2, why, size) != 0)
		return -ENOMEM;
	memcpy(picture->data + INPUT_ROOM, "\xff\xd8", 2);
	picture->info.size = 2;
	return 0;
}

static unsigned last_byte(const struct picture *picture, size_t back)
{
	return picture->data[INPUT_ROOM + picture->info.size - back];
}

/* The bytes of a scan, to behind the mark that ends it. */
static int take_scan(struct input *input, struct picture *picture, char *why, size_t size)
{
	const unsigned char *from, *mark;
	int error = 0;

	do {
		if (!fill(input))
			return cut_off(input, why, size);
		from = input->buffer + input->at;
		mark = memchr(from, 0xff, input->end - input->at);
		error = move(input, picture, mark ? (size_t)(mark - from) + 1 : BUFFER, why, size);
		while (error == 0 && mark && last_byte(picture, 1) == 0xff)
			error = take(input, picture, 1, why, size);
	} while (error == 0 && (!mark || last_byte(picture, 1) == 0 || (last_byte(picture, 1) & 0xf8) == 0xd0));
	return error;
}

/* A mark that is none of those that stand alone: its segment. */
static int take_segment(struct input *input, struct picture *picture, char *why, size_t size)
{
	int error = take(input, picture, 2, why, size);
	unsigned length = error == 0 ? last_byte(picture, 2) << 8 | last_byte(picture, 1) : 0;

	if (error == 0 && length < 2)
		return wrong(why, size, -EBADMSG, "a JPEG is damaged");
	return error != 0 ? error : take(input, picture, length - 2, why, size);
}

static int take_mark(struct input *input, struct picture *picture, char *why, size_t size)
{
	int error = take(input, picture, 2, why, size);

	if (error == 0 && last_byte(picture, 2) != 0xff)
		return wrong(why, size, -EBADMSG, "a JPEG is damaged");
	while (error == 0 && last_byte(picture, 1) == 0xff) /* they may be filled up with these */
		error = take(input, picture, 1, why, size);
	return error;
}

static int read_jpeg_of_stream(struct input *input, struct picture *picture, char *why, size_t size)
{
	int error = find_jpeg(input, picture, why, size);

	if (error == 0)
		error = take_mark(input, picture, why, size);
	while (error == 0 && last_byte(picture, 1) != 0xd9) {
		bool scan = last_byte(picture, 1) == 0xda;

		error = take_segment(input, picture, why, size);
		if (error == 0)
			error = scan ? take_scan(input, picture, why, size) : take_mark(input, picture, why, size);
	}
	return error != 0 ? error : look_at_jpeg(picture, why, size);
}

/* Pixels. */

static int read_pixels(struct input *input, struct picture *picture, const fl_frame_info *info, char *why, size_t size)
{
	int error = take(input, picture, info->size, why, size);

	if (error == 0)
		picture->info = *info;
	return error;
}

static int read_raw(struct input *input, struct picture *picture, char *why, size_t size)
{
	if (input->raw.size == 0)
		return wrong(why, size, -EBADMSG, "--format has to say what is in it");
	if (!fill(input) && input->error == -ENODATA && input->n > 0)
		return -ENODATA;
	return read_pixels(input, picture, &input->raw, why, size);
}

static bool is_blank(int byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The next byte that is not of a comment. */
static int next_of_head(struct input *input)
{
	int byte = next_byte(input);

	if (byte == '#')
		while (byte >= 0 && byte != '\n')
			byte = next_byte(input);
	return byte;
}

/* A number of a head, and the one byte behind it. Returns 0: there is none. */
static uint32_t read_number(struct input *input)
{
	int byte = next_of_head(input);
	uint32_t number = 0;

	while (is_blank(byte))
		byte = next_of_head(input);
	for (; byte >= '0' && byte <= '9' && number < 1000000; byte = next_byte(input))
		number = 10 * number + (uint32_t)(byte - '0');
	return is_blank(byte) ? number : 0;
}

static int read_pnm(struct input *input, struct picture *picture, char *why, size_t size)
{
	int first = next_byte(input), kind;
	uint32_t width, height;
	fl_frame_info info;

	if (first < 0 && input->error == -ENODATA && input->n > 0)
		return -ENODATA;
	kind = next_byte(input);
	width = read_number(input);
	height = read_number(input);
	if (first != 'P' || (kind != '5' && kind != '6') || read_number(input) != 255 ||
	    fl_frame_info_init(&info, kind == '6' ? FL_PIXELS_RGB24 : FL_PIXELS_GRAY8, width, height) != 0)
		return input->error == -ECANCELED ? -ECANCELED
						  : wrong(why, size, -EBADMSG, "it is no PPM or PGM of bytes (P6, P5)");
	return read_pixels(input, picture, &info, why, size);
}

/* A file whose name says nothing. */
static enum kind look(struct input *input)
{
	if (!fill(input))
		return JPEG_FILE;
	return input->buffer[input->at] == 'P' ? PNM : JPEG_FILE;
}

int input_next(struct input *input, struct picture *picture, char *why, size_t size)
{
	static int (*const readers[])(struct input *, struct picture *, char *, size_t) = {
		[JPEG_FILE] = read_jpeg_file, [JPEG_STREAM] = read_jpeg_of_stream, [PNM] = read_pnm, [RAW] = read_raw};
	int error;

	picture->info = (fl_frame_info){0};
	if (input->kind == UNKNOWN)
		input->kind = look(input);
	error = readers[input->kind](input, picture, why, size);
	input->n += error == 0;
	return error;
}
