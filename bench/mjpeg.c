/*
 * bench/mjpeg.c - mjpeg-clients: many clients of an MJPEG server, to measure the server by.
 *
 * One thread holds all connections, by epoll. A server is asked with HTTP/1.0, so that it answers without chunks, and
 * may be any: multipart.c reads what it sends, and mjpeg_frames.c keeps the books.
 *
 * Clients on the server's machine take processors from it, so these do as little as they can. The bytes of an image
 * whose length is known are thrown away within the kernel (MSG_TRUNC), but for its beginning and end. When a frame
 * has arrived is the moment at which its last byte was received. Frames count whose capture lies within the window;
 * the clients go on for a while after it (DRAIN), for those frames that arrive late.
 */
#define _GNU_SOURCE
#include "mjpeg_frames.h"
#include "process_cpu.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CLIENTS = 10000, SMALL_READ = 1024, MOST_URL = 1024 };

static const int64_t second = 1000000000, DRAIN = 500000000;

struct client {
	int socket;
	struct multipart parser;
	struct mjpeg_client *books;
};

static struct {
	unsigned clients;
	double seconds, warm_up, fps;
	int process; /* 0: unknown */
	bool json;
	char host[MOST_URL], port[16];
	const char *path;
} wanted = {.clients = 50, .seconds = 10, .warm_up = 2, .fps = 30};

static struct mjpeg_frames frames;
static struct client *clients;
static struct mjpeg_client *books;
static unsigned lost;
static int64_t now; /* when the last bytes came */

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "mjpeg-clients: %s: %s\n", what, why);
	exit(1);
}

/* ---- connections ---- */

static void note_image(void *arg, const struct multipart_image *image)
{
	struct client *client = arg;

	mjpeg_frames_add(&frames, client->books, image, now);
}

static int connect_to(const struct addrinfo *addresses)
{
	for (const struct addrinfo *one = addresses; one != NULL; one = one->ai_next) {
		int made = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (made >= 0 && connect(made, one->ai_addr, one->ai_addrlen) == 0)
			return made;
		if (made >= 0)
			close(made);
	}
	fail(wanted.host, strerror(errno));
}

static void ask(int to)
{
	char request[2 * MOST_URL + 64];
	int size = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s:%s\r\nAccept: */*\r\n\r\n",
			    wanted.path, wanted.host, wanted.port);

	if (send(to, request, (size_t)size, MSG_NOSIGNAL) != size)
		fail("asking", strerror(errno));
}

static void start_client(struct client *client, const struct addrinfo *addresses, int epoll)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client->socket = connect_to(addresses);
	multipart_init(&client->parser, note_image, client);
	ask(client->socket);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->socket, &event) != 0)
		fail("epoll", strerror(errno));
}

static int start_clients(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int error = getaddrinfo(wanted.host, wanted.port, &hints, &addresses);

	if (error != 0)
		fail(wanted.host, gai_strerror(error));
	clients = calloc(wanted.clients, sizeof *clients);
	books = calloc(wanted.clients, sizeof *books);
	if (epoll < 0 || clients == NULL || books == NULL)
		fail("clients", "out of memory");
	for (unsigned i = 0; i < wanted.clients; i++) {
		clients[i].books = &books[i];
		start_client(&clients[i], addresses, epoll);
	}
	freeaddrinfo(addresses);
	return epoll;
}

static void lose(struct client *client)
{
	close(client->socket);
	client->socket = -1;
	lost++;
}

/* ---- receiving ---- */

/* Receives once. Returns whether there may be more. */
static bool receive(struct client *client)
{
	unsigned char data[SMALL_READ];
	uint64_t skippable = multipart_skippable(&client->parser);
	size_t size = skippable > 0 ? (size_t)skippable : sizeof data;
	ssize_t got =
		recv(client->socket, skippable > 0 ? NULL : data, size, MSG_DONTWAIT | (skippable > 0 ? MSG_TRUNC : 0));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		lose(client);
		return false;
	}
	now = mjpeg_now();
	if (skippable > 0)
		multipart_skip(&client->parser, (uint64_t)got);
	else
		multipart_feed(&client->parser, data, (size_t)got);
	if (client->parser.state == MULTIPART_BROKEN)
		lose(client);
	return client->socket >= 0 && (size_t)got == size;
}

