/*
 * test_video_stream.c - videos and live pictures by HTTP and RTSP, from servers that behave as they like.
 *
 * A server is a thread that answers a few connections at a loopback port, each in the way of the test.
 */
#define _GNU_SOURCE
#include "testing.h"
#include "videos.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct {
	int listener;
	void (*answer)(int peer, const char *request);
	pthread_t thread;
	char url[64];
} server;

static struct videos_jpeg jpegs[VIDEOS_JPEGS];
static struct videos_seen seen, direct;
static unsigned char *clip;
static size_t clip_size;

/* The peer may hang up whenever it likes. */
static void send_all(int peer, const void *data, size_t size)
{
	const char *at = data;
	ssize_t n = 0;

	for (; size && n >= 0; at += n, size -= (size_t)n) {
		n = send(peer, at, size, MSG_NOSIGNAL);
		if (n < 0)
			return;
	}
}

__attribute__((format(printf, 2, 3))) static void say(int peer, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	send_all(peer, line, strlen(line));
}

/* Answers until the listener is shut down. */
static void *serve(void *arg)
{
	char request[4096];
	int peer;

	(void)arg;
	while ((peer = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		ssize_t n = recv(peer, request, sizeof(request) - 1, 0);

		if (n > 0) {
			request[n] = '\0';
			server.answer(peer, request);
		}
		close(peer);
	}
	return NULL;
}

static void start(void (*answer)(int peer, const char *request))
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server.answer = answer;
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(listen(server.listener, 8), 0);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
	snprintf(server.url, sizeof(server.url), "http://user:secret@127.0.0.1:%d/", ntohs(address.sin_port));
}

static void set_up(void)
{
	videos_set_up();
	videos_make_jpegs(jpegs);
	clip = videos_load(REALSHORT, &clip_size);
}

static void tear_down(void)
{
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	free(clip);
	videos_free_jpegs(jpegs);
	videos_tear_down();
}

/* ---- videos ---- */

