/*
 * hub_commands.h - `fairlead hub` and `fairlead processor`, as main.c has them.
 */
#ifndef FAIRLEAD_CLI_HUB_COMMANDS_H
#define FAIRLEAD_CLI_HUB_COMMANDS_H

#include "options.h"

extern const char hub_about[], processor_about[];
extern const struct option_row hub_rows[], processor_rows[];

int hub_command(int argc, char **argv);
int processor_command(int argc, char **argv);

#endif