static void run_until(int epoll, int64_t end)
{
	struct epoll_event events[64];

	for (int64_t left; (left = end - mjpeg_now()) > 0;) {
		int n = epoll_wait(epoll, events, 64, (int)(left / 1000000) + 1);

		for (int i = 0; i < n; i++)
			while (receive(events[i].data.ptr))
				;
	}
}

/* ---- what is told ---- */

struct cpu {
	double server, clients; /* seconds */
	int64_t at;
};

static struct cpu read_cpu(void)
{
	struct cpu cpu = {.server = NAN, .clients = process_cpu(getpid()), .at = mjpeg_now()};

	if (wanted.process == 0)
		return cpu;
	cpu.server = process_cpu(wanted.process);
	if (cpu.server < 0)
		fail("the server's process", "is not there");
	return cpu;
}

static double percent(double from, double to, const struct cpu *begin, const struct cpu *end)
{
	return (to - from) * 100 * 1e9 / (double)(end->at - begin->at);
}

static void print_number(const char *name, double number, const char *after)
{
	if (isnan(number))
		printf("\"%s\":null%s", name, after);
	else
		printf("\"%s\":%.4g%s", name, number, after);
}

static void print_json(const struct mjpeg_summary *summary, double server, double clients_cpu)
{
	printf("{\"clients\":%u,\"lost\":%u,\"seconds\":%g,", wanted.clients, lost, wanted.seconds);
	print_number("server_cpu_percent", server, ",");
	print_number("clients_cpu_percent", clients_cpu, ",");
	print_number("p50_ms", summary->p50, ",");
	print_number("p99_ms", summary->p99, ",");
	print_number("worst_ms", summary->worst, ",");
	print_number("longest_gap_ms", summary->longest_gap, ",");
	print_number("fps", summary->fps, ",");
	printf("\"frames_least\":%llu,\"frames_most\":%llu,", (unsigned long long)summary->least,
	       (unsigned long long)summary->most);
	printf("\"late\":%llu,\"missed\":%llu,\"repeated\":%llu,\"damaged\":%llu,\"bytes\":%llu}\n",
	       (unsigned long long)summary->late, (unsigned long long)summary->missed,
	       (unsigned long long)summary->repeated, (unsigned long long)summary->damaged,
	       (unsigned long long)summary->bytes);
}

static void print_text(const struct mjpeg_summary *summary, double server, double clients_cpu)
{
	printf("%u clients, %u lost, %g s: %.1f frames a second, %llu to %llu each, %.0f MB/s\n", wanted.clients, lost,
	       wanted.seconds, summary->fps, (unsigned long long)summary->least, (unsigned long long)summary->most,
	       (double)summary->bytes / 1e6 / wanted.seconds);
	printf("capture to arrival: %.2f ms, 99 of 100 %.2f, all %.2f; longest gap %.1f ms\n", summary->p50,
	       summary->p99, summary->worst, summary->longest_gap);
	printf("late %llu, missed %llu, repeated %llu, damaged %llu\n", (unsigned long long)summary->late,
	       (unsigned long long)summary->missed, (unsigned long long)summary->repeated,
	       (unsigned long long)summary->damaged);
	printf("CPU: server %.1f %%, clients %.1f %%\n", server, clients_cpu);
}

