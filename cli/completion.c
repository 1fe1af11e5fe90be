/*
 * cli/completion.c - `fairlead completion bash`: a script that completes commands, options and their arguments.
 *
 * The script is a small machine that stays the same, and four questions that it asks, whose answers come from the
 * tables: which commands come after these words, which options has this command, how is this option's argument
 * completed, and how is the command's argument of that number? An answer to the last two is FILE, DIRECTORY, CHANNEL,
 * SEGMENT, PROGRAM, LOCK and its like, or = and the words that are possible, or - where anything may stand. Names of
 * channels and segments are asked of `fairlead frames list --names` and `fairlead segments --names` at the moment they
 * are needed, and those of locks of `fairlead segments shell --names`.
 *
 * It needs nothing but bash, and keeps to what zsh knows, too, after `autoload -U bashcompinit; bashcompinit`.
 */
#include "command.h"

#include <string.h>

static const char machine[] =
	"# Goes along the words before the one that is typed, and sets what is known there: the command, how\n"
	"# many of its arguments have been, whether options may come, and what an option expects.\n"
	"_fairlead_walk()\n"
	"{\n"
	"	local i word\n"
	"	for ((i = 1; i < COMP_CWORD; i++)); do\n"
	"		word=${COMP_WORDS[i]}\n"
	"		if [ \"$word\" = = ]; then\n"
	"			continue\n"
	"		elif [ -n \"$expected\" ]; then\n"
	"			expected=\n"
	"		elif [ \"$word\" = -- ]; then\n"
	"			after=yes\n"
	"		elif [[ -z $after && $word == -* ]]; then\n"
	"			expected=$(_fairlead_value \"$called:$word\")\n"
	"		elif [[ \" $(_fairlead_commands \"$called\") \" == *\" $word \"* ]]; then\n"
	"			called=$called${called:+ }$word\n"
	"		else\n"
	"			[ \"$(_fairlead_argument \"$called:$count\")\" != PROGRAM ] || after=yes\n"
	"			count=$((count + 1))\n"
	"		fi\n"
	"	done\n"
	"}\n"
	"\n"
	"# Prints what completes the word: its first argument says how.\n"
	"_fairlead_words()\n"
	"{\n"
	"	case $1 in\n"
	"	FILE) compgen -f -- \"$2\" ;;\n"
	"	DIRECTORY) compgen -d -- \"$2\" ;;\n"
	"	PROGRAM) compgen -c -f -- \"$2\" ;;\n"
	"	CHANNEL) compgen -W \"$(\"${COMP_WORDS[0]}\" frames list --names 2>/dev/null)\" -- \"$2\" ;;\n"
	"	SEGMENT) compgen -W \"$(\"${COMP_WORDS[0]}\" segments --names 2>/dev/null)\" -- \"$2\" ;;\n"
	"	LOCK | SEMAPHORE | EVENT | BARRIER | QUEUE)\n"
	"		compgen -W \"$(\"${COMP_WORDS[0]}\" segments shell --names 2>/dev/null)\" -- \"$2\" ;;\n"
	"	=*) compgen -W \"${1#=}\" -- \"$2\" ;;\n"
	"	esac\n"
	"}\n"
	"\n"
	"_fairlead()\n"
	"{\n"
	"	local called= expected= after= count=0 line typed=${COMP_WORDS[COMP_CWORD]}\n"
	"	COMPREPLY=()\n"
	"	[ \"$typed\" != = ] || typed=\n"
	"	_fairlead_walk\n"
	"	if [[ -z $expected && -z $after && $typed == -* ]]; then\n"
	"		expected==$(_fairlead_options \"$called\")\n"
	"	elif [ -z \"$expected\" ]; then\n"
	"		expected==$(_fairlead_commands \"$called\")\n"
	"		[ \"$expected\" != = ] || expected=$(_fairlead_argument \"$called:$count\")\n"
	"	fi\n"
	"	case $expected in\n"
	"	FILE | DIRECTORY) compopt -o filenames 2>/dev/null ;;\n"
	"	esac\n"
	"	while IFS= read -r line; do\n"
	"		COMPREPLY+=(\"$line\")\n"
	"	done < <(_fairlead_words \"$expected\" \"$typed\")\n"
	"}\n"
	"\n"
	"complete -F _fairlead fairlead\n";

