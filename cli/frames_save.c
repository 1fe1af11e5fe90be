/*
 * cli/frames_save.c - `fairlead frames save`: the latest image of a channel becomes a file.
 *
 * The frame is held while it is written, so it is whole whatever the producer does meanwhile, also if that ends. What
 * it cannot be written as is said before anything is written.
 */
#include "frames.h"

#include "hub/images/jpeg.h"
#include "hub/images/pixels.h"
#include "values.h"
#include "write.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum form { NO_FORM, JPG, PPM, PGM, RAW };

struct config {
	fl_time wait;
	uint64_t quality;
	enum form form;
	bool force;
};

/* What is to be written. */
struct product {
	char head[64]; /* of a .ppm or .pgm */
	void *made;    /* memory to be given back, or NULL */
	struct write_part parts[2];
};

static const struct {
	const char *name;
	enum form form;
} forms[] = {{"jpg", JPG}, {"jpeg", JPG}, {"ppm", PPM}, {"pgm", PGM}, {"raw", RAW}};

static enum form form_of(const char *name)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, name) == 0)
			return forms[i].form;
	return NO_FORM;
}

static int take_wait(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_duration(value, &config->wait, why, size);
}

static int take_quality(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 1, 100, &config->quality, why, size);
}

static int take_form(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->form = form_of(value);
	if (config->form != NO_FORM)
		return 0;
	snprintf(why, size, "it is jpg, ppm, pgm or raw");
	return -EINVAL;
}

static int take_force(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->force = true;
	return 0;
}

const struct option_row frames_save_rows[] = {
	{"What is written", "format", 0, "jpg|ppm|pgm|raw",
	 "otherwise the end of the file's name says it, and to standard output jpg is written", OPTION_ONCE, take_form},
	{NULL, "quality", 0, "N",
	 "of the JPEG, from 1 to 100 (default 90); frames that are JPEGs are written as they are", OPTION_ONCE,
	 take_quality},
	{"How", "wait", 0, "DURATION", "how long to wait for a producer and its first frame (default 5s)", OPTION_ONCE,
	 take_wait},
	{NULL, "force", 'f', NULL, "replace the file if there is one", OPTION_FLAG, take_force},
	{0},
};

/* Making it. Each returns 0, or a negative errno, with what is wrong in `why`. */

static int refuse(char *why, int error, const char *what)
{
	snprintf(why, OPTIONS_WHY, "%s", what);
	return error;
}

static int encode(struct jpeg *jpeg, const fl_frame *frame, const struct config *config, struct product *product)
{
	size_t room = jpeg_bound(frame->info.width, frame->info.height), size;
	int error;

	if (room == 0)
		return -EMSGSIZE;
	product->made = malloc(room);
	if (!product->made)
		return -ENOMEM;
	error = jpeg_encode(jpeg, &frame->info, frame->data, (int)config->quality, product->made, room, &size);
	if (error == 0)
		product->parts[0] = (struct write_part){product->made, size};
	return error;
}

static int make_jpg(struct jpeg *jpeg, const fl_frame *frame, const struct config *config, struct product *product,
		    char *why)
{
	char what[OPTIONS_WHY];
	uint32_t width, height;
	int error;

	if (frame->info.format == FL_PIXELS_JPEG) {
		product->parts[0] = (struct write_part){frame->data, frame->info.size};
		error = jpeg_look(frame->data, frame->info.size, &width, &height, what, sizeof(what));
		if (error != 0)
			snprintf(why, OPTIONS_WHY, "the frame should be a JPEG, but %.150s", what);
		return error;
	}
	error = encode(jpeg, frame, config, product);
	if (error == -EMSGSIZE)
		return refuse(why, error, "it is too large for a JPEG");
	return error == 0 ? 0 : refuse(why, error, frames_explain(error));
}

/* The size of the image: of a JPEG, what its header says. */
static int measure_image(const fl_frame *frame, uint32_t *ret_width, uint32_t *ret_height, char *why)
{
	if (frame->info.format == FL_PIXELS_JPEG)
		return jpeg_look(frame->data, frame->info.size, ret_width, ret_height, why, OPTIONS_WHY);
	*ret_width = frame->info.width;
	*ret_height = frame->info.height;
	return 0;
}

/* To rows of RGB24 or GRAY8 without gaps, behind a head. */
static int make_pnm(struct jpeg *jpeg, const fl_frame *frame, const struct config *config, struct product *product,
		    char *why)
{
	fl_frame_info info;
	uint32_t width, height;
	int length, error = measure_image(frame, &width, &height, why);

	if (error != 0)
		return error;
	error = fl_frame_info_init(&info, config->form == PPM ? FL_PIXELS_RGB24 : FL_PIXELS_GRAY8, width, height);
	if (error != 0)
		return refuse(why, error, "its size cannot be that of an image");
	product->made = malloc(info.size);
	if (!product->made)
		return refuse(why, -ENOMEM, frames_explain(-ENOMEM));
	if (frame->info.format == FL_PIXELS_JPEG) {
		error = jpeg_decode(jpeg, frame->data, frame->info.size, &info, product->made, why, OPTIONS_WHY);
	} else {
		error = pixels_convert(&frame->info, frame->data, &info, product->made);
		refuse(why, error, "its pixels cannot be converted");
	}
	length = snprintf(product->head, sizeof(product->head), "P%c\n%u %u\n255\n", config->form == PPM ? '6' : '5',
			  width, height);
	product->parts[0] = (struct write_part){product->head, (size_t)length};
	product->parts[1] = (struct write_part){product->made, info.size};
	return error;
}

