/*
 * hub/metrics.c - the figures of status.h for Prometheus, in its text format.
 *
 * Each is a row of a table: its name, what kind it is, what it means, and how it is got of a stream. Names of streams
 * need no escaping (stream_name_wrong); those of readers do.
 */
#include "processor.h"
#include "record.h"
#include "status.h"
#include "utf8.h"
#include "view.h"
#include "web/viewers.h"
#include "web/web.h"
#include <stdlib.h>
#include <string.h>

/* All there is about one stream, got once. */
struct figures {
	struct stream *stream;
	struct stream_state state;
	struct view_state view;
	struct processor_state processor;
	struct record_state record;
	fl_frames_stats frames;
};

static double online(const struct figures *f)
{
	return f->state.online;
}

static double frames(const struct figures *f)
{
	return (double)f->state.frames;
}

static double bad(const struct figures *f)
{
	return (double)f->state.bad;
}

static double rate(const struct figures *f)
{
	return f->state.rate;
}

static double age(const struct figures *f)
{
	return f->state.last == 0 ? -1 : (double)(fl_now() - f->state.last) / 1e9;
}

static double restarts(const struct figures *f)
{
	return f->stream->processor ? f->processor.restarts : f->state.restarts;
}

static double dropped(const struct figures *f)
{
	return (double)f->frames.dropped;
}

static double readers(const struct figures *f)
{
	return f->frames.readers;
}

static double encoded(const struct figures *f)
{
	return (double)f->view.packages;
}

static double encode_seconds(const struct figures *f)
{
	return f->view.milliseconds / 1e3;
}

static double skipped(const struct figures *f)
{
	return (double)f->processor.skipped;
}

static double recorded_bytes(const struct figures *f)
{
	return (double)f->record.bytes;
}

static double recorded_dropped(const struct figures *f)
{
	return (double)f->record.dropped;
}

static const struct metric {
	const char *name, *type, *help;
	double (*get)(const struct figures *figures);
} metrics[] = {
	{"online", "gauge", "Whether the stream has something to show", online},
	{"frames_total", "counter", "Frames that were published", frames},
	{"bad_frames_total", "counter", "Frames that were refused", bad},
	{"frames_per_second", "gauge", "Frames that were published a second, lately", rate},
	{"frame_age_seconds", "gauge", "How long ago the last frame was published, -1: none yet", age},
	{"restarts_total", "counter", "How often the source or the processor has come back", restarts},
	{"dropped_total", "counter", "Frames that did not fit into readers' queues", dropped},
	{"readers", "gauge", "Threads and processes that read the stream", readers},
	{"encoded_total", "counter", "JPEGs that were made or passed on", encoded},
	{"encode_seconds", "gauge", "How long the last JPEG took", encode_seconds},
	{"skipped_total", "counter", "Frames that came while the processor was busy", skipped},
	{"recorded_bytes", "gauge", "Size of the recording", recorded_bytes},
	{"recorded_dropped_total", "counter", "Frames that the recording has lost", recorded_dropped},
};

static void get(struct stream *stream, struct figures *ret_figures)
{
	*ret_figures = (struct figures){.stream = stream};
	stream_state_get(stream, &ret_figures->state);
	view_state_get(stream->view, &ret_figures->view);
	fl_frames_stats_get(stream->frames, &ret_figures->frames);
	if (stream->processor)
		processor_state_get(stream->processor, &ret_figures->processor);
	if (stream->record)
		record_state_get(stream->record, &ret_figures->record);
}

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP fairlead_%s %s\n# TYPE fairlead_%s %s\n", name, help, name, type);
}

/* A label's value, which utf8_clean has seen: what would end it is escaped. */
static void print_label(FILE *out, const char *value)
{
	for (; *value; value++)
		if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
}

/* Readers that no label tells apart are one series: the first has the sum. Returns how many are left. */
static int merge(fl_frames_reader_stats *stats, int n)
{
	int left = 0, same;

	for (int i = 0; i < n; i++) {
		utf8_clean(stats[i].name);
		for (same = 0; same < left; same++)
			if (stats[same].process == stats[i].process && strcmp(stats[same].name, stats[i].name) == 0)
				break;
		if (same == left)
			stats[left++] = stats[i];
		else
			stats[same].dropped += stats[i].dropped;
	}
	return left;
}

static void print_reader(FILE *out, const struct stream *stream, const fl_frames_reader_stats *stats)
{
	fprintf(out, "fairlead_reader_dropped_total{stream=\"%s\",process=\"%d\",reader=\"", stream->name,
		stats->process);
	print_label(out, stats->name);
	fprintf(out, "\"} %llu\n", (unsigned long long)stats->dropped);
}

static void print_readers(FILE *out, struct stream *const *streams, unsigned n)
{
	fl_frames_reader_stats stats[64];

	print_head(out, "reader_dropped_total", "counter", "Frames that did not fit into this reader's queue");
	for (unsigned i = 0; i < n; i++) {
		int there = fl_frames_readers(streams[i]->frames, 64, stats);

		there = merge(stats, there < 64 ? there : 64);
		for (int k = 0; k < there; k++)
			print_reader(out, streams[i], &stats[k]);
	}
}

struct viewer_line {
	FILE *out;
	const struct stream *stream;
};

static void print_viewer(const struct viewer_state *state, void *arg)
{
	const struct viewer_line *line = arg;

	fprintf(line->out, "fairlead_viewer_missed_total{stream=\"%s\",viewer=\"", line->stream->name);
	print_label(line->out, state->name);
	fprintf(line->out, "\"} %llu\n", (unsigned long long)state->missed);
}

static void print_viewers(FILE *out, struct stream *const *streams, unsigned n)
{
	print_head(out, "viewer_missed_total", "counter", "Frames that this viewer was too slow for");
	for (unsigned i = 0; i < n; i++)
		viewers_each(streams[i], print_viewer, &(struct viewer_line){out, streams[i]});
}

static void print_hub(struct hub *hub, FILE *out)
{
	print_head(out, "clients", "gauge", "Network connections");
	fprintf(out, "fairlead_clients %u\n", web_clients(hub->web));
	print_head(out, "clients_refused_total", "counter", "Connections that were too many");
	fprintf(out, "fairlead_clients_refused_total %llu\n", (unsigned long long)web_refused(hub->web));
	if (!hub->config->verify)
		return;
	print_head(out, "torn_total", "counter", "Frames that changed while they were read");
	fprintf(out, "fairlead_torn_total %llu\n", (unsigned long long)atomic_load(&hub->torn));
}

static void print_streams(FILE *out, struct stream *const *streams, unsigned n)
{
	struct figures *all = calloc(n + 1, sizeof(*all));

	for (unsigned i = 0; all && i < n; i++)
		get(streams[i], &all[i]);
	for (size_t m = 0; all && m < sizeof(metrics) / sizeof(*metrics); m++) {
		print_head(out, metrics[m].name, metrics[m].type, metrics[m].help);
		for (unsigned i = 0; i < n; i++)
			fprintf(out, "fairlead_%s{stream=\"%s\"} %.15g\n", metrics[m].name, streams[i]->name,
				metrics[m].get(&all[i]));
	}
	free(all);
}

char *status_metrics(struct hub *hub)
{
	struct stream *streams[HUB_STREAMS];
	unsigned n = hub_streams(hub, streams);
	char *string = NULL;
	size_t size;
	FILE *out = open_memstream(&string, &size);

	if (!out)
		return NULL;
	print_hub(hub, out);
	print_streams(out, streams, n);
	print_readers(out, streams, n);
	print_viewers(out, streams, n);
	fclose(out);
	return string;
}
