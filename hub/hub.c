/*
 * hub/hub.c - see hub.h: putting the parts together, and taking them apart again.
 *
 * The end comes in the order in which frames flow: sources, then processors, views, recordings, the network. Each is
 * asked to stop and waited for; nothing is freed before all have stopped.
 */
#include "hub.h"

#include "processor.h"
#include "record.h"
#include "source.h"
#include "status.h"
#include "view.h"
#include "web/routes.h"
#include "web/viewers.h"
#include "web/web.h"
#include <errno.h>
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <fairlead/timer.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

const struct hub_config hub_usual = {
	.address = "127.0.0.1",
	.port = 8999,
	.socket = -1,
	.linger = FL_SECONDS(10),
	.channels = true,
	.ingest = true,
	.quality = 80,
	.clients = 1024,
	.message_size = 64 << 20,
	.pixels = 40 * 1000 * 1000,
	.patience = 10,
	.record_limit = UINT64_C(1) << 30,
	.run_for = FL_FOREVER,
};

/* The streams. */

struct stream *hub_find(struct hub *hub, const char *name)
{
	struct stream *found = NULL;

	fl_with (&hub->lock)
		for (unsigned i = 0; i < hub->n_streams && !found; i++)
			if (strcmp(hub->streams[i]->name, name) == 0)
				found = hub->streams[i];
	return found;
}

unsigned hub_streams(struct hub *hub, struct stream *ret_streams[HUB_STREAMS])
{
	unsigned n = 0;

	fl_with (&hub->lock) {
		n = hub->n_streams;
		memcpy(ret_streams, hub->streams, n * sizeof(*ret_streams));
	}
	return n;
}

static void close_stream(struct stream *stream)
{
	record_close(stream->record);
	viewers_close(stream);
	view_close(stream->view);
	processor_close(stream->processor);
	source_close(stream->source);
	stream_close(stream);
}

int hub_add(struct hub *hub, const char *name, struct stream **ret_stream)
{
	struct stream *stream;
	int error;

	if (hub_find(hub, name))
		return -EEXIST;
	if (hub->n_streams == HUB_STREAMS)
		return -ENOSPC;
	error = stream_open(&stream, hub, name);
	if (error != 0)
		return error;
	error = view_open(stream);
	if (error == 0)
		error = viewers_open(stream);
	if (error != 0) {
		close_stream(stream);
		return error;
	}
	fl_with (&hub->lock)
		hub->streams[hub->n_streams++] = stream;
	*ret_stream = stream;
	return 0;
}

/* Beginning. */

static const char *explain(int error)
{
	if (error == -EEXIST)
		return "there is another one of that name";
	return error == -ENOSPC ? "there are as many streams as a hub can have" : strerror(-error);
}

static int add_source(struct hub *hub, const struct hub_source_config *config, FILE *err)
{
	struct stream *stream;
	int error = hub_add(hub, config->name, &stream);

	if (error == 0)
		error = source_open(stream, config->what);
	if (error == -EADDRINUSE)
		fprintf(err,
			"fairlead hub: another process serves the channel %s: name the source otherwise, or say "
			"--channels no\n",
			config->name);
	else if (error != 0)
		fprintf(err, "fairlead hub: source %s: %s\n", config->name, explain(error));
	return error;
}

static int add_processor(struct hub *hub, const struct hub_processor_config *config, FILE *err)
{
	struct stream *of = hub_find(hub, config->of), *stream;
	char why[256] = "";
	int error;

	if (!of) {
		fprintf(err, "fairlead hub: processor %s: there is no stream %s\n", config->name, config->of);
		return -ENOENT;
	}
	error = hub_add(hub, config->name, &stream);
	if (error == 0)
		error = processor_open(stream, of, config, why, sizeof(why));
	if (error != 0)
		fprintf(err, "fairlead hub: processor %s: %s\n", config->name, *why ? why : explain(error));
	return error;
}

static int add_record(struct hub *hub, const struct hub_record_config *config, FILE *err)
{
	struct stream *stream = hub_find(hub, config->stream);
	int error = stream ? 0 : -ENOENT;

	if (error == 0 && stream->record)
		error = -EEXIST;
	if (error == 0)
		error = record_open(stream, config->file);
	if (error != 0)
		fprintf(err, "fairlead hub: recording %s: %s\n", config->stream,
			error == -ENOENT   ? "there is no such stream"
			: error == -EEXIST ? "it is recorded already"
					   : strerror(-error));
	return error;
}

static int open_network(struct hub *hub, FILE *err)
{
	const struct hub_config *config = hub->config;
	struct web_options options = {
		.address = config->address,
		.port = config->port,
		.socket = config->socket,
		.certificate = config->certificate,
		.key = config->key,
		.most = config->clients,
		.patience = config->patience,
	};
	int error = web_open(&hub->web, &options, &routes, hub);

	if (error != 0 && config->socket >= 0) {
		fprintf(err, "fairlead hub: the socket that was passed in: %s\n", strerror(-error));
	} else if (error != 0) {
		fprintf(err, "fairlead hub: %s:%d: %s\n", config->address, config->port, strerror(-error));
	} else if (!config->token && !web_is_local(hub->web)) {
		fprintf(err, "fairlead hub: %s can be reached from other machines: that needs a --token\n",
			config->socket < 0 ? config->address : "the socket that was passed");
		error = -EPERM;
	}
	return error;
}

