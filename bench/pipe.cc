/*
 * bench/pipe.cc - messages of one size from a process to another: one way, and there and back.
 *
 * One way: the sender sends as fast as it can, and the last message is answered; a message's share of that. There and
 * back: the receiver answers each message with one of the same size. Both touch the same memory again and again, as
 * who fills a buffer and sends it does. Each round forks the other process anew; both go where the kernel puts them.
 *
 * With 64 KiB and 1 MiB there are also the things that Fairlead's pipe could be made of and is not, in bare system
 * calls, as references: packets of other sizes, and memory that is passed on (src/shm/pipe.c says what came of it).
 */
#include "harness.h"
#include "messages.hh"
#include "pipe_ways.hh"

/* clang-format off */
#define ONE_WAY(way, size) time_messages<way, size, false, false>
#define AND_BACK(way, size) time_messages<way, size, true, false>

#define PEERS(kind, size) \
	{"fairlead", BENCH_FAIRLEAD, kind(fairlead_pipe, size)}, \
	{"pipe(2)", BENCH_PEER, kind(unix_pipe, size)}, \
	{"socketpair, stream", BENCH_PEER, kind(stream_socket, size)}, \
	{"POSIX mq", BENCH_PEER, kind(posix_queue, size)}, \
	{"Boost message_queue", BENCH_PEER, kind(boost_queue, size)}

#define PARTS(kind, size) \
	{"packets, 32 KiB", BENCH_REFERENCE, kind(packets_of<32768>, size)}, \
	{"packets, 64 KiB", BENCH_REFERENCE, kind(packets_of<65536>, size)}, \
	{"memfd", BENCH_REFERENCE, kind(memfd_written, size)}, \
	{"memfd, mapped", BENCH_REFERENCE, kind(memfd_mapped, size)}

#define LARGE_PARTS(kind) \
	PARTS(kind, LARGE), \
	{"packets, 128 KiB", BENCH_REFERENCE, kind(packets_of<131072>, LARGE)}, \
	{"64 KiB, then memfd", BENCH_REFERENCE, kind(memfd_behind, LARGE)}
/* clang-format on */

using memfd_written = memfd<0, false>;
using memfd_mapped = memfd<0, true>;
using memfd_behind = memfd<65536, false>;

#define METRIC(title, text) \
	{ \
		{ \
			.name = title, .what = text, .unit = "us", .scale = 0.001 \
		} \
	}

const struct bench bench_pipe[] = {
	{
		.cpus = 1,
		.metrics = METRIC("pipe-64", "64 bytes to another process"),
		.contestants = {PEERS(ONE_WAY, SMALL)},
	},
	{
		.cpus = 1,
		.metrics = METRIC("pipe-64-back", "64 bytes to another process, and back"),
		.contestants = {PEERS(AND_BACK, SMALL)},
	},
	{
		.cpus = 1,
		.metrics = METRIC("pipe-64k", "64 KiB to another process"),
		.contestants = {PEERS(ONE_WAY, MEDIUM), PARTS(ONE_WAY, MEDIUM)},
	},
	{
		.cpus = 1,
		.metrics = METRIC("pipe-64k-back", "64 KiB to another process, and back"),
		.contestants = {PEERS(AND_BACK, MEDIUM), PARTS(AND_BACK, MEDIUM)},
	},
	{
		.cpus = 1,
		.metrics = METRIC("pipe-1m", "1 MiB to another process"),
		.contestants = {PEERS(ONE_WAY, LARGE), LARGE_PARTS(ONE_WAY)},
	},
	{
		.cpus = 1,
		.metrics = METRIC("pipe-1m-back", "1 MiB to another process, and back"),
		.contestants = {PEERS(AND_BACK, LARGE), LARGE_PARTS(AND_BACK)},
	},
	{},
};
