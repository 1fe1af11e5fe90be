/*
 * hub/status.c - see status.h: the JSON, by jansson, and the summary.
 */
#include "status.h"

#include "clock.h"
#include "processor.h"
#include "record.h"
#include "source.h"
#include "view.h"
#include "web/viewers.h"
#include "web/web.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define READERS 64u

/* A text that came from outside: what is no UTF-8 there must not cost the whole status. */
static json_t *text(const char *string)
{
	json_t *value = json_string(string);

	return value ? value : json_string("?");
}

static json_t *text_or_null(const char *string)
{
	return *string ? text(string) : json_null();
}

static json_t *readers_of(struct stream *stream)
{
	fl_frames_reader_stats stats[READERS];
	int n = fl_frames_readers(stream->frames, READERS, stats);
	json_t *list = json_array();

	for (int i = 0; i < n && i < (int)READERS; i++)
		json_array_append_new(list, json_pack("{so si si si si sI sI sI sf}", "name", text(stats[i].name),
						      "process", stats[i].process, "every", (int)stats[i].every, "held",
						      (int)stats[i].held, "queued", (int)stats[i].queued, "taken",
						      (json_int_t)stats[i].taken, "missed", (json_int_t)stats[i].missed,
						      "dropped", (json_int_t)stats[i].dropped, "since",
						      (double)(fl_now() - stats[i].since) / 1e9));
	return list;
}

static void append_viewer(const struct viewer_state *state, void *list)
{
	json_array_append_new(list, json_pack("{so ss sI sI sf so}", "name", text(state->name), "how", state->how,
					      "sent", (json_int_t)state->sent, "dropped", (json_int_t)state->missed,
					      "fps", state->rate, "latency",
					      state->latency < 0 ? json_null() : json_real(state->latency)));
}

static json_t *viewers_of(struct stream *stream)
{
	json_t *list = json_array();

	viewers_each(stream, append_viewer, list);
	return list;
}

static json_t *encoded_of(struct stream *stream)
{
	struct view_state state;
	fl_frames_stats stats;

	view_state_get(stream->view, &state);
	fl_frames_stats_get(stream->view->packages, &stats);
	return json_pack("{sI sI sf sI si si sI}", "frames", (json_int_t)state.packages, "bad", (json_int_t)state.bad,
			 "milliseconds", state.milliseconds, "bytes", (json_int_t)state.bytes, "slots",
			 (int)stats.slots, "slots_used", (int)stats.slots_used, "slot_size",
			 (json_int_t)stats.slot_size);
}

static json_t *recording_of(struct stream *stream)
{
	struct record_state state;

	if (!stream->record)
		return json_null();
	record_state_get(stream->record, &state);
	return json_pack("{so sI sI sI sI sb so}", "file", text(stream->record->file), "frames",
			 (json_int_t)state.frames, "bytes", (json_int_t)state.bytes, "limit",
			 (json_int_t)stream->record->limit, "dropped", (json_int_t)state.dropped, "running",
			 state.running, "error", text_or_null(state.why));
}

static json_t *results_of(struct processor *processor)
{
	struct result list[RESULTS];
	unsigned n = results_get(&processor->results, list);
	json_t *results = json_object();

	for (unsigned i = 0; i < n; i++)
		json_object_set_new(results, list[i].key, text(list[i].value));
	return results;
}

static json_t *format_of(uint32_t format)
{
	char name[5] = {(char)format, (char)(format >> 8), (char)(format >> 16), (char)(format >> 24), '\0'};

	return format == FL_PIXELS_NONE ? json_null() : text(name);
}

/* What concerns the frames. */
static void put_frames(json_t *object, struct stream *stream, const struct stream_state *state)
{
	fl_frames_stats stats;

	fl_frames_stats_get(stream->frames, &stats);
	json_object_set_new(object, "online", json_boolean(state->online));
	json_object_set_new(object, "error", state->online ? json_null() : text_or_null(state->why));
	json_object_set_new(object, "last_error", text_or_null(state->why));
	json_object_set_new(object, "restarts", json_integer(state->restarts));
	json_object_set_new(object, "format", format_of(state->info.format));
	json_object_set_new(object, "width", json_integer(state->info.width));
	json_object_set_new(object, "height", json_integer(state->info.height));
	json_object_set_new(object, "frames", json_integer((json_int_t)state->frames));
	json_object_set_new(object, "bad", json_integer((json_int_t)state->bad));
	json_object_set_new(object, "fps", json_real(state->rate));
	json_object_set_new(object, "age",
			    state->last == 0 ? json_null() : json_real((double)(fl_now() - state->last) / 1e9));
	json_object_set_new(object, "dropped", json_integer((json_int_t)stats.dropped));
	json_object_set_new(object, "refused", json_integer((json_int_t)stats.refused));
	json_object_set_new(object, "slots", json_integer(stats.slots));
	json_object_set_new(object, "slots_used", json_integer(stats.slots_used));
	json_object_set_new(object, "slot_size", json_integer((json_int_t)stats.slot_size));
}