static void print_names(const struct command *commands)
{
	const char *blank = "";

	for (; commands->name; commands++, blank = " ")
		printf("%s%s", blank, commands->name);
}

/* Prints how an argument of that name is completed. */
static void print_kind(const char *name, size_t length)
{
	static const char *const kinds[] = {"FILE", "DIRECTORY", "CHANNEL", "SEGMENT", "PROGRAM",
					    "LOCK", "SEMAPHORE", "EVENT",   "BARRIER", "QUEUE"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i]) == length && memcmp(kinds[i], name, length) == 0) {
			fputs(kinds[i], stdout);
			return;
		}
	}
	if (length == strlen("COMMAND") && memcmp(name, "COMMAND", length) == 0) {
		putchar('=');
		print_names(command_all);
	} else if (name[0] >= 'a' && name[0] <= 'z') {
		putchar('=');
		for (size_t i = 0; i < length; i++)
			putchar(name[i] == '|' ? ' ' : name[i]);
	} else {
		putchar('-');
	}
}

/* The answers. Each is a line of a `case`. */

static void print_commands(const char *path, const struct command *commands)
{
	printf("\t'%s') echo '", path);
	print_names(commands);
	printf("' ;;\n");
	for (; commands->name; commands++)
		if (commands->commands)
			print_commands(commands->name, commands->commands);
}

static void print_options(const char *path, const struct command *command, void *arg)
{
	const struct option_row *row;

	(void)arg;
	printf("\t'%s') echo '", path);
	for (size_t i = 0; (row = options_row(command, i)); i++)
		printf("%s--%s", i > 0 ? " " : "", row->name);
	printf("' ;;\n");
}

static void print_values(const char *path, const struct command *command, void *arg)
{
	const struct option_row *row;

	(void)arg;
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (!row->value)
			continue;
		printf("\t'%s:--%s'", path, row->name);
		if (row->letter)
			printf(" | '%s:-%c'", path, row->letter);
		printf(") echo '");
		print_kind(row->value, strlen(row->value));
		printf("' ;;\n");
	}
}

static void print_arguments(const char *path, const struct command *command, void *arg)
{
	const char *word = command->arguments ? command->arguments : "";
	size_t length, blank;

	(void)arg;
	for (int i = 0; *word; i++, word += blank) {
		blank = strcspn(word, " ");
		blank += word[blank] == ' ';
		word += *word == '[' && blank-- > 0;
		length = strcspn(word, " .]");
		printf("\t'%s:'%s) echo '", path, word[length] == '.' ? "*" : (char[]){(char)('0' + i), 0});
		print_kind(word, length);
		printf("' ;;\n");
	}
}

static void print_answers(const char *name, void (*print)(const char *path, const struct command *command, void *arg))
{
	printf("%s()\n{\n\tcase $1 in\n", name);
	command_each(command_all, print, NULL);
	printf("\tesac\n}\n\n");
}

int completion_command(int argc, char **argv)
{
	struct options options;
	int error = options_read(command_find(command_all, "completion"), argc, argv, NULL, &options);

	if (error != 0)
		return options_status(error);
	options_close(&options); /* the argument is the caller's */
	if (strcmp(options.arguments[0], "bash") != 0) {
		options_wrong(argv[0], "there is none for '%s', only for bash", options.arguments[0]);
		return COMMAND_USAGE;
	}
	printf("# Completes the words of the command fairlead; made by `fairlead completion bash`.\n\n");
	printf("_fairlead_commands()\n{\n\tcase $1 in\n");
	print_commands("", command_all);
	printf("\tesac\n}\n\n");
	print_answers("_fairlead_options", print_options);
	print_answers("_fairlead_value", print_values);
	print_answers("_fairlead_argument", print_arguments);
	fputs(machine, stdout);
	return COMMAND_OK;
}