static void measure(int epoll)
{
	struct mjpeg_summary summary;
	struct cpu begin, end;
	double server, clients_cpu;

	run_until(epoll, mjpeg_now() + (int64_t)(wanted.warm_up * 1e9));
	begin = read_cpu();
	frames.begin = mjpeg_now();
	frames.end = frames.begin + (int64_t)(wanted.seconds * 1e9);
	run_until(epoll, frames.end + DRAIN);
	end = read_cpu();
	mjpeg_frames_sum_up(&frames, books, wanted.clients, &summary);
	server = percent(begin.server, end.server, &begin, &end);
	clients_cpu = percent(begin.clients, end.clients, &begin, &end);
	if (wanted.json)
		print_json(&summary, server, clients_cpu);
	else
		print_text(&summary, server, clients_cpu);
}

/* ---- options ---- */

static const char help[] =
	"usage: mjpeg-clients [OPTION...] http://HOST:PORT/PATH\n"
	"\n"
	"Reads a stream of JPEGs with many clients at once and says how the server does.\n"
	"\n"
	"  --clients N   how many, 1 to 10000; 50 unless given\n"
	"  --seconds S   how long; 10 unless given\n"
	"  --warm-up S   how long before that; 2 unless given\n"
	"  --fps F       how many frames the camera takes a second, which says what is late; 30 unless given\n"
	"  --pid PID     the server's process: tells how much CPU time it and its descendants use\n"
	"  --json        print a JSON object instead of text\n"
	"\n"
	"The time of capture is read from the image, if it comes from jpeg-camera or fake-v4l2, or else from a\n"
	"part's header X-Captured, X-UStreamer-Grab-Time (ask ustreamer for /stream?extra_headers=1) or\n"
	"X-Timestamp, in seconds.\n"
	"\n"
	"Exit status: 0; 1: no connection, or one that ended or was not understood; 2: a wrong argument.\n";

static _Noreturn void refuse(const char *what)
{
	fprintf(stderr, "mjpeg-clients: wrong: %s; see --help\n", what);
	exit(2);
}

static double read_number(const char *text, double least, double most)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end != '\0' || !(number >= least && number <= most))
		refuse(text);
	return number;
}

static void set_option(int option)
{
	switch (option) {
	case 'c':
		wanted.clients = (unsigned)read_number(optarg, 1, MOST_CLIENTS);
		break;
	case 's':
		wanted.seconds = read_number(optarg, 0.1, 86400);
		break;
	case 'w':
		wanted.warm_up = read_number(optarg, 0, 86400);
		break;
	case 'f':
		wanted.fps = read_number(optarg, 0.1, 10000);
		break;
	case 'p':
		wanted.process = (int)read_number(optarg, 1, 1 << 30);
		break;
	case 'j':
		wanted.json = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		refuse("options");
	}
}

static void read_url(const char *url)
{
	static const char scheme[] = "http://";
	const char *host = url + strlen(scheme);
	size_t size;

	if (strncmp(url, scheme, strlen(scheme)) != 0 || strlen(url) >= MOST_URL)
		refuse(url);
	wanted.path = strchr(host, '/');
	size = strcspn(host, ":/");
	if (wanted.path == NULL || size == 0 || host[size] != ':' ||
	    wanted.path - host - size - 1 >= sizeof wanted.port)
		refuse(url);
	memcpy(wanted.host, host, size);
	memcpy(wanted.port, host + size + 1, (size_t)(wanted.path - host) - size - 1);
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"clients", required_argument, NULL, 'c'}, {"seconds", required_argument, NULL, 's'},
		{"warm-up", required_argument, NULL, 'w'}, {"fps", required_argument, NULL, 'f'},
		{"pid", required_argument, NULL, 'p'},     {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
		set_option(option);
	if (argc - optind != 1)
		refuse("it takes one address");
	read_url(argv[optind]);
}

int main(int argc, char **argv)
{
	int epoll;

	read_options(argc, argv);
	mjpeg_frames_init(&frames, (int64_t)((double)second / wanted.fps));
	epoll = start_clients();
	measure(epoll);
	for (unsigned i = 0; i < wanted.clients; i++)
		if (clients[i].socket >= 0)
			close(clients[i].socket);
	close(epoll);
	free(clients);
	free(books);
	mjpeg_frames_free(&frames);
	return lost > 0;
}
