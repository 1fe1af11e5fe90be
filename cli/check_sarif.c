/*
 * cli/check_sarif.c - the report of `fairlead check` in SARIF 2.1.0, which editors and forges show beside the code.
 *
 * One run of one tool, with a result if something was found. Its location is where it failed; its code flow is the
 * interleaving, one thread flow a thread, each step with its number in the whole (executionOrder); the accesses of a
 * race and the places where threads wait are related locations. A rule is a verdict.
 */
#include "check_html.h"

#include <string.h>

static const struct rule {
	const char *id, *text;
} rules[] = {
	{"assertion", "An assertion fails under some schedule of the threads"},
	{"abort", "The program aborts under some schedule of the threads"},
	{"crash", "The program crashes under some schedule of the threads"},
	{"deadlock", "Threads wait for each other, or for what nobody will do"},
	{"livelock", "Threads run for ever and get nowhere"},
	{"hang", "A thread runs without reaching a scheduling point"},
	{"race", "Two threads access memory without anything that orders them"},
	{"use-after-free", "Memory is used after it was freed"},
	{"double-free", "Memory is freed twice"},
	{"misuse", "A call that its documentation forbids"},
	{"exit", "The exit code depends on the schedule"},
	{"output", "The output depends on the schedule"},
};

/* The innermost frame with a line, or NULL. */
static const json_t *best_frame(const json_t *stack)
{
	size_t i;
	json_t *frame;

	for (i = 0; (frame = json_array_get(stack, i)) != NULL; i++) {
		if (json_is_string(json_object_get(frame, "file")))
			return frame;
	}
	return NULL;
}

/* A location with a text; of the text alone if the place is not known. */
static json_t *location_of(const json_t *stack, const char *text)
{
	const json_t *frame = best_frame(stack);
	json_t *location = json_pack("{s:{s:s}}", "message", "text", text);
	const char *file = json_string_value(json_object_get(frame, "file"));
	json_int_t line = json_integer_value(json_object_get(frame, "line"));
	json_t *region;

	if (file == NULL)
		return location;
	region = json_pack("{s:I}", "startLine", line > 0 ? line : 1);
	if (json_is_string(json_object_get(frame, "source")))
		json_object_set_new(region, "snippet", json_pack("{s:O}", "text", json_object_get(frame, "source")));
	json_object_set_new(location, "physicalLocation",
			    json_pack("{s:{s:s}, s:o}", "artifactLocation", "uri", file, "region", region));
	return location;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_t *event_location(const json_t *event)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %s", text_at(event, "op"), text_at(event, "object"));
	return json_pack("{s:o, s:O}", "location", location_of(json_object_get(event, "stack"), text), "executionOrder",
			 json_object_get(event, "n"));
}

static json_t *flow_of_thread(const json_t *events, const json_t *id)
{
	json_t *locations = json_array();
	char name[32];
	size_t i;
	json_t *event;

	for (i = 0; (event = json_array_get(events, i)) != NULL; i++) {
		if (json_equal(json_object_get(event, "thread"), id))
			json_array_append_new(locations, event_location(event));
	}
	if (json_array_size(locations) == 0) {
		json_decref(locations);
		return NULL;
	}
	snprintf(name, sizeof(name), "T%lld", (long long)json_integer_value(id));
	return json_pack("{s:s, s:o}", "id", name, "locations", locations);
}

static json_t *flows(const json_t *report)
{
	json_t *all = json_array();
	size_t i;
	json_t *thread;

	for (i = 0; (thread = json_array_get(json_object_get(report, "threads"), i)) != NULL; i++) {
		json_t *flow = flow_of_thread(json_object_get(report, "events"), json_object_get(thread, "id"));

		if (flow != NULL)
			json_array_append_new(all, flow);
	}
	return json_pack("[{s:o}]", "threadFlows", all);
}

/* Where the memory was allocated and freed. */
static void add_block(json_t *all, const json_t *block)
{
	char text[200];

	if (!json_is_object(block))
		return;
	snprintf(text, sizeof(text), "%lld bytes allocated by T%lld",
		 (long long)json_integer_value(json_object_get(block, "size")),
		 (long long)json_integer_value(json_object_get(block, "thread")));
	json_array_append_new(all, location_of(json_object_get(block, "stack"), text));
	if (!json_is_integer(json_object_get(block, "freed_by")))
		return;
	snprintf(text, sizeof(text), "freed by T%lld",
		 (long long)json_integer_value(json_object_get(block, "freed_by")));
	json_array_append_new(all, location_of(json_object_get(block, "freed_at"), text));
}

/* Where threads wait, the accesses of a race, and what memory they are to. */
static json_t *related(const json_t *report)
{
	json_t *all = json_array();
	char text[200];
	size_t i;
	json_t *part;

	for (i = 0; (part = json_array_get(json_object_get(json_object_get(report, "race"), "accesses"), i)) != NULL;
	     i++) {
		snprintf(text, sizeof(text), "%s by T%lld",
			 json_is_true(json_object_get(part, "write")) ? "write" : "read",
			 (long long)json_integer_value(json_object_get(part, "thread")));
		json_array_append_new(all, location_of(json_object_get(part, "stack"), text));
	}
	add_block(all, json_object_get(report, "block"));
	for (i = 0; (part = json_array_get(json_object_get(report, "threads"), i)) != NULL; i++) {
		const json_t *wait = json_object_get(part, "waits_for");

		if (!json_is_object(wait))
			continue;
		snprintf(text, sizeof(text), "T%lld waits: %s %s",
			 (long long)json_integer_value(json_object_get(part, "id")), text_at(wait, "op"),
			 text_at(wait, "object"));
		json_array_append_new(all, location_of(json_object_get(part, "stack"), text));
	}
	return all;
}

/* The stack of where it failed: of the last step, if nothing says more. */
static const json_t *failed_at(const json_t *report)
{
	const json_t *events = json_object_get(report, "events");
	const json_t *accesses = json_object_get(json_object_get(report, "race"), "accesses");
	size_t n = json_array_size(events);

	if (json_array_size(accesses) == 2)
		return json_object_get(json_array_get(accesses, 1), "stack");
	return n > 0 ? json_object_get(json_array_get(events, n - 1), "stack") : NULL;
}

static json_t *result_of(const json_t *report, const char *verdict)
{
	const char *text = text_at(report, "text");

	return json_pack("{s:s, s:s, s:{s:s}, s:[o], s:o, s:o}", "ruleId", verdict, "level", "error", "message", "text",
			 *text != 0 ? text : verdict, "locations", location_of(failed_at(report), text), "codeFlows",
			 flows(report), "relatedLocations", related(report));
}

static json_t *all_rules(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		json_array_append_new(
			all, json_pack("{s:s, s:{s:s}}", "id", rules[i].id, "shortDescription", "text", rules[i].text));
	return all;
}

json_t *check_sarif(const json_t *report)
{
	const char *verdict = text_at(report, "verdict");
	json_t *results = json_array();

	if (strcmp(verdict, "none") != 0 && strcmp(verdict, "verified") != 0)
		json_array_append_new(results, result_of(report, verdict));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "$schema",
			 "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
			 "version", "2.1.0", "runs", "tool", "driver", "name", "fairlead check", "version", CLI_VERSION,
			 "rules", all_rules(), "results", results);
}