static void put_processor(json_t *object, struct processor *processor)
{
	struct processor_state state;

	processor_state_get(processor, &state);
	json_object_set_new(object, "kind", json_string("processor"));
	json_object_set_new(object, "what", text(processor->config->what));
	json_object_set_new(object, "of", text(processor->of->name));
	json_object_set_new(object, "running", json_boolean(state.running));
	json_object_set_new(object, "wanted", json_boolean(state.wanted));
	json_object_set_new(object, "isolated", json_boolean(!processor->function));
	json_object_set_new(object, "skipped", json_integer((json_int_t)state.skipped));
	json_object_set_new(object, "failed", json_integer((json_int_t)state.failed));
	json_object_set_new(object, "restarts", json_integer(state.restarts));
	json_object_set_new(object, "error", state.running ? json_null() : text_or_null(state.why));
	json_object_set_new(object, "last_error", text_or_null(state.why));
	json_object_set_new(object, "results", results_of(processor));
}

static json_t *stream_json(struct stream *stream)
{
	json_t *object = json_object();
	struct stream_state state;

	stream_state_get(stream, &state);
	json_object_set_new(object, "name", text(stream->name));
	put_frames(object, stream, &state);
	if (stream->processor) {
		put_processor(object, stream->processor);
	} else {
		json_object_set_new(object, "kind", json_string("source"));
		json_object_set_new(object, "what", stream->source ? text(stream->source->what) : json_null());
	}
	json_object_set_new(object, "readers", readers_of(stream));
	json_object_set_new(object, "viewers", viewers_of(stream));
	json_object_set_new(object, "encoded", encoded_of(stream));
	json_object_set_new(object, "recording", recording_of(stream));
	return object;
}

/* A source is followed by its processors. */
static void append_with_processors(json_t *list, struct stream *const *streams, unsigned n, unsigned which)
{
	json_array_append_new(list, stream_json(streams[which]));
	for (unsigned i = 0; i < n; i++)
		if (streams[i]->processor && streams[i]->processor->of == streams[which])
			append_with_processors(list, streams, n, i);
}

static json_t *streams_json(struct hub *hub)
{
	struct stream *streams[HUB_STREAMS];
	unsigned n = hub_streams(hub, streams);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		if (!streams[i]->processor)
			append_with_processors(list, streams, n, i);
	return list;
}

static json_t *torn_json(struct hub *hub)
{
	return hub->config->verify ? json_integer((json_int_t)atomic_load(&hub->torn)) : json_null();
}

static json_t *hub_json(struct hub *hub)
{
	return json_pack("{ss sf sf so s{si si sI} so}", "version", FAIRLEAD_VERSION, "now",
			 (double)clock_unix_now() / 1e6, "uptime", (double)(fl_now() - hub->started) / 1e9, "torn",
			 torn_json(hub), "clients", "now", (int)web_clients(hub->web), "most",
			 (int)hub->config->clients, "refused", (json_int_t)web_refused(hub->web), "streams",
			 streams_json(hub));
}

char *status_json(struct hub *hub)
{
	json_t *object = hub_json(hub);
	char *string = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

	json_decref(object);
	return string;
}

/* The summary. */

static void summarize_readers(struct stream *stream, FILE *out)
{
	fl_frames_reader_stats stats[READERS];
	int n = fl_frames_readers(stream->frames, READERS, stats);

	for (int i = 0; i < n && i < (int)READERS; i++)
		fprintf(out, "    %-20s took %llu, missed %llu, dropped %llu\n", stats[i].name,
			(unsigned long long)stats[i].taken, (unsigned long long)stats[i].missed,
			(unsigned long long)stats[i].dropped);
}

static void summarize_viewer(const struct viewer_state *state, void *out)
{
	fprintf(out, "    %-20s was sent %llu by %s, missed %llu\n", state->name, (unsigned long long)state->sent,
		state->how, (unsigned long long)state->missed);
}

static void summarize(struct stream *stream, FILE *out)
{
	struct stream_state state;
	struct view_state view;

	stream_state_get(stream, &state);
	view_state_get(stream->view, &view);
	fprintf(out, "  %s: %llu frames, %llu bad, %llu encoded\n", stream->name, (unsigned long long)state.frames,
		(unsigned long long)state.bad, (unsigned long long)view.packages);
	if (stream->record) {
		struct record_state record;

		record_state_get(stream->record, &record);
		fprintf(out, "    recorded %llu frames, %llu bytes, dropped %llu%s%s\n",
			(unsigned long long)record.frames, (unsigned long long)record.bytes,
			(unsigned long long)record.dropped, *record.why ? ": " : "", record.why);
	}
	summarize_readers(stream, out);
	viewers_each(stream, summarize_viewer, out);
}

void status_summary(struct hub *hub, FILE *out)
{
	struct stream *streams[HUB_STREAMS];
	unsigned n = hub_streams(hub, streams);
	char *string;

	if (hub->config->json) {
		string = status_json(hub);
		fprintf(out, "%s\n", string ? string : "{}");
		free(string);
		return;
	}
	fprintf(out, "after %.1f s:\n", (double)(fl_now() - hub->started) / 1e9);
	for (unsigned i = 0; i < n; i++)
		summarize(streams[i], out);
	if (hub->config->verify)
		fprintf(out, "  torn: %llu\n", (unsigned long long)atomic_load(&hub->torn));
}
