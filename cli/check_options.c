/*
 * cli/check_options.c - options that `fairlead check` and `fairlead replay` have in common.
 */
#include "check_wish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One of several words, in the order of an enum; NULL ends them. */
int check_take_word(const char *value, const char *const *words, uint32_t *ret_word, char *why, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0) {
			*ret_word = i;
			return 0;
		}
	n = (size_t)snprintf(why, size, "it is ");
	for (uint32_t i = 0; words[i] && n < size; i++)
		n += (size_t)snprintf(why + n, size - n, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return -EINVAL;
}

int check_take_engine(void *arg, const char *value, char *why, size_t size)
{
	static const char *const words[] = {"auto", "snapshot", "process", "kernel", NULL};
	struct check_common *common = arg;

	return check_take_word(value, words, &common->wish.asked.engine, why, size);
}

int check_take_show_output(void *arg, const char *value, char *why, size_t size)
{
	struct check_common *common = arg;

	(void)value, (void)why, (void)size;
	common->wish.show_output = true;
	return 0;
}

int check_take_json(void *arg, const char *value, char *why, size_t size)
{
	struct check_common *common = arg;

	(void)value, (void)why, (void)size;
	common->forms.json = true;
	return 0;
}

int check_take_html(void *arg, const char *value, char *why, size_t size)
{
	struct check_common *common = arg;

	(void)why, (void)size;
	common->forms.html = value;
	return 0;
}

int check_take_sarif(void *arg, const char *value, char *why, size_t size)
{
	struct check_common *common = arg;

	(void)why, (void)size;
	common->forms.sarif = value;
	return 0;
}
