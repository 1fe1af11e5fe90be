/*
 * cli/check_progress.c - see check_run.h. The line appears on a terminal only, after the first quarter of a second, so
 * that what is found at once is not announced.
 */
#include "check_run.h"

#include <unistd.h>

#define FIRST_S 0.25

static bool shown;

static bool any_failed(const struct check_found *found)
{
	for (unsigned i = 0; i < found->n_jobs; i++)
		if (found->jobs[i].memory->to_failure != 0)
			return true;
	return false;
}

void check_progress(const struct check_found *found, const struct check_wish *wish)
{
	char line[200], limit[60] = "";

	if (!isatty(STDERR_FILENO) || found->seconds < FIRST_S)
		return;
	if (wish->asked.time != 0)
		snprintf(limit, sizeof(limit), " of %.4g s", (double)wish->asked.time / 1e9);
	else
		snprintf(limit, sizeof(limit), " s");
	snprintf(line, sizeof(line), "%llu schedules, %.0f a second, %.1f%s%s", (unsigned long long)found->runs,
		 (double)found->runs / found->seconds, found->seconds, limit,
		 any_failed(found)    ? ": a failure; shortening it"
		 : found->interrupted ? ": stopping"
				      : "");
	fprintf(stderr, "\r%-*.*s\r", (int)options_width(stderr) - 1, (int)options_width(stderr) - 1, line);
	fflush(stderr);
	shown = true;
}

void check_progress_end(void)
{
	if (shown)
		fprintf(stderr, "\r%*s\r", (int)options_width(stderr) - 1, "");
	shown = false;
}
