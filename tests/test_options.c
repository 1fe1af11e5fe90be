/*
 * test_options.c - the table of a command's options: what is read from words and from a file, what is refused and how
 * that is said, what --help looks like; and the values that options have.
 */
#include "testing.h"

#include "../cli/command.h"
#include "../cli/values.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct config {
	int flags;
	uint64_t count;
	int counts;
	char names[100];
};

static int take_flag(void *arg, const char *value, char *why, size_t size)
{
	struct config *into = arg;

	(void)why, (void)size;
	if (value)
		return -EINVAL;
	into->flags++;
	return 0;
}

static int take_count(void *arg, const char *value, char *why, size_t size)
{
	struct config *into = arg;

	into->counts++;
	return values_count(value, 1, 100, &into->count, why, size);
}

static int take_name(void *arg, const char *value, char *why, size_t size)
{
	struct config *into = arg;

	if (strcmp(value, "bad") == 0) {
		snprintf(why, size, "it is bad");
		return -EINVAL;
	}
	strncat(into->names, value, 20);
	strncat(into->names, ",", 2);
	return 0;
}

static const struct option_row rows[] = {
	{"First things", "count", 'n', "N", "end after so many frames, which may be any number from one to a hundred",
	 OPTION_ONCE, take_count},
	{NULL, "name", 0, "CHANNEL", "a name", OPTION_MANY, take_name},
	{"Second things", "flag", 'f', NULL, "do it", OPTION_FLAG, take_flag},
	{NULL, "colour", 0, "red|green", "a colour", OPTION_ONCE, take_name},
	{NULL, "an-option-with-a-long-name", 0, "SOMETHING", "is explained on a line of its own", OPTION_ONCE,
	 take_name},
	{0},
};
static const struct command command = {
	.name = "try", .summary = "try it", .rows = rows, .arguments = "ONE [TWO]", .about = "A word about it."};
static const struct command runner = {
	.name = "run", .summary = "run it", .rows = rows, .arguments = "ONE [PROGRAM] [WORD...]"};

const struct command command_all[] = {{.name = "try"}, {.name = "frames"}, {.name = "completion"}, {0}};

static struct config config;
static struct options options;
static char file[40], out[40], err[40];

static void make_file(char name[40])
{
	int fd;

	snprintf(name, 40, "/tmp/fairlead-options-XXXXXX");
	fd = mkstemp(name);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void set_up(void)
{
	make_file(file);
	make_file(out);
	make_file(err);
	memset(&config, 0, sizeof(config));
	memset(&options, 0, sizeof(options));
}

static void tear_down(void)
{
	options_close(&options);
	unlink(file);
	unlink(out);
	unlink(err);
}

/* What was written to a file. */
static const char *text_of(const char *path)
{
	static char text[8192];
	FILE *from = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(from);
	n = fread(text, 1, sizeof(text) - 1, from);
	text[n] = 0;
	fclose(from);
	return text;
}

/* Reads the words of a command, with what is said going to the files; "FILE" stands for the path of the file. */
static int read_words_of(const struct command *whose, const char *words)
{
	static char path[] = "fairlead try", copy[500], *argv[50]; /* the arguments are looked at later */
	char *rest = copy;
	int argc = 1, error, old[2];

	snprintf(copy, sizeof(copy), "%s", words);
	argv[0] = path;
	while ((argv[argc] = strsep(&rest, " ")))
		if (*argv[argc])
			argc += 1;
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "FILE") == 0)
			argv[i] = file;
	fflush(stdout);
	old[0] = dup(1);
	old[1] = dup(2);
	ck_assert_ptr_nonnull(freopen(out, "w", stdout));
	ck_assert_ptr_nonnull(freopen(err, "w", stderr));
	error = options_read(whose, argc, argv, &config, &options);
	fflush(stdout);
	fflush(stderr);
	dup2(old[0], 1);
	dup2(old[1], 2);
	close(old[0]);
	close(old[1]);
	return error;
}

static int read_words(const char *words)
{
	return read_words_of(&command, words);
}

static void write_file(const char *text)
{
	FILE *to = fopen(file, "w");

	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	ck_assert_int_eq(fclose(to), 0);
}

START_TEST(words_are_taken)
{
	ck_assert_int_eq(read_words("-n 5 one --name=a -f two --name b --colour red"), 0);
	ck_assert_uint_eq(config.count, 5);
	ck_assert_int_eq(config.flags, 1);
	ck_assert_str_eq(config.names, "a,b,red,");
	ck_assert_int_eq(options.n, 2);
	ck_assert_str_eq(options.arguments[0], "one");
	ck_assert_str_eq(options.arguments[1], "two");
	ck_assert_ptr_null(options.arguments[2]);
}
END_TEST

