/*
 * cli/options_help.c - what the table of a command says to people: --help; and to programs: a line an option.
 *
 * The help has the options in two columns. Where the left one is too long for its column, the text begins on the next
 * line; where the terminal is so narrow that little would be left for the text, it stands below with a small indent.
 */
#include "options.h"

#include "command.h"
#include <ctype.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMN 28u       /* where the text of an option begins */
#define NARROW 50u       /* below so many columns it begins on a line of its own, */
#define NARROW_INDENT 8u /* here */
#define NARROWEST 20u

size_t options_width(FILE *to)
{
	struct winsize size;

	if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

void options_wrap(FILE *to, const char *text, size_t column, size_t indent, size_t width)
{
	bool first = true;
	size_t length;

	for (; *text; text += length + strspn(text + length, " ")) {
		length = strcspn(text, " ");
		if (first && column < indent)
			column += (size_t)fprintf(to, "%*s", (int)(indent - column), "");
		else if (!first && column + 1 + length > width)
			column = (size_t)fprintf(to, "\n%*s", (int)indent, "") - 1;
		else if (!first)
			column += (size_t)fprintf(to, " ");
		column += (size_t)fprintf(to, "%.*s", (int)length, text);
		first = false;
	}
	fputc('\n', to);
}

static void help_row(FILE *to, const struct option_row *row, size_t width)
{
	size_t indent = width < NARROW ? NARROW_INDENT : COLUMN;
	char left[100];
	int length;

	length = row->letter ? snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name)
			     : snprintf(left, sizeof(left), "      --%s", row->name);
	if (row->value)
		snprintf(left + length, sizeof(left) - (size_t)length, " %s", row->value);
	fputs(left, to);
	if (strlen(left) + 2 > indent)
		fputc('\n', to);
	options_wrap(to, row->help, strlen(left) + 2 > indent ? 0 : strlen(left), indent, width);
}

static void help_usage(FILE *to, const struct command *command, const char *path, size_t width)
{
	char text[300];

	snprintf(text, sizeof(text), "[OPTION...]%s%s", command->arguments ? " " : "",
		 command->arguments ? command->arguments : "");
	fprintf(to, "Usage: %s ", path);
	options_wrap(to, text, strlen("Usage: ") + strlen(path) + 1, strlen("Usage: "), width);
	fputc('\n', to);
	snprintf(text, sizeof(text), "%s.", command->summary);
	text[0] = (char)toupper((unsigned char)text[0]);
	options_wrap(to, text, 0, 0, width);
	if (!command->about)
		return;
	fputc('\n', to);
	options_wrap(to, command->about, 0, 0, width);
}

void options_help(FILE *to, const struct command *command, const char *path, size_t width)
{
	const struct option_row *row;

	help_usage(to, command, path, width);
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (row->heading)
			fprintf(to, "\n%s:\n", row->heading);
		else if (i == 0)
			fprintf(to, "\nOptions:\n");
		help_row(to, row, width);
	}
}

void options_list(FILE *to, const struct command *command)
{
	static const char *const hows[] = {"flag", "once", "many"};
	const struct option_row *row;
	const char *heading = "Options";

	for (size_t i = 0; (row = options_row(command, i)); i++) {
		heading = row->heading ? row->heading : heading;
		fprintf(to, "%s\t%c\t%s\t%s\t%s\n", row->name, row->letter ? row->letter : '-',
			row->value ? row->value : "-", hows[row->how], heading);
	}
}
