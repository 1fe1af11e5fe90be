/*
 * cli/watch_text.c - what was found, as text.
 *
 * Of a stack the places in the program are shown, at most MOST_FRAMES: what lies in headers of the system (a
 * std::mutex's lock()) and in the C and C++ libraries (where threads begin) is left out, unless there is nothing else.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MOST_FRAMES 4
#define LINE 400

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Places. */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_inside(const json_t *place)
{
	static const char *const libraries[] = {"libfairlead-watch.so", "libc.so", "libstdc++.so", "libpthread.so",
						"ld-linux"};
	const char *file = text_of(place, "file"), *module = last_part(text_of(place, "module"));

	if (strcmp(text_of(place, "function"), "_start") == 0)
		return true;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strncmp(module, libraries[i], strlen(libraries[i])) == 0)
			return true;
	return strncmp(file, "/usr/include/", strlen("/usr/include/")) == 0 || strstr(file, "/include/c++/") ||
	       strstr(file, "/sysdeps/");
}

/* A file as somebody says it who is in this directory. */
static const char *relative(const char *file)
{
	char directory[PATH_MAX];
	size_t length;

	if (!getcwd(directory, sizeof(directory)))
		return file;
	length = strlen(directory);
	return strncmp(file, directory, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

static void format_place(const json_t *place, char *text, size_t size)
{
	const char *function = text_of(place, "function"), *file = text_of(place, "file");

	if (*file)
		snprintf(text, size, "%s%s (%s:%lld)", *function ? function : "?", strchr(function, '(') ? "" : "()",
			 relative(file), number_of(place, "line"));
	else
		snprintf(text, size, "%s%s in %s", *function ? function : "?",
			 strncmp(function, "0x", 2) == 0 || strchr(function, '(') ? "" : "()",
			 last_part(text_of(place, "module")));
}

/* The first of the program's own places from `*i` on, which is then behind it; NULL if there is none. */
static const json_t *next_place(const json_t *stack, size_t *i)
{
	const json_t *place;

	while ((place = json_array_get(stack, (*i)++)))
		if (!is_inside(place))
			return place;
	return NULL;
}

/* Where somebody called, on a line: the place, and where that was called from if there is room for that. */
static void format_site(const json_t *stack, int n, char *text, size_t size)
{
	size_t i = 0, length;
	const json_t *place = next_place(stack, &i);

	format_place(place ? place : json_array_get(stack, 0), text, size);
	while (--n > 0 && (place = next_place(stack, &i))) {
		length = strlen(text);
		snprintf(text + length, size - length, " from ");
		length += strlen(text + length);
		format_place(place, text + length, size - length);
	}
}

static void print_stack(FILE *to, const char *words, const json_t *stack, const char *indent)
{
	const json_t *place;
	char text[LINE];
	size_t i = 0;

	format_site(stack, 1, text, sizeof(text));
	fprintf(to, "%s%s %s\n", indent, words, text);
	if (!next_place(stack, &i))
		return;
	for (int n = 1; n < MOST_FRAMES && (place = next_place(stack, &i)); n++) {
		format_place(place, text, sizeof(text));
		fprintf(to, "%s  called from %s\n", indent, text);
	}
}

/* Names. */

static void format_lock(const json_t *lock, char *text, size_t size)
{
	const char *name = text_of(lock, "name");

	if (*name)
		snprintf(text, size, "%s '%s'", text_of(lock, "kind"), name);
	else
		snprintf(text, size, "%s %s", text_of(lock, "kind"), text_of(lock, "address"));
}

static void format_thread(const json_t *thread, char *text, size_t size)
{
	const char *function = text_of(thread, "function");

	snprintf(text, size, "thread %lld '%s'%s%s%s (%lld)", number_of(thread, "number"), text_of(thread, "name"),
		 *function ? ", " : "", function, *function && !strchr(function, '(') ? "()" : "",
		 number_of(thread, "tid"));
}

/* " to read" or " to write", of an rwlock. */
static const char *side_of(const json_t *use)
{
	const char *side = text_of(use, "side");

	return *side ? (strcmp(side, "read") == 0 ? " to read" : " to write") : "";
}

static void print_use(FILE *to, const char *words, const json_t *use, const char *where)
{
	char lock[LINE];

	format_lock(json_object_get(use, "lock"), lock, sizeof(lock));
	fprintf(to, "    %s %s%s\n", words, lock, side_of(use));
	print_stack(to, where, json_object_get(use, "stack"), "      ");
}

static void print_birth(FILE *to, const json_t *use)
{
	const json_t *lock = json_object_get(use, "lock"), *initialised = json_object_get(lock, "initialised");
	char name[LINE], site[LINE];

	if (*text_of(lock, "name"))
		return;
	format_lock(lock, name, sizeof(name));
	format_site(initialised ? initialised : json_object_get(lock, "first_used"), 2, site, sizeof(site));
	fprintf(to, "  %s was %s by %s\n", name, initialised ? "initialised" : "first used", site);
}

static void print_head(FILE *to, const json_t *finding, const char *words)
{
	const json_t *process = json_object_get(finding, "process");

	fprintf(to, "fairlead watch: %s\n  in %s, process %lld\n", words, text_of(process, "program"),
		number_of(process, "pid"));
}

/* Potential deadlocks. */

/* How it can happen: a column for each thread. */
static void print_scenario(FILE *to, const json_t *threads)
{
	char text[LINE], lock[LINE];
	size_t i, n = json_array_size(threads);
	const json_t *thread;

	fprintf(to, "  how it can happen:\n    ");
	for (i = 0; (thread = json_array_get(threads, i)) != NULL; i++) {
		snprintf(text, sizeof(text), "thread %lld", number_of(json_object_get(thread, "thread"), "number"));
		fprintf(to, i + 1 < n ? "%-30s" : "%s\n", text);
	}
	for (size_t row = 0; n > 0 && row < 2 * n; row++) {
		const char *key = row < n ? "holds" : "wants";
		const json_t *use = json_object_get(json_array_get(threads, row % n), key);

		format_lock(json_object_get(use, "lock"), lock, sizeof(lock));
		fprintf(to, "    %*s%s %s%s\n", (int)(row % n) * 30, "", row < n ? "acquires" : "waits for", lock,
			side_of(use));
	}
}

static void print_potential(FILE *to, const json_t *finding)
{
	const json_t *threads = json_object_get(finding, "threads"), *thread, *use;
	char words[LINE], name[LINE];
	size_t i, j;

	snprintf(words, sizeof(words), "potential deadlock: %zu locks are acquired in %s", json_array_size(threads),
		 json_array_size(threads) == 2 ? "both orders" : "a circle");
	print_head(to, finding, words);
	for (i = 0; (thread = json_array_get(threads, i)) != NULL; i++) {
		format_thread(json_object_get(thread, "thread"), name, sizeof(name));
		fprintf(to, "\n  %s\n", name);
		print_use(to, "held", json_object_get(thread, "holds"), "acquired in");
		for (j = 0; (use = json_array_get(json_object_get(thread, "holds_too"), j)) != NULL; j++)
			print_use(to, "and held", use, "acquired in");
		print_use(to, "and acquired", json_object_get(thread, "wants"), "in");
	}
	fputc('\n', to);
	for (i = 0; (thread = json_array_get(threads, i)) != NULL; i++)
		print_birth(to, json_object_get(thread, "holds"));
	print_scenario(to, threads);
	fprintf(to, "  It needs these threads to do this at the same time.\n\n");
}

/* Deadlocks. */

static void print_deadlock(FILE *to, const json_t *finding)
{
	const json_t *threads = json_object_get(finding, "threads"), *thread, *use;
	char words[2 * LINE], name[LINE];
	size_t i, n = json_array_size(threads);

	snprintf(words, sizeof(words), "deadlock: %zu thread%s for ever", n,
		 n == 1 ? " waits for itself," : "s wait for each other,");
	print_head(to, finding, words);
	for (i = 0; (thread = json_array_get(threads, i)) != NULL; i++) {
		format_thread(json_object_get(thread, "thread"), name, sizeof(name));
		fprintf(to, "\n  %s\n", name);
		format_thread(json_object_get(thread, "for"), name, sizeof(name));
		use = json_object_get(thread, "wants");
		if (!use) {
			fprintf(to, "    waits for the end of %s\n", name);
			print_stack(to, "in", json_object_get(thread, "stack"), "      ");
			continue;
		}
		print_use(to, "waits for", use, "in");
		use = json_object_get(thread, "held");
		if (!use) {
			fprintf(to, "    behind %s, which waits to write\n", name);
			continue;
		}
		snprintf(words, sizeof(words), "which %s holds%s, acquired in", name, side_of(use));
		print_stack(to, words, json_object_get(use, "stack"), "      ");
	}
	fputc('\n', to);
}

void watch_print_finding(FILE *to, const json_t *finding)
{
	if (strcmp(text_of(finding, "finding"), "deadlock") == 0)
		print_deadlock(to, finding);
	else
		print_potential(to, finding);
	fflush(to);
}

/* The table. */

/* A duration with three digits that matter. */
static void format_duration(double seconds, char *text, size_t size)
{
	static const struct {
		double factor;
		const char *unit;
	} units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}, {1e9, "ns"}};
	size_t i = 0;

	while (i < 3 && seconds * units[i].factor < 1)
		i++;
	if (seconds <= 0)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%.3g %s", seconds * units[i].factor, units[i].unit);
}