START_TEST(after_two_dashes_there_are_arguments)
{
	ck_assert_int_eq(read_words("-ffn7 -- --flag -f"), 0);
	ck_assert_int_eq(config.flags, 2);
	ck_assert_uint_eq(config.count, 7);
	ck_assert_str_eq(options.arguments[0], "--flag");
}
END_TEST

static const struct {
	const char *words, *arguments;
	int flags, error;
} ran[] = {
	{"-f one cat -f -n x", "one cat -f -n x", 1, 0},
	{"one -f cat -f", "one cat -f", 1, 0},
	{"one -f -n 3 --name=a cat --nonsense", "one cat --nonsense", 1, 0},
	{"one --name cat cat -f", "one cat -f", 0, 0},
	{"one -f -- cat -f", "one cat -f", 1, 0},
	{"-f -- one cat -f", "one cat -f", 1, 0},
	{"one cat -- -f", "one cat -- -f", 0, 0},
	{"one -- -f", "one -f", 0, 0},
	{"one -f", "one", 1, 0},
	{"one --nonsense cat", "", 0, -EINVAL},
	{"one -f --name", "", 0, -EINVAL},
	{"-f", "", 0, -EINVAL},
};

START_TEST(options_end_at_a_program)
{
	char arguments[200] = "";
	size_t length = 0;

	ck_assert_int_eq(read_words_of(&runner, ran[_i].words), ran[_i].error);
	for (int i = 0; i < options.n; i++)
		length += (size_t)snprintf(arguments + length, sizeof(arguments) - length, "%s%s", i > 0 ? " " : "",
					   options.arguments[i]);
	ck_assert_str_eq(arguments, ran[_i].arguments);
	ck_assert_int_eq(config.flags, ran[_i].flags);
}
END_TEST

static const struct {
	const char *words, *said;
} wrong[] = {
	{"one --cuont 3", "there is no option --cuont; did you mean --count?"},
	{"one --coutn=3", "there is no option --coutn; did you mean --count?"},
	{"one --zzzzzz", "there is no option --zzzzzz\n"},
	{"one --co 3", "--co could be --count or --colour or --config"},
	{"one -x", "there is no option -x"},
	{"one -fx", "there is no option -x"},
	{"one --count", "--count needs an argument: N"},
	{"one -n", "--count needs an argument: N"},
	{"one --flag=3", "--flag takes no argument"},
	{"one -n 1 --count 2", "--count is given twice"},
	{"one --count 101", "--count 101: it must be from 1 to 100"},
	{"one --count 1x", "--count 1x: it is not a whole number"},
	{"one --name bad", "--name bad: it is bad"},
	{"-f", "ONE is missing"},
	{"one two three", "'three' is one argument too many"},
	{"one two three four", "'three' is one argument too many"},
	{"one --config /there/is/none", "/there/is/none: No such file"},
};

START_TEST(wrong_usage_is_explained)
{
	ck_assert_int_eq(read_words(wrong[_i].words), -EINVAL);
	ck_assert_int_eq(options_status(-EINVAL), 2);
	ck_assert_ptr_nonnull(strstr(text_of(err), wrong[_i].said));
	ck_assert_ptr_eq(strstr(text_of(err), "fairlead try: "), text_of(err));
	ck_assert_str_eq(text_of(out), "");
}
END_TEST

START_TEST(nothing_is_taken_of_wrong_words)
{
	ck_assert_int_eq(read_words("one -n 3 -f --nonsense"), -EINVAL);
	ck_assert_int_eq(config.flags + config.counts, 0);
}
END_TEST

START_TEST(a_file_is_read)
{
	write_file("# what is usual here\n\ncount = 9\nflag = yes\n  name = a\n  name = b ; not c\n");
	ck_assert_int_eq(read_words("one --config FILE"), 0);
	ck_assert_uint_eq(config.count, 9);
	ck_assert_int_eq(config.flags, 1);
	ck_assert_str_eq(config.names, "a,b,");
}
END_TEST

START_TEST(the_command_line_wins)
{
	write_file("count = 9\nname = file\nflag = no\n");
	ck_assert_int_eq(read_words("one --name words --config FILE --count 3"), 0);
	ck_assert_uint_eq(config.count, 3);
	ck_assert_int_eq(config.counts, 1);
	ck_assert_int_eq(config.flags, 0);
	ck_assert_str_eq(config.names, "file,words,");
}
END_TEST

