/*
 * input.h - pictures from a file or from standard input, one after the other.
 *
 * What is in there says what it is: a JPEG file; a stream of JPEGs (standard input, or a file whose name ends with
 * .mjpeg or .mjpg), one after the other, with or without what a multipart stream has between them; PPM and PGM
 * pictures. Pixels without a head are what they are said to be.
 *
 *     error = input_open(&input, path, raw, stop);
 *     while ((error = input_next(input, &picture, why, size)) == 0)
 *             ... picture.data + INPUT_ROOM, picture.info.size bytes ...
 *     input = input_close(input);
 *     input_free(&picture);
 */
#ifndef FAIRLEAD_CLI_INPUT_H
#define FAIRLEAD_CLI_INPUT_H

#include <fairlead/frame.h>
#include <stdbool.h>

#define INPUT_ROOM 64u              /* bytes before a picture, for what is sent with it */
#define INPUT_LARGEST (1024u << 20) /* bytes of a picture */

/* A picture. All zero is none yet; its memory is used for the next one, too. */
struct picture {
	unsigned char *data; /* INPUT_ROOM bytes, and the picture */
	size_t room;
	fl_frame_info info; /* of one with pixels: whose rows have no gaps */
};

struct input;

/* Opens a file; "-" is standard input. `raw` is what pixels without a head are, and what is in the file if its name
 * does not end like that of something else; NULL: not known. When `stop` (a descriptor) becomes readable, nothing is
 * waited for any more. Returns 0, -ENOMEM, -EISDIR: it is no file; or what the system said. */
int input_open(struct input **ret_input, const char *path, const fl_frame_info *raw, int stop);
/* NULL is allowed. Returns NULL. */
struct input *input_close(struct input *input);

/* Reads the next picture. Returns 0; -ENODATA: there is none; -ECANCELED: by `stop`; or what is wrong, in `why` too (a
 * sentence without a full stop): -EBADMSG, -EMSGSIZE, -ENOMEM, or what the system said. */
int input_next(struct input *input, struct picture *picture, char *why, size_t size);

void input_free(struct picture *picture);

/* Whether a file of that name is of those that are read here; `raw`: .raw among them. */
bool input_knows(const char *path, bool raw);

#endif
