/*
 * cli/cc.c - `fairlead cc` and `fairlead c++`: the compiler, with what 'fairlead check' needs of a program.
 *
 * That is -fsanitize=thread, by which the compiler announces each access to memory, debugging information, and a
 * sanitizer's runtime that is loaded and not linked in: the checker's takes its place when the program is checked, and
 * otherwise the program runs with the compiler's own. gcc does so by itself. clang has to be told, and where its
 * runtime lies goes into the program, since that is not where the loader looks. What gcc makes of memset and its like
 * where they stand, it does not announce; so it is told to call them, which is seen.
 *
 * Everything else is the caller's, and stands behind, so that it wins. The compiler is $CC or $CXX, else gcc or g++.
 */
#define _GNU_SOURCE
#include "check.h"
#include "command.h"
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLAGS_MAX 12

const char cc_about[] =
	"All words are the compiler's: $CC or $CXX, or else gcc or g++. -g and -fsanitize=thread are put in front; "
	"with gcc, too, what makes it call memset and its like, with clang what makes it load the sanitizer's runtime. "
	"The program runs by itself, too.";

struct words {
	char **at;
	size_t n;
};

static void add(struct words *words, const char *word)
{
	words->at[words->n++] = (char *)(uintptr_t)word;
}

/* Whether a program of that name, where it is found, is clang under whatever name. */
static bool is_clang(const char *name)
{
	const char *slash = strrchr(name, '/');
	char file[PATH_MAX], real[PATH_MAX];

	if (*name == '-')
		return false;
	if (strstr(slash ? slash : name, "clang"))
		return true;
	return program_find(name, file, sizeof(file)) && realpath(file, real) && strstr(strrchr(real, '/'), "clang");
}

/* One of the words is the compiler; in front of it may be another program that runs it (ccache, env). */
static bool any_is_clang(const struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (is_clang(words->at[i]))
			return true;
	return false;
}

/* Whether it is made into a program, or a library, as far as the words say. */
static bool links(char **words)
{
	static const char *const others[] = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", "--version"};

	/* by itself it asks which compiler this is, beside others what that does */
	if (*words && strcmp(*words, "-v") == 0 && !words[1])
		return false;
	for (; *words; words++)
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if (strcmp(*words, others[i]) == 0)
				return false;
	return true;
}

/* The folder of clang's runtime, as an option for the linker; NULL if it says none. To be kept. */
static char *path_of_runtime(const char *compiler)
{
	char *question, *folder = NULL, *option = NULL;
	size_t size = 0;
	FILE *from;

	if (asprintf(&question, "%s -print-file-name=libclang_rt.tsan-x86_64.so", compiler) < 0)
		return NULL;
	from = popen(question, "re");
	free(question);
	if (!from)
		return NULL;
	if (getline(&folder, &size, from) > 0 && *folder == '/' &&
	    asprintf(&option, "-Wl,--enable-new-dtags,-rpath,%.*s", (int)(strrchr(folder, '/') - folder), folder) < 0)
		option = NULL;
	pclose(from);
	free(folder);
	return option;
}

static void add_flags(struct words *words, const char *compiler, char **given)
{
	static const char *const calls[] = {"-fno-builtin-memcmp", "-fno-builtin-memcpy", "-fno-builtin-memmove",
					    "-fno-builtin-memset", "-fno-builtin-strcmp", "-fno-builtin-strcpy",
					    "-fno-builtin-strlen"};
	bool clang = any_is_clang(words);
	char *runtime;

	add(words, "-g");
	add(words, "-fsanitize=thread");
	if (!clang) {
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
			add(words, calls[i]);
		return;
	}
	/* a read in front of a write of the same is announced, too: it shows where an update is lost */
	add(words, "-mllvm");
	add(words, "-tsan-instrument-read-before-write=1");
	add(words, "-Wno-unused-command-line-argument"); /* where nothing is compiled, or only assembled */
	if (!links(given))
		return;
	add(words, "-shared-libsan");
	runtime = path_of_runtime(compiler);
	if (runtime)
		add(words, runtime);
}

/* Becomes the compiler; returns an errno if it cannot. `copy` is its name and words, to be taken apart. It may be this
 * command itself, for make CC='fairlead cc' puts that into the environment: then it is its turn once, and not for ever.
 */
static int become(struct words *words, const char *variable, const char *compiler, char *copy, int argc, char **argv)
{
	char *rest = NULL;

	if (!words->at || !copy)
		return ENOMEM;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		add(words, word);
	if (words->n == 0)
		return ENOENT;
	add_flags(words, compiler, argv + 1);
	for (int i = 1; i < argc; i++)
		add(words, argv[i]);
	unsetenv(variable);
	execvp(words->at[0], words->at);
	return errno;
}

static int compile(const char *variable, const char *usual, const char *name, int argc, char **argv)
{
	const char *compiler = getenv(variable);
	struct words words = {NULL, 0};
	char *copy;
	int error;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		options_help(stdout, command_find(command_all, name), argv[0], options_width(stdout));
		return COMMAND_OK;
	}
	if (!compiler || !*compiler)
		compiler = usual;
	words.at = calloc((size_t)argc + strlen(compiler) / 2 + 1 + FLAGS_MAX, sizeof(char *));
	copy = strdup(compiler);
	error = become(&words, variable, compiler, copy, argc, argv);
	fprintf(stderr, "%s: %s: %s\n", argv[0], compiler, strerror(error));
	free(copy);
	free(words.at);
	return COMMAND_USAGE;
}

int cc_command(int argc, char **argv)
{
	return compile("CC", "gcc", "cc", argc, argv);
}

int cxx_command(int argc, char **argv)
{
	return compile("CXX", "g++", "c++", argc, argv);
}