static const struct {
	const char *text, *said;
} wrong_files[] = {
	{"count = 9\ncuont = 3\n", "line 2: there is no key cuont; did you mean count?"},
	{"\n\nzzzzzz = 3\n", "line 3: there is no key zzzzzz\n"},
	{"help = yes\n", "line 1: there is no key help\n"},
	{"config = x\n", "line 1: there is no key config\n"},
	{"count = 3\n\ncount = 4\n", "line 3: count is there twice"},
	{"flag = maybe\n", "line 1: flag = maybe: it is yes or no"},
	{"count = 1000\n", "line 1: count = 1000: it must be from 1 to 100"},
	{"name = a\nname = bad\n", "line 2: name = bad: it is bad"},
	{"name = a\njust words\n", "line 2: it is not of the form key = value"},
	{"[try]\ncount = 3\n", "line 2: count: there are no sections; [try] is one"},
	{"name = "
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 "line 1: it has over 198 bytes"},
};

START_TEST(a_wrong_file_is_explained)
{
	write_file(wrong_files[_i].text);
	ck_assert_int_eq(read_words("one --config FILE"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(text_of(err), wrong_files[_i].said));
	ck_assert_ptr_nonnull(strstr(text_of(err), file));
	ck_assert_ptr_eq(strchr(text_of(err), '\n'), strrchr(text_of(err), '\n'));
}
END_TEST

START_TEST(a_directory_is_no_file)
{
	ck_assert_int_eq(read_words("one --config /tmp"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(text_of(err), "/tmp"));
}
END_TEST

START_TEST(help_and_version_are_said)
{
	ck_assert_int_eq(read_words("--help"), -ECANCELED);
	ck_assert_int_eq(options_status(-ECANCELED), 0);
	ck_assert_ptr_nonnull(strstr(text_of(out), "Usage: fairlead try [OPTION...] ONE [TWO]\n"));
	ck_assert_str_eq(text_of(err), "");
	ck_assert_int_eq(read_words("one -n 3 --version"), -ECANCELED);
	ck_assert_ptr_eq(strstr(text_of(out), "fairlead 0."), text_of(out));
	ck_assert_int_eq(config.counts, 0);
}
END_TEST

/* The longest line of a text. */
static size_t columns(const char *text)
{
	size_t most = 0, length;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		most = length > most ? length : most;
	}
	return most;
}

static const char *help_in(size_t width)
{
	FILE *to = fopen(out, "w");

	ck_assert_ptr_nonnull(to);
	options_help(to, &command, "fairlead try", width);
	ck_assert_int_eq(fclose(to), 0);
	return text_of(out);
}

START_TEST(help_fits_into_its_columns)
{
	for (size_t width = 45; width <= 200; width++)
		ck_assert_uint_le(columns(help_in(width)), width);
}
END_TEST

START_TEST(help_has_groups_and_two_columns)
{
	const char *help = help_in(80);

	ck_assert_ptr_nonnull(strstr(help, "\n\nTry it.\n\nA word about it.\n\nFirst things:\n"));
	ck_assert_ptr_nonnull(strstr(help, "\nFirst things:\n  -n, --count N             end after"));
	ck_assert_ptr_nonnull(strstr(help, "\n                            "));
	ck_assert_ptr_nonnull(strstr(help, "\nSecond things:\n  -f, --flag                do it\n"));
	ck_assert_ptr_nonnull(
		strstr(help, "      --an-option-with-a-long-name SOMETHING\n                            is"));
	ck_assert_ptr_nonnull(strstr(help, "\nOthers:\n      --config FILE"));
}
END_TEST

START_TEST(the_list_has_all_that_the_table_has)
{
	FILE *to = fopen(out, "w");

	ck_assert_ptr_nonnull(to);
	options_list(to, &command);
	ck_assert_int_eq(fclose(to), 0);
	ck_assert_str_eq(text_of(out), "count\tn\tN\tonce\tFirst things\n"
				       "name\t-\tCHANNEL\tmany\tFirst things\n"
				       "flag\tf\t-\tflag\tSecond things\n"
				       "colour\t-\tred|green\tonce\tSecond things\n"
				       "an-option-with-a-long-name\t-\tSOMETHING\tonce\tSecond things\n"
				       "config\t-\tFILE\tonce\tOthers\n"
				       "help\th\t-\tflag\tOthers\n"
				       "version\t-\t-\tflag\tOthers\n");
}
END_TEST

static const struct {
	const char *a, *b;
	size_t distance;
	bool alike;
} words[] = {
	{"count", "count", 0, true},     {"cuont", "count", 1, true},     {"coun", "count", 1, true},
	{"counts", "count", 1, true},    {"xount", "count", 1, true},     {"", "count", 5, false},
	{"count", "", 5, false},         {"json", "for", 3, false},       {"completion", "complete", 3, true},
	{"kitten", "sitting", 3, false}, {"comp", "completion", 6, true}, {"x", "y", 1, false},
};

START_TEST(distances_are_as_they_are)
{
	ck_assert_uint_eq(options_distance(words[_i].a, words[_i].b), words[_i].distance);
	ck_assert(options_alike(words[_i].a, words[_i].b) == words[_i].alike);
}
END_TEST

START_TEST(commands_are_found_by_their_names)
{
	ck_assert_ptr_eq(command_find(command_all, "frames"), &command_all[1]);
	ck_assert_ptr_null(command_find(command_all, "frame"));
	ck_assert_ptr_null(command_find(NULL, "frame"));
	ck_assert_str_eq(command_nearest(command_all, "frame"), "frames");
	ck_assert_str_eq(command_nearest(command_all, "complete"), "completion");
	ck_assert_ptr_null(command_nearest(command_all, "nothing-like-it"));
}
END_TEST

static const struct {
	const char *text;
	fl_time duration;
} durations[] = {
	{"1", FL_SECONDS(1)},
	{"1.5s", FL_MS(1500)},
	{".5", FL_MS(500)},
	{"250ms", FL_MS(250)},
	{"20us", 20000},
	{"2m", FL_SECONDS(120)},
	{"1min", FL_SECONDS(60)},
	{"1h", FL_SECONDS(3600)},
	{"", 0},
	{"s", 0},
	{"-1", 0},
	{"1 s", 0},
	{"1x", 0},
	{"0", 0},
	{"0ms", 0},
	{"0x10", 0},
	{"nan", 0},
	{"inf", 0},
	{"1.2.3", 0},
	{"1e3", 0},
	{"99999999999999h", 0},
	{"1sx", 0},
	{" 1", 0},
	{"+1", 0},
};

START_TEST(durations_are_read)
{
	char why[OPTIONS_WHY] = "";
	fl_time duration = 0;
	int error = values_duration(durations[_i].text, &duration, why, sizeof(why));

	ck_assert_int_eq(error, durations[_i].duration != 0 ? 0 : -EINVAL);
	ck_assert_int_eq(duration, durations[_i].duration);
	ck_assert_int_eq(why[0] == 0, error == 0);
}
END_TEST

START_TEST(numbers_and_names_are_checked)
{
	static const char *const bad_numbers[] = {"", "-1", " 1", "1 ", "0x1", "18446744073709551616", "4294967296"};
	static const char *const bad_names[] = {"", ".hidden", "a/b", "a b", "\xc3\xa4"};
	char why[OPTIONS_WHY], longest[65];
	uint64_t count = 7;

	for (size_t i = 0; i < sizeof(bad_numbers) / sizeof(bad_numbers[0]); i++)
		ck_assert_int_eq(values_count(bad_numbers[i], 0, UINT32_MAX, &count, why, sizeof(why)), -EINVAL);
	ck_assert_uint_eq(count, 7);
	ck_assert_int_eq(values_count("4294967295", 0, UINT32_MAX, &count, why, sizeof(why)), 0);
	ck_assert_uint_eq(count, UINT32_MAX);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		ck_assert_int_eq(values_channel(bad_names[i], why, sizeof(why)), -EINVAL);
	memset(longest, 'a', 64);
	longest[64] = 0;
	ck_assert_int_eq(values_channel(longest, why, sizeof(why)), -EINVAL);
	ck_assert_int_eq(values_channel(longest + 1, why, sizeof(why)), 0);
	ck_assert_int_eq(values_channel("cam-0.left_eye", why, sizeof(why)), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tests = testing_case_between(suite, "words", set_up, tear_down);

	tcase_add_test(tests, words_are_taken);
	tcase_add_test(tests, after_two_dashes_there_are_arguments);
	tcase_add_loop_test(tests, options_end_at_a_program, 0, COUNT(ran));
	tcase_add_loop_test(tests, wrong_usage_is_explained, 0, COUNT(wrong));
	tcase_add_test(tests, nothing_is_taken_of_wrong_words);
	tests = testing_case_between(suite, "file", set_up, tear_down);
	tcase_add_test(tests, a_file_is_read);
	tcase_add_test(tests, the_command_line_wins);
	tcase_add_loop_test(tests, a_wrong_file_is_explained, 0, COUNT(wrong_files));
	tcase_add_test(tests, a_directory_is_no_file);
	tests = testing_case_between(suite, "help", set_up, tear_down);
	tcase_add_test(tests, help_and_version_are_said);
	tcase_add_test(tests, help_fits_into_its_columns);
	tcase_add_test(tests, help_has_groups_and_two_columns);
	tcase_add_test(tests, the_list_has_all_that_the_table_has);
	tests = testing_case(suite, "words and values");
	tcase_add_loop_test(tests, distances_are_as_they_are, 0, COUNT(words));
	tcase_add_test(tests, commands_are_found_by_their_names);
	tcase_add_loop_test(tests, durations_are_read, 0, COUNT(durations));
	tcase_add_test(tests, numbers_and_names_are_checked);
	return testing_run(suite);
}