static void answer_ranges(int peer, const char *request)
{
	const char *range = strcasestr(request, "Range: bytes=");
	size_t from = range ? strtoul(range + 13, NULL, 10) : 0;

	say(peer,
	    "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	    from, clip_size - 1, clip_size, clip_size - from);
	send_all(peer, clip + from, clip_size - from);
}

START_TEST(a_video_of_a_server_is_like_a_file)
{
	struct video_input *input;

	ck_assert_int_eq(videos_open(&input, REALSHORT), 0);
	videos_see(input, &direct);
	plugin->close(input);
	start(answer_ranges);
	ck_assert_msg(videos_open(&input, server.url) == 0, "%s", why);
	ck_assert(!plugin->live(input));
	for (unsigned i = 0; i < 2; i++) {
		videos_see(input, &seen);
		ck_assert_mem_eq(&seen, &direct, sizeof(seen));
		ck_assert_int_eq(plugin->rewind(input), 0);
	}
	plugin->close(input);
}
END_TEST

static void answer_404(int peer, const char *request)
{
	(void)request;
	say(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void answer_text(int peer, const char *request)
{
	(void)request;
	say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static void answer_playlist(int peer, const char *request)
{
	(void)request;
	say(peer, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U\n"
		  "#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\nfile://" REALSHORT "\n#EXT-X-ENDLIST\n");
}

static void answer_file(int peer, const char *request)
{
	(void)request;
	say(peer, "HTTP/1.1 302 Found\r\nLocation: file://" REALSHORT "\r\nContent-Length: 0\r\n\r\n");
}

static const struct {
	void (*answer)(int peer, const char *request);
	int error;
} refusals[] = {
	{answer_404, -ENOENT},
	{answer_text, -EPROTO},
	{answer_playlist, -EPROTO},
	{answer_file, -EPROTO},
};

START_TEST(servers_without_a_video_are_refused)
{
	start(refusals[_i].answer);
	videos_expect_refused(server.url, 0, refusals[_i].error, "");
	ck_assert(why[0]);
	ck_assert_ptr_null(strstr(why, "secret"));
}
END_TEST

/* ---- live pictures ---- */

static void send_jpeg(int peer, const struct videos_jpeg *jpeg)
{
	say(peer, "--part\r\nContent-Type: image/jpeg\r\nContent-Length: %lu\r\n\r\n", jpeg->size);
	send_all(peer, jpeg->data, jpeg->size);
	say(peer, "\r\n");
}

static void begin_parts(int peer)
{
	say(peer, "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=part\r\n\r\n");
}

static void answer_all(int peer, const char *request)
{
	(void)request;
	begin_parts(peer);
	for (unsigned i = 0; i < VIDEOS_JPEGS; i++)
		send_jpeg(peer, &jpegs[i]);
	say(peer, "--part--\r\n");
}

START_TEST(motion_jpeg_is_live)
{
	struct video_input *input;

	start(answer_all);
	ck_assert_msg(videos_open(&input, server.url) == 0, "%s", why);
	ck_assert(plugin->live(input));
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -ENODATA);
	ck_assert_uint_eq(seen.pictures, VIDEOS_JPEGS);
	ck_assert_uint_eq(seen.width, 320);
	ck_assert_int_eq(plugin->rewind(input), -ESPIPE);
	plugin->close(input);
}
END_TEST

/* A few pictures, and then nothing until the other end hangs up. */
static void answer_three(int peer, const char *request)
{
	char byte;

	(void)request;
	begin_parts(peer);
	for (unsigned i = 0; i < 3; i++)
		send_jpeg(peer, &jpegs[i]);
	while (recv(peer, &byte, 1, 0) > 0)
		;
}

static void answer_nothing(int peer, const char *request)
{
	char byte;

	(void)request;
	while (recv(peer, &byte, 1, 0) > 0)
		;
}

static bool after_a_while(void *arg)
{
	unsigned *asked = arg;

	return ++*asked > 5;
}

START_TEST(who_waits_for_a_silent_server_can_be_stopped)
{
	unsigned asked = 0;
	struct video_wish wish = {.url = server.url, .stop = after_a_while, .arg = &asked};
	struct video_input *input = NULL;

	start(answer_nothing);
	ck_assert_int_eq(plugin->open(&input, &wish, why, sizeof(why)), -ECANCELED);
	ck_assert_ptr_nonnull(strstr(why, "stopped"));
	ck_assert_ptr_null(input);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	struct video_input *input = NULL;

	start(answer_nothing);
	ck_assert_int_eq(videos_open(&input, server.url), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(why, "10 s"));
	ck_assert_ptr_null(input);
}
END_TEST

START_TEST(a_server_that_falls_silent_is_given_up)
{
	struct video_input *input;
	struct video_picture picture;

	start(answer_three);
	ck_assert_msg(videos_open(&input, server.url) == 0, "%s", why);
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -ETIMEDOUT);
	ck_assert_uint_ge(seen.pictures, 2);
	ck_assert_int_eq(plugin->next(input, &picture), -ETIMEDOUT);
	plugin->close(input);
}
END_TEST

/* ---- RTSP ---- */

/* Sends a unit of H.264 in an RTP packet of its own, within the connection. */
static void send_unit(int peer, const unsigned char *unit, size_t size, bool last, unsigned *sequence, uint32_t time)
{
	unsigned char head[16] = {'$', 0, (unsigned char)((size + 12) >> 8), (unsigned char)(size + 12), 0x80};

	head[5] = last ? 0xe0 : 0x60;
	head[6] = (unsigned char)(*sequence >> 8);
	head[7] = (unsigned char)*sequence;
	for (unsigned i = 0; i < 4; i++)
		head[8 + i] = (unsigned char)(time >> (24 - 8 * i));
	send_all(peer, head, sizeof(head));
	send_all(peer, unit, size);
	++*sequence;
}

/* Returns where the next unit begins, behind its start code, or the end. */
static const unsigned char *next_unit(const unsigned char *at, const unsigned char *end)
{
	const unsigned char *found = memmem(at, (size_t)(end - at), "\0\0\1", 3);

	return found ? found + 3 : end;
}

/* A unit that begins a picture, or stands before one, ends the picture before it. */
static bool begins_picture(const unsigned char *unit)
{
	unsigned type = unit[0] & 31;

	return (type != 1 && type != 5) || unit[1] & 0x80;
}

static void send_h264(int peer)
{
	const unsigned char *end = clip + clip_size, *unit = next_unit(clip, end), *next;
	unsigned sequence = 0;
	uint32_t time = 0;

	for (; unit < end; unit = next) {
		size_t size;
		bool last;

		next = next_unit(unit, end);
		size = (size_t)(next - unit) - (next < end ? 3 : 0);
		while (size && unit[size - 1] == 0)
			size--;
		last = next == end || (begins_picture(next) && unit[0] % 32 < 6);
		send_unit(peer, unit, size, last, &sequence, time);
		time += last ? 3000 : 0;
	}
}

static void answer_rtsp(int peer, const char *request)
{
	static const char sdp[] = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
				  "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n";
	char more[4096];
	ssize_t n = 1;

	for (; n > 0; n = recv(peer, more, sizeof(more) - 1, 0), more[n > 0 ? n : 0] = '\0', request = more) {
		const char *number = strcasestr(request, "CSeq:");

		say(peer, "RTSP/1.0 200 OK\r\nCSeq: %d\r\nSession: 1\r\n", number ? atoi(number + 5) : 0);
		if (!strncmp(request, "DESCRIBE", 8))
			say(peer, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
		else if (!strncmp(request, "SETUP", 5))
			say(peer, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n");
		else
			say(peer, "Public: DESCRIBE, SETUP, PLAY\r\n\r\n");
		if (!strncmp(request, "PLAY", 4)) {
			send_h264(peer);
			return;
		}
	}
}

/* The clip's pictures, in slices that each fit a packet, at a server. */
static void start_rtsp(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "ffmpeg -nostdin -v error -i " REALSHORT " -an -c:v libx264 -tune zerolatency -bf 0 "
		 "-x264-params slice-max-size=1200:sliced-threads=0 -f h264 %s",
		 videos_path("clip.h264"));
	ck_assert_int_eq(system(command), 0);
	free(clip);
	clip = videos_load(videos_path("clip.h264"), &clip_size);
	start(answer_rtsp);
	memcpy(server.url, "rtsp", 4);
}

START_TEST(an_rtsp_camera_is_live)
{
	struct video_input *input;

	start_rtsp();
	ck_assert_msg(videos_open(&input, server.url) == 0, "%s", why);
	ck_assert(plugin->live(input));
	videos_see(input, &seen);
	ck_assert_uint_eq(seen.pictures, 36);
	ck_assert_uint_eq(seen.width, 320);
	ck_assert_uint_eq(seen.corrupt, 0);
	ck_assert_int_eq(seen.end, -ENODATA);
	ck_assert_int_eq(plugin->rewind(input), -ESPIPE);
	plugin->close(input);
}
END_TEST

START_TEST(a_silent_rtsp_camera_can_be_stopped)
{
	unsigned asked = 0;
	struct video_wish wish = {.url = server.url, .stop = after_a_while, .arg = &asked};
	struct video_input *input = NULL;

	start(answer_nothing);
	memcpy(server.url, "rtsp", 4);
	ck_assert_int_eq(plugin->open(&input, &wish, why, sizeof(why)), -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("video_stream");
	TCase *tcase = testing_case_between(suite, "servers", set_up, tear_down);

	tcase_add_test(tcase, a_video_of_a_server_is_like_a_file);
	tcase_add_loop_test(tcase, servers_without_a_video_are_refused, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, motion_jpeg_is_live);
	tcase_add_test(tcase, who_waits_for_a_silent_server_can_be_stopped);
	tcase_add_test(tcase, a_silent_server_is_given_up);
	tcase_add_test(tcase, a_server_that_falls_silent_is_given_up);
	tcase_add_test(tcase, an_rtsp_camera_is_live);
	tcase_add_test(tcase, a_silent_rtsp_camera_can_be_stopped);
	return testing_run(suite);
}
