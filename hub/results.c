/*
 * hub/results.c - see results.h.
 */
#include "results.h"

#include <errno.h>
#include <fairlead/guard.h>
#include <stdio.h>
#include <string.h>

static bool is_key(const char *key)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strspn(key, letters);

	return length > 0 && length < sizeof(((struct result *)NULL)->key) && key[length] == '\0';
}

/* The place of a key in a list; NULL: it is full. */
static struct result *place(struct result *list, unsigned *n, const char *key)
{
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	if (*n == RESULTS)
		return NULL;
	snprintf(list[*n].key, sizeof(list[*n].key), "%s", key);
	return &list[(*n)++];
}

int results_put(struct results *results, const char *key, const char *format, va_list list)
{
	struct result *result = is_key(key) ? place(results->next, &results->n_next, key) : NULL;

	if (!result)
		return is_key(key) ? -ENOSPC : -EINVAL;
	vsnprintf(result->value, sizeof(result->value), format, list);
	return 0;
}

void results_show(struct results *results)
{
	fl_with (&results->lock) {
		memcpy(results->shown, results->next, sizeof(results->shown));
		results->n = results->n_next;
	}
	results->n_next = 0;
}

void results_forget(struct results *results)
{
	results->n_next = 0;
}

static int set(struct result *list, unsigned *n, const char *key, const char *value)
{
	struct result *result = place(list, n, key);

	if (!result)
		return -ENOSPC;
	snprintf(result->value, sizeof(result->value), "%s", value);
	return 0;
}

int results_set(struct results *results, const char *key, const char *value)
{
	int error = 0;

	if (!is_key(key))
		return -EINVAL;
	fl_with (&results->lock)
		error = set(results->shown, &results->n, key, value);
	if (error == 0)
		error = set(results->next, &results->n_next, key, value);
	return error;
}

unsigned results_get(struct results *results, struct result ret_results[RESULTS])
{
	unsigned n = 0;

	fl_with (&results->lock) {
		n = results->n;
		memcpy(ret_results, results->shown, n * sizeof(*ret_results));
	}
	return n;
}