static void print_duration(FILE *to, const json_t *row, const char *what, const char *which)
{
	char text[40];

	format_duration(json_number_value(json_object_get(json_object_get(row, what), which)), text, sizeof(text));
	fprintf(to, " %9s", text);
}

static void print_figures(FILE *to, const json_t *row)
{
	fprintf(to, "%12lld %10lld", number_of(row, "acquired"), number_of(row, "contended"));
	print_duration(to, row, "waited", "total");
	print_duration(to, row, "waited", "max");
	print_duration(to, row, "held", "mean");
	print_duration(to, row, "held", "max");
}

static void print_row(FILE *to, const json_t *row)
{
	const json_t *lock = json_object_get(row, "lock"), *initialised = json_object_get(lock, "initialised"), *place;
	char text[LINE];
	size_t i;

	print_figures(to, row);
	if (*text_of(lock, "name")) {
		format_lock(lock, text, sizeof(text));
		fprintf(to, "  %s\n", text);
	} else {
		format_site(initialised ? initialised : json_object_get(lock, "first_used"), 2, text, sizeof(text));
		fprintf(to, "  %lld %s%s %s by %s\n", number_of(row, "locks"), text_of(lock, "kind"),
			number_of(row, "locks") == 1 ? "" : "s", initialised ? "initialised" : "first used", text);
	}
	for (i = 0; (place = json_array_get(json_object_get(row, "places"), i)) != NULL; i++) {
		print_figures(to, place);
		format_site(json_object_get(place, "stack"), 2, text, sizeof(text));
		fprintf(to, "    in %s\n", text);
	}
}

void watch_print_table(FILE *to, const json_t *table)
{
	const json_t *process = json_object_get(table, "process"), *row;
	size_t i;

	fprintf(to, "fairlead watch: locks of %s, process %lld\n", text_of(process, "program"),
		number_of(process, "pid"));
	fprintf(to, "%12s %10s %9s %9s %9s %9s\n", "acquired", "contended", "waited", "longest", "held", "longest");
	for (i = 0; (row = json_array_get(json_object_get(table, "locks"), i)) != NULL; i++)
		print_row(to, row);
	if (number_of(table, "left_out") > 0)
		fprintf(to, "%lld of %lld rows are left out; see --limit and --at-least\n",
			number_of(table, "left_out"), number_of(table, "rows"));
	if (number_of(table, "missed") > 0)
		fprintf(to, "%lld times there was no room left to note what was done, which is not in this\n",
			number_of(table, "missed"));
	fputc('\n', to);
	fflush(to);
}
