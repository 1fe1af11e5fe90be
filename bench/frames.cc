/*
 * bench/frames.cc - images of 1920 x 1080 pixels, 24 bits each (6.2 MB), from one process to others.
 *
 * Latency: a frame is filled every PERIOD_NS; from the moment at which its producer begins to hand it over until each
 * reader has the whole image where it can use it. What a producer can do before that moment, it does: Fairlead's fills
 * the memory that readers will see; whoever has to copy copies afterwards. Readers of "mutex + condition" copy under
 * the lock, since the image is written over as soon as they release it. "fairlead, threads" are readers within the
 * producer's process. The floor is an eventfd written to, and nothing else: what it costs that a sleeping process runs.
 *
 * CPU: what the producer and all of its readers use up for a frame meanwhile, filling included, which the floor has to
 * do as well. The first frames, for which memory is touched for the first time, count in neither figure.
 *
 * Rate: frames are filled as fast as they can be; how many a second the slowest reader got, all of them whole. Readers
 * of Fairlead, of the segment and of the memory sink take the latest frame, the others every frame. The floor is the
 * filling alone.
 *
 * Each round forks its readers anew. They say when they are ready, and leave what they saw in memory that all share.
 */
#include "frames_memsink.hh"
#include "frames_ways.hh"
#ifdef BENCH_HAS_GSTREAMER
#include "frames_gstreamer.hh"
#endif

#include <algorithm>
#include <ctime>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Frames 0 to WARM come before what is measured, except in rates. */
enum { PERIOD_NS = 5000000, FRAMES = 64, QUICK_FRAMES = 16, WARM = 3 };

board *frames_board;
unsigned char *frames_segment, *frames_camera;