/* Whether the formats of images are of use for it at all. */
static bool is_image(const fl_frame_info *info)
{
	fl_frame_info like;

	return info->format == FL_PIXELS_JPEG ||
	       fl_frame_info_init(&like, info->format, info->width, info->height) == 0;
}

static int make(const fl_frame *frame, const struct config *config, struct product *product, char *why)
{
	char format[FRAMES_FORMAT];
	struct jpeg *jpeg;
	int error;

	if (config->form == RAW) {
		product->parts[0] = (struct write_part){frame->data, frame->info.size};
		return 0;
	}
	if (!is_image(&frame->info)) {
		frames_format(frame->info.format, format);
		snprintf(why, OPTIONS_WHY, "frames of format %s are no images known here; write them as .raw", format);
		return -EINVAL;
	}
	jpeg = jpeg_open();
	if (!jpeg)
		return refuse(why, -ENOMEM, frames_explain(-ENOMEM));
	error = config->form == JPG ? make_jpg(jpeg, frame, config, product, why)
				    : make_pnm(jpeg, frame, config, product, why);
	jpeg_close(jpeg);
	return error;
}

/* Saving it. */

/* Holds the latest frame; waits for the producer, and for its first one. */
static int hold(const char *name, fl_time wait, fl_frame *frame)
{
	const fl_frames_reader_options options = {.name = "fairlead frames save"};
	fl_time deadline = fl_after(wait);
	fl_frames_reader *reader;
	int error = fl_frames_open_until(&reader, name, &options, deadline, NULL);

	if (error != 0)
		return error;
	error = fl_frames_latest(reader, frame);
	if (error == -EAGAIN)
		error = fl_frames_next_until(reader, frame, deadline, NULL);
	fl_frames_reader_close(reader); /* the frame stays */
	return error == -ETIMEDOUT ? -EAGAIN : error;
}

static void print_geometry(FILE *to, const char *name, const fl_frame_info *info)
{
	char format[FRAMES_FORMAT];

	frames_format(info->format, format);
	fprintf(to, "%s: %llu bytes, format %s, %u x %u pixels", name, (unsigned long long)info->size, format,
		info->width, info->height);
	for (uint32_t i = 0; i < info->n_planes && i < FL_FRAME_PLANES; i++)
		fprintf(to, "%s offset %u stride %u", i == 0 ? ", planes:" : ",", info->offset[i], info->stride[i]);
	fputc('\n', to);
}

static const char *explain_write(int error)
{
	switch (error) {
	case -EEXIST:
		return "it is there already; --force replaces it";
	case -EINVAL:
		return "it is not a file";
	default:
		return strerror(-error);
	}
}

static int save(const char *path, const struct config *config, const fl_frame *frame, const char *name,
		const char *file)
{
	struct product product = {.made = NULL};
	char why[OPTIONS_WHY] = "";
	int error = make(frame, config, &product, why);

	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", path, name, why);
	} else {
		error = write_file(file, config->force, product.parts, 2);
		if (error != 0)
			fprintf(stderr, "%s: %s: %s\n", path, file, explain_write(error));
	}
	if (error == 0 && config->form == RAW)
		print_geometry(strcmp(file, "-") == 0 ? stderr : stdout, name, &frame->info);
	free(product.made);
	return error == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* What the end of the file's name says. Returns 0, or has said what is wrong. */
static int choose_form(const char *path, const char *file, struct config *config)
{
	const char *name = strrchr(file, '/'), *end;

	name = name ? name + 1 : file;
	end = strrchr(name, '.');
	if (config->form == NO_FORM)
		config->form = strcmp(file, "-") == 0 ? JPG : form_of(end ? end + 1 : "");
	return config->form != NO_FORM ? 0
				       : options_wrong(path,
						       "'%s' does not end with .jpg, .ppm, .pgm or .raw; "
						       "--format says what to write",
						       file);
}

static int run(const char *path, struct config *config, const char *name, const char *file)
{
	FL_FRAME(frame);
	int error;

	if (frames_take_name(path, name) != 0 || choose_form(path, file, config) != 0)
		return COMMAND_USAGE;
	error = write_look(file, config->force); /* before a wait that would be in vain */
	if (error != 0) {
		fprintf(stderr, "%s: %s: %s\n", path, file, explain_write(error));
		return COMMAND_FAILED;
	}
	error = hold(name, config->wait, &frame);
	if (error == 0)
		return save(path, config, &frame, name, file);
	fprintf(stderr, "%s: %s: %s\n", path, name, frames_explain(error));
	return COMMAND_FAILED;
}

int frames_save_command(int argc, char **argv)
{
	struct config config = {.wait = FL_SECONDS(5), .quality = 90};
	struct options options;
	int error = options_read(command_find(frames_commands, "save"), argc, argv, &config, &options), status;

	if (error != 0)
		return options_status(error);
	status = run(argv[0], &config, options.arguments[0], options.arguments[1]);
	options_close(&options);
	return status;
}
