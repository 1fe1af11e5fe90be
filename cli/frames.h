/*
 * frames.h - `fairlead frames`: the tables of its commands, and what they have in common.
 */
#ifndef FAIRLEAD_CLI_FRAMES_H
#define FAIRLEAD_CLI_FRAMES_H

#include "command.h"

#include <fairlead/frames.h>
#include <stdbool.h>
#include <stdint.h>

extern const struct command frames_commands[];
extern const char frames_about[];

extern const struct option_row frames_list_rows[], frames_save_rows[], frames_send_rows[], frames_watch_rows[];
int frames_list_command(int argc, char **argv);
int frames_save_command(int argc, char **argv);
int frames_send_command(int argc, char **argv);
int frames_watch_command(int argc, char **argv);

/* Finds where the channels of this user are: $XDG_RUNTIME_DIR/fairlead or /tmp/fairlead-UID. Returns 0, -ENAMETOOLONG.
 * */
int frames_directory(char *ret_path, size_t size);

/* Says why a channel could not be opened or read, in a sentence without a full stop. */
const char *frames_explain(int error);

/* Writes the name of a pixel format: its four characters, "none", or a number if it has others. */
#define FRAMES_FORMAT 12u
void frames_format(uint32_t format, char ret_text[FRAMES_FORMAT]);

/* Reads the argument that is a channel's name. Returns 0, or -EINVAL and has said what is wrong. */
int frames_take_name(const char *path, const char *name);

#endif
