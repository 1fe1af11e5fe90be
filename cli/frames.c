/*
 * cli/frames.c - the commands of `fairlead frames`, and what they have in common.
 */
#define _GNU_SOURCE
#include "frames.h"

#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char frames_about[] =
	"A frame channel has a name; one process produces images there, and any number of others of the same user "
	"read them. These commands are readers like others: they see whole images, and hold up nobody. But send: it "
	"brings images from files to a hub.";

const struct command frames_commands[] = {
	{.name = "list",
	 .summary = "list the channels of this user",
	 .run = frames_list_command,
	 .rows = frames_list_rows,
	 .about = "Shows each channel that there is a socket of: whether somebody serves it, how many frames a second "
		  "come, and what they are."},
	{.name = "watch",
	 .summary = "watch a channel: rate, latency, what is missed",
	 .run = frames_watch_command,
	 .rows = frames_watch_rows,
	 .arguments = "CHANNEL",
	 .about = "Reads the channel, and waits for a producer if there is none. On a terminal a line is kept up to "
		  "date; otherwise there is a line every second. Ctrl-C ends it with a summary."},
	{.name = "save",
	 .summary = "save the latest image of a channel to a file",
	 .run = frames_save_command,
	 .rows = frames_save_rows,
	 .arguments = "CHANNEL FILE",
	 .about = "The end of the file's name says what is written: .jpg (or .jpeg), .ppm, .pgm, or .raw for the "
		  "bytes as they are. A FILE of - is standard output. There is never half a file, and none is "
		  "overwritten without --force."},
	{.name = "send",
	 .summary = "send pictures from files to a hub, as a source of that name",
	 .run = frames_send_command,
	 .rows = frames_send_rows,
	 .arguments = "NAME FILE...",
	 .about = "Sends JPEG files, and PPM, PGM and pixels as they are, to a hub (fairlead hub), where they are the "
		  "frames of the source NAME. A folder stands for the pictures in it, in the order of their names. A "
		  "FILE of - is standard input: JPEGs one after the other, also as a multipart stream. Ctrl-C ends it "
		  "with a summary."},
	{0},
};

int frames_directory(char *ret_path, size_t size)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	int length;

	if (runtime && runtime[0] == '/')
		length = snprintf(ret_path, size, "%s/fairlead", runtime);
	else
		length = snprintf(ret_path, size, "/tmp/fairlead-%u", (unsigned)geteuid());
	return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

const char *frames_explain(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return "nobody serves it";
	case -EAGAIN:
		return "there has been no frame yet";
	case -EPIPE:
		return "the producer has ended";
	case -EUSERS:
		return "it has all the readers that its producer admits";
	case -EPROTO:
		return "who serves it does not speak this version of the protocol";
	case -EPERM:
	case -EACCES:
		return "the directory, or who serves there, is another user's";
	default:
		return strerror(-error);
	}
}

void frames_format(uint32_t format, char ret_text[FRAMES_FORMAT])
{
	bool plain = true;

	if (format == FL_PIXELS_NONE) {
		snprintf(ret_text, FRAMES_FORMAT, "none");
		return;
	}
	for (int i = 0; i < 4; i++) {
		char letter = (char)(format >> 8 * i & 0xff);

		ret_text[i] = letter;
		plain = plain && ((letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
				  (letter >= '0' && letter <= '9') || letter == ' ');
	}
	ret_text[4] = 0;
	if (!plain)
		snprintf(ret_text, FRAMES_FORMAT, "0x%08x", format);
}

int frames_take_name(const char *path, const char *name)
{
	char why[OPTIONS_WHY];

	return values_channel(name, why, sizeof(why)) == 0 ? 0 : options_wrong(path, "'%s': %s", name, why);
}