/* What all threads of this process have used. */
static int64_t cpu_now()
{
	timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- readers ---- */

template <class way> static void read_all(way *object, unsigned index)
{
	auto &mine = frames_board->of[index];
	int64_t cpu = 0;
	const void *image;

	object->open(index);
	frames_board->ready++;
	while ((image = object->next()) != nullptr) {
		uint64_t number = number_of(image);

		mine.got_at[number % MOST_FRAMES] = bench_now();
		mine.got++;
		if (number <= WARM)
			cpu = cpu_now();
		else
			mine.cpu = cpu_now() - cpu;
	}
}

static std::vector<pid_t> children;

static pid_t fork_child()
{
	pid_t child = fork();

	if (child < 0)
		bench_fail("frames: cannot fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

template <class way> static void start_readers(way *object)
{
	for (unsigned i = 0; i < frames_board->readers; i++) {
		pid_t child = fork_child();

		if (child == 0) {
			read_all(object, i);
			_exit(0);
		}
		children.push_back(child);
	}
}

static void end_readers()
{
	int status;

	for (pid_t child : children)
		if (waitpid(child, &status, 0) != child || status != 0)
			bench_fail("frames: a reader failed");
	children.clear();
}

/* Threads instead of processes: the same for Fairlead, but for how they come to the channel. */
struct attached : fairlead_frames {
	void open(unsigned)
	{
		if (fl_frames_attach(&reader, frames, nullptr) != 0)
			bench_fail("frames: fairlead's reader");
	}
};

struct frames_in_threads : fairlead_frames {
	static constexpr bool in_threads = true;
	bench_crew crew;

	static void look(void *arg, unsigned index)
	{
		attached mine;

		mine.frames = static_cast<frames_in_threads *>(arg)->frames;
		read_all(&mine, index);
		fl_frames_done(&mine.frame);
		fl_frames_reader_close(mine.reader);
	}
};

static void start_readers(frames_in_threads *object)
{
	object->make();
	bench_crew_start(&object->crew, BENCH_FREE, frames_board->readers, frames_in_threads::look, object);
}

template <class way> static void finish(way *object)
{
	object->end();
	end_readers();
}

static void finish(frames_in_threads *object)
{
	object->end();
	bench_crew_join(&object->crew);
}

template <class way> static void begin(way *object)
{
	object->begin();
}

static void begin(frames_in_threads *)
{
}

/* ---- the producer ---- */

static void prepare(unsigned readers)
{
	if (frames_board == nullptr) {
		frames_board = static_cast<board *>(map_shared(sizeof *frames_board));
		frames_segment = static_cast<unsigned char *>(map_shared(image_size));
		frames_camera = static_cast<unsigned char *>(map_shared(image_size));
		memset(frames_camera, 0x55, image_size);
	}
	for (auto &one : frames_board->of) {
		memset(one.got_at, 0, sizeof one.got_at);
		one.got = 0;
		one.cpu = 0;
	}
	frames_board->ready = 0;
	frames_board->listens = false;
	frames_board->readers = readers;
}

template <class way> static way *start(unsigned readers)
{
	prepare(readers);
	auto *object = new way;

	start_readers(object);
	begin(object);
	while (frames_board->ready < readers)
		usleep(100);
	return object;
}

static double share(std::vector<double> *samples, double part)
{
	std::vector<double> &all = *samples;
	size_t n = all.size();

	if (n == 0)
		return 0;
	bench_median(all.data(), n); /* sorts */
	return all[static_cast<size_t>(part * static_cast<double>(n - 1))];
}

static uint64_t least_got()
{
	uint64_t least = UINT64_MAX;

	for (unsigned r = 0; r < frames_board->readers; r++)
		least = std::min<uint64_t>(least, frames_board->of[r].got);
	return least;
}

/* Fills and publishes a frame, notes when it began to and how long that took, and waits for the next one's time. */
template <class way> static void produce(way *object, unsigned i, int64_t *ret_begun, double *ret_took)
{
	int64_t next = bench_now() + PERIOD_NS;

	fill(object->loan(), i);
	*ret_begun = bench_now();
	object->publish();
	*ret_took = static_cast<double>(bench_now() - *ret_begun) / 1000;
	int64_t left = next - bench_now();

	if (left > 0)
		usleep(static_cast<useconds_t>(left / 1000));
}

template <class way> static double cpu_a_frame(int64_t producer, unsigned frames)
{
	int64_t all = producer;

	for (unsigned r = 0; r < frames_board->readers && !way::in_threads; r++)
		all += frames_board->of[r].cpu;
	return static_cast<double>(all) / 1000 / frames;
}

template <class way> static void latency_round(unsigned readers, double *ret_figures)
{
	way *object = start<way>(readers);
	unsigned frames = bench_settings.quick ? QUICK_FRAMES : FRAMES;
	std::vector<int64_t> begun(frames);
	std::vector<double> latencies, publishing(frames);
	int64_t cpu = 0;

	for (unsigned i = 0; i < frames; i++) {
		if (i == WARM + 1)
			cpu = cpu_now();
		produce(object, i, &begun[i], &publishing[i]);
	}
	cpu = cpu_now() - cpu;
	finish(object);
	for (unsigned r = 0; r < readers; r++)
		for (unsigned i = WARM + 1; i < frames; i++)
			if (frames_board->of[r].got_at[i] != 0)
				latencies.push_back(static_cast<double>(frames_board->of[r].got_at[i] - begun[i]) /
						    1000);
	ret_figures[0] = share(&latencies, 0.5);
	ret_figures[1] = share(&latencies, 0.99);
	ret_figures[2] = share(&publishing, 0.99);
	ret_figures[3] = cpu_a_frame<way>(cpu, frames - WARM - 1);
	delete object;
}

/* It lasts until each reader has had an image, however long that takes. */
template <class way> static void rate_round(unsigned readers, double *ret_figures)
{
	way *object = start<way>(readers);
	int64_t begin = bench_now(), end = begin + (bench_settings.quick ? 30000000 : 200000000);
	uint64_t n = 0;

	while (bench_now() < end || least_got() == 0) {
		fill(object->loan(), n++);
		object->publish();
	}
	finish(object);
	double seconds = static_cast<double>(bench_now() - begin) / 1e9;

	ret_figures[0] = static_cast<double>(least_got()) / seconds;
	delete object;
}

/* Runs a round here, or in a process of its own if the way wants one. */
template <class way> static void run_round(void (*round)(unsigned, double *), unsigned readers, double *ret_figures)
{
	int status;

	if (!way::own_process) {
		round(readers, ret_figures);
		return;
	}
	prepare(readers);
	pid_t child = fork_child();

	if (child == 0) {
		round(readers, frames_board->figures);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		bench_fail("frames: a producer failed");
	memcpy(ret_figures, frames_board->figures, sizeof frames_board->figures);
}

template <class way, unsigned readers> static void measure_latency(double *ret_figures)
{
	run_round<way>(latency_round<way>, readers, ret_figures);
}

template <class way, unsigned readers> static void measure_rate(double *ret_figures)
{
	run_round<way>(rate_round<way>, readers, ret_figures);
}

/* The floor of the rate: filling, with nobody to read. */
static void measure_fill(double *ret_figures)
{
	prepare(0);
	int64_t begin = bench_now(), end = begin + (bench_settings.quick ? 30000000 : 200000000);
	uint64_t n = 0;

	do {
		fill(frames_segment, n++);
	} while (bench_now() < end);
	ret_figures[0] = static_cast<double>(n) / (static_cast<double>(bench_now() - begin) / 1e9);
}

#define LATENCY(way, readers) nullptr, measure_latency<way, readers>
#define RATE(way, readers) nullptr, measure_rate<way, readers>

#ifdef BENCH_HAS_GSTREAMER
#define GSTREAMER(measured, readers) {"GStreamer shm", BENCH_PEER, measured(gstreamer, readers)},
static const char *const missing = nullptr;
#else
#define GSTREAMER(measured, readers)
static const char *const missing = "GStreamer shm does not take part: it was not there when this was built";
#endif
#define FLOCK "flock + poll, as ustreamer's memsink"

#define LATENCIES(readers) \
	{ \
		{"fairlead", BENCH_FAIRLEAD, LATENCY(fairlead_frames, readers)}, \
			{"fairlead, threads", BENCH_VARIANT, LATENCY(frames_in_threads, readers)}, \
			{"pipe", BENCH_PEER, LATENCY(pipes, readers)}, \
			{"mutex + condition", BENCH_PEER, LATENCY(locked_segment, readers)}, \
			{"ZeroMQ", BENCH_PEER, LATENCY(zeromq, readers)}, \
			GSTREAMER(LATENCY, readers){FLOCK, BENCH_PEER, LATENCY(memsink, readers)}, \
			{"floor: eventfd", BENCH_FLOOR, LATENCY(bare_wake, readers)}, \
	}
#define RATES(readers) \
	{ \
		{"fairlead", BENCH_FAIRLEAD, RATE(fairlead_frames, readers)}, \
			{"fairlead, threads", BENCH_VARIANT, RATE(frames_in_threads, readers)}, \
			{"pipe", BENCH_PEER, RATE(pipes, readers)}, \
			{"mutex + condition", BENCH_PEER, RATE(locked_segment, readers)}, \
			{"ZeroMQ", BENCH_PEER, RATE(zeromq, readers)}, \
			GSTREAMER(RATE, readers){FLOCK, BENCH_PEER, RATE(memsink, readers)}, \
			{"floor: fill", BENCH_FLOOR, nullptr, measure_fill}, \
	}

const struct bench bench_frames[] = {
	{
		.cpus = 2,
		.note = missing,
		.metrics = {{.name = "frames",
			     .what = "a 1080p image to another process: from handing it over until it is there, median",
			     .unit = "us"},
			    {.name = "frames-p99", .what = "the same: 99 of 100 take at most", .unit = "us"},
			    {.name = "frames-publish",
			     .what = "the same: how long the producer is busy, p99",
			     .unit = "us"},
			    {.name = "frames-cpu",
			     .what = "the same: CPU time a frame, of both processes, filling included",
			     .unit = "us"}},
		.contestants = LATENCIES(1),
	},
	{
		.cpus = 2,
		.metrics = {{.name = "frames-3",
			     .what = "a 1080p image to three other processes: from handing it over until there, median",
			     .unit = "us"},
			    {.name = "frames-3-p99", .what = "the same: 99 of 100 take at most", .unit = "us"},
			    {.name = "frames-3-publish",
			     .what = "the same: how long the producer is busy, p99",
			     .unit = "us",
			     .aims = {{BENCH_AIM_AT_MOST, nullptr, 100}}},
			    {.name = "frames-3-cpu",
			     .what = "the same: CPU time a frame, of all four processes, filling included",
			     .unit = "us"}},
		.contestants = LATENCIES(3),
	},
	{
		.cpus = 2,
		.metrics = {{.name = "frames-rate",
			     .what = "1080p images a second to another process, as fast as they can be filled",
			     .unit = "1/s",
			     .higher_is_better = true,
			     .aims = {{BENCH_AIM_RATIO_AT_LEAST, "floor: fill", 0.9}}}},
		.contestants = RATES(1),
	},
	{
		.cpus = 2,
		.metrics = {{.name = "frames-rate-3",
			     .what = "the same to three other processes",
			     .unit = "1/s",
			     .higher_is_better = true}},
		.contestants = RATES(3),
	},
	{},
};