static int open_streams(struct hub *hub, FILE *err)
{
	const struct hub_config *config = hub->config;
	int error = 0;

	for (unsigned i = 0; i < config->n_sources && error == 0; i++)
		error = add_source(hub, &config->sources[i], err);
	for (unsigned i = 0; i < config->n_processors && error == 0; i++)
		error = add_processor(hub, &config->processors[i], err);
	for (unsigned i = 0; i < config->n_records && error == 0; i++)
		error = add_record(hub, &config->records[i], err);
	return error;
}

/* Ending. */

/* A camera or a program may take its time: those of a kind are asked before the first of them is waited for. */
static void stop_streams(struct hub *hub)
{
	for (unsigned i = 0; i < hub->n_streams; i++)
		if (!hub->streams[i]->processor)
			source_ask(hub->streams[i]->source);
	for (unsigned i = 0; i < hub->n_streams; i++)
		if (!hub->streams[i]->processor)
			source_stop(hub->streams[i]->source);
	for (unsigned i = 0; i < hub->n_streams; i++)
		if (hub->streams[i]->processor)
			processor_want(hub->streams[i]->processor, false);
	for (unsigned i = 0; i < hub->n_streams; i++)
		processor_stop(hub->streams[i]->processor);
	for (unsigned i = 0; i < hub->n_streams; i++) {
		source_stop(hub->streams[i]->source); /* of what a program publishes */
		record_stop(hub->streams[i]->record);
		view_stop(hub->streams[i]->view);
	}
}

static void close_streams(struct hub *hub)
{
	while (hub->n_streams > 0)
		close_stream(hub->streams[--hub->n_streams]);
}

/* SIGINT, SIGTERM and SIGHUP are taken by a thread that does nothing else. */

struct signals {
	struct web *web;
	fl_thread *thread;
	sigset_t set;
	int taken, over; /* a signalfd; an eventfd: there is no more to take */
};

static void *take_signals(void *arg)
{
	struct signals *signals = arg;
	struct pollfd polls[] = {{.fd = signals->taken, .events = POLLIN}, {.fd = signals->over, .events = POLLIN}};

	while (poll(polls, 2, -1) < 0 && errno == EINTR)
		continue;
	if (polls[1].revents)
		return NULL;
	web_stop(signals->web);
	/* The first one is still there to be taken. A second one ends the program at once. */
	if (read(signals->taken, &(struct signalfd_siginfo){0}, sizeof(struct signalfd_siginfo)) > 0)
		pthread_sigmask(SIG_UNBLOCK, &signals->set, NULL);
	while (poll(&polls[1], 1, -1) < 0 && errno == EINTR)
		continue;
	return NULL;
}

static int begin_taking_signals(struct signals *signals, struct web *web)
{
	signals->web = web;
	signals->taken = signalfd(-1, &signals->set, SFD_CLOEXEC);
	signals->over = eventfd(0, EFD_CLOEXEC);
	if (signals->taken < 0 || signals->over < 0)
		return -errno;
	return fl_thread_start(&signals->thread, &(fl_thread_options){.name = "signals"}, take_signals, signals);
}

static void end_taking_signals(struct signals *signals)
{
	if (signals->thread) {
		eventfd_write(signals->over, 1);
		fl_thread_join(signals->thread, NULL);
	}
	if (signals->taken >= 0)
		close(signals->taken);
	if (signals->over >= 0)
		close(signals->over);
}

/* The end of a terminal, too, unless that was to be ignored (nohup): programs are in groups of their own, and would go
 * on without the hub. */
static void block_signals(sigset_t *ret_set)
{
	struct sigaction hangup;

	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(ret_set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void stop_serving(void *web)
{
	web_stop(web);
}

/* Of the page, as a browser wants it. */
static void print_address(struct hub *hub, FILE *out)
{
	const struct hub_config *config = hub->config;
	const char *host = config->socket >= 0 ? "localhost" : config->address;
	bool shown = config->token && !config->quiet_token;
	int port = web_port(hub->web);

	if (port == 0)
		fprintf(out, "fairlead hub: at the path that was passed\n");
	else
		fprintf(out, "fairlead hub: http%s://%s%s%s:%d/%s%s\n", config->certificate ? "s" : "",
			strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port, shown ? "?token=" : "",
			shown ? config->token : "");
	fflush(out);
}

static int serve(struct hub *hub, FILE *out)
{
	const struct hub_config *config = hub->config;
	fl_timer *timer = NULL;
	int error = 0;

	print_address(hub, out);
	if (config->run_for != FL_FOREVER)
		error = fl_timer_start(&timer, fl_after(config->run_for), stop_serving, hub->web);
	if (error == 0)
		web_serve(hub->web);
	if (timer) {
		fl_timer_cancel(timer);
		fl_timer_join(timer);
	}
	return error;
}

/* Returns a text that is to be freed; NULL: no memory. */
static char *summarize(struct hub *hub)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	status_summary(hub, file);
	fclose(file);
	return text;
}

int hub_run(const struct hub_config *config, FILE *out, FILE *err)
{
	struct hub hub = {.config = config, .started = fl_now()};
	struct signals signals = {.taken = -1, .over = -1};
	char *summary = NULL;
	int error;

	block_signals(&signals.set);
	error = open_network(&hub, err);
	if (error == 0)
		error = begin_taking_signals(&signals, hub.web);
	if (error == 0)
		error = open_streams(&hub, err);
	if (error == 0) {
		error = serve(&hub, out);
		/* Who reads and who looks is known as long as they are there. */
		summary = summarize(&hub);
	}
	stop_streams(&hub);
	if (summary)
		fputs(summary, out);
	free(summary);
	end_taking_signals(&signals);
	hub.web = web_close(hub.web);
	close_streams(&hub);
	return error;
}
