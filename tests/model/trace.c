/*
 * trace.c - the interleaving, for people: what each thread did, where, to what.
 *
 *     a  lock.c:214 mark               cas      &lock->fl_word          [lock+0]  0x100001 -> 0x80100001
 *
 * Memory is called what the scenario calls it; a place on a stack is named by whose it is and how far it is
 * from the stack's beginning.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *begin;
	size_t size;
	const char *name;
} names[16];
static unsigned n_names;

/* The last part of its path. */
const char *model_file_of(const struct model_site *site)
{
	const char *file = site->file, *each;
	unsigned slashes = 0;

	for (each = file; *each; each++)
		slashes += *each == '/';
	for (; slashes > 0; slashes--)
		file = strchr(file, '/') + 1;
	return file;
}

void model_names_forget(void)
{
	n_names = 0;
}

void model_name_as(const void *address, size_t size, const char *name)
{
	if (n_names == sizeof(names) / sizeof(names[0]))
		return;
	names[n_names].begin = address;
	names[n_names].size = size;
	names[n_names++].name = name;
}

const char *model_describe(const volatile void *address)
{
	static char texts[4][80];
	static unsigned next;
	char *text = texts[next++ % 4];
	const char *byte = (const char *)(uintptr_t)address;
	int on = model_on_stack(address);
	unsigned i;

	for (i = 0; i < n_names; i++)
		if (byte >= names[i].begin && byte < names[i].begin + names[i].size) {
			snprintf(text, 80, byte == names[i].begin ? "%s" : "%s+%u", names[i].name,
				 (unsigned)(byte - names[i].begin));
			return text;
		}
	if (on >= 0)
		snprintf(text, 80, "%c's stack-%u", 'a' + on, (unsigned)(model_stack_end((unsigned)on) - byte));
	else if (byte >= model_arena && byte < model_arena + 65536)
		snprintf(text, 80, "objects+%u", (unsigned)(byte - model_arena));
	else
		snprintf(text, 80, "static %p", (const void *)byte);
	return text;
}

static void print_line(const struct model_site *site, const volatile void *address, const char *value)
{
	char place[80] = "";

	if (site)
		model_find_line(site);
	if (site)
		snprintf(place, sizeof(place), "%s:%u %s", model_file_of(site), site->line, site->function);
	printf("#  %c  %-34s %-9s %-28s %-20s %s\n", 'a' + model_running, place, site ? site->operation : "",
	       site ? site->what : "", address ? model_describe(address) : "", value);
}

void model_trace(const struct model_site *site, const volatile void *address, const char *format, ...)
{
	char value[200];
	va_list arguments;

	if (!model_tracing || model_running < 0)
		return;
	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	print_line(site, address, value);
}

/* Plain accesses to what threads share. */
void model_trace_plain(const volatile void *address, const struct model_site *site)
{
	const struct model_word *word = model_word_of(address);

	if (word && word->piece[(uintptr_t)address % 8] >= 0 && word->begins)
		print_line(site, address, "");
}

void model_describe_threads(char *ret_text, size_t size)
{
	static const char *const status[] = {[MODEL_ABOUT] = "is about to",
					     [MODEL_AWAITS] = "awaits",
					     [MODEL_SLEEPS] = "sleeps on",
					     [MODEL_RETURNED] = "has returned"};
	size_t used = 0;
	unsigned i;

	ret_text[0] = '\0';
	for (i = 0; i < model_n_threads && used + 1 < size; i++) {
		const struct model_thread *thread = &model_now.threads[i];
		bool sleeps = thread->status == MODEL_SLEEPS;

		used += (size_t)snprintf(ret_text + used, size - used, "%s%c %s%s%s", i > 0 ? ", " : "", 'a' + (int)i,
					 status[thread->status], sleeps ? " " : "",
					 sleeps ? model_describe(thread->address) : "");
	}
}

/* Code. */

/* Places in the code where plain accesses are made; their lines are looked up only when they are printed. */
static struct code {
	struct model_site site; /* first: a site is found to be one of these by its address */
	const void *pc;
	bool looked_up;
	char function[80], file[200];
} codes[512];
static unsigned n_codes;

/* Asks addr2line, if there is one, for "function\nfile:line". */
static bool ask_for_line(struct code *code, const Dl_info *info)
{
	char command[300], *colon;
	FILE *answer;
	bool said;

	snprintf(command, sizeof(command), "addr2line -sfe '%s' %#lx 2>/dev/null", info->dli_fname,
		 (unsigned long)((const char *)code->pc - 1 - (const char *)info->dli_fbase));
	answer = popen(command, "r"); /* NOLINT(cert-env33-c): only for the report of a failure */
	if (!answer)
		return false;
	said = fgets(code->function, sizeof(code->function), answer) && fgets(code->file, sizeof(code->file), answer);
	pclose(answer);
	colon = said ? strchr(code->file, ':') : NULL;
	if (!colon || code->file[0] == '?')
		return false;
	code->function[strcspn(code->function, "\n")] = '\0';
	code->site.line = (uint32_t)strtoul(colon + 1, NULL, 10);
	*colon = '\0';
	return true;
}

void model_find_line(const struct model_site *site)
{
	Dl_info info;
	unsigned i;

	for (i = 0; i < n_codes; i++) {
		struct code *code = &codes[i];

		if (&code->site != site || code->looked_up)
			continue;
		code->looked_up = true;
		if (!dladdr(code->pc, &info) || !ask_for_line(code, &info)) {
			snprintf(code->file, sizeof(code->file), "code %p", code->pc);
			snprintf(code->function, sizeof(code->function), "%s", "");
		}
		code->site.file = code->file;
		code->site.function = code->function;
	}
}

const struct model_site *model_site_of_code(const void *pc, bool writes)
{
	struct code *code;
	unsigned i;

	for (i = 0; i < n_codes; i++)
		if (codes[i].pc == pc && (codes[i].site.operation[0] == 'w') == writes)
			return &codes[i].site;
	if (n_codes == sizeof(codes) / sizeof(codes[0]))
		n_codes = 0;
	code = &codes[n_codes++];
	*code = (struct code){.pc = pc};
	code->site =
		(struct model_site){.file = "", .function = "", .operation = writes ? "writes" : "reads", .what = ""};
	return &code->site;
}
