/*
 * bench/frames.cc - images of 1920 x 1080 pixels, 24 bits each (6.2 MB), from one process to others.
 *
 * Latency: a frame is filled every PERIOD_NS; from the moment at which its producer begins to hand it over until each
 * reader has the whole image where it can use it. What a producer can do before that moment, it does: Fairlead's fills
 * the memory that readers will see; whoever has to copy copies afterwards. Readers of "mutex + condition" copy under
 * the lock, since the image is written over as soon as they release it. "fairlead, threads" are readers within the
 * producer's process. The floor is an eventfd written to, and nothing else: what it costs that a sleeping process runs.
 *
 * Rate: frames are filled as fast as they can be; how many a second the slowest reader got, all of them whole. Readers
 * of Fairlead and of the segment take the latest frame, the others every frame. The floor is the filling alone.
 *
 * Each round forks its readers anew. They say when they are ready, and leave what they saw in memory that all share.
 */
#include "harness.h"

#include <atomic>
#include <cstring>
#include <fairlead/frames.h>
#include <fcntl.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <zmq.h>

enum { MOST_READERS = 3, MOST_FRAMES = 4096, PERIOD_NS = 5000000, FRAMES = 60, QUICK_FRAMES = 12 };

static const size_t image_size = 1920ul * 1080 * 3;

/* What readers leave. A frame's number is in its first 8 bytes. */
struct board {
	std::atomic<unsigned> ready;
	unsigned readers;
	struct {
		int64_t got_at[MOST_FRAMES];
		uint64_t got;
	} of[MOST_READERS];
	/* The segment of "mutex + condition". */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t number;
	bool over;
};
static board *board;
static unsigned char *segment, *camera;

static void *map_shared(size_t size)
{
	void *start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (start == MAP_FAILED)
		bench_fail("frames: no memory");
	return start;
}

static void fill(void *image, uint64_t number)
{
	memcpy(image, camera, image_size);
	memcpy(image, &number, sizeof number);
}

static uint64_t number_of(const void *image)
{
	uint64_t number;

	memcpy(&number, image, sizeof number);
	return number;
}

/* ---- the ways to hand an image over: loan and publish by the producer, next by each reader ---- */

struct fairlead_frames {
	fl_frames *frames = nullptr;
	fl_frames_reader *reader = nullptr;
	fl_frame frame = {};
	fl_frame_info info;
	std::string name = "bench-" + std::to_string(getpid());

	void make()
	{
		fl_frames_options options = {};

		options.name = name.c_str();
		options.size = image_size;
		if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 1920, 1080) != 0 ||
		    fl_frames_create(&frames, &options) != 0)
			bench_fail("frames: fairlead's channel");
	}
	void begin()
	{
		make();
		if (fl_frames_serve(frames) != 0)
			bench_fail("frames: fairlead's channel cannot be served");
	}
	void *loan()
	{
		void *data = nullptr;

		if (fl_frames_loan(frames, image_size, &data) != 0)
			bench_fail("frames: fairlead's loan");
		return data;
	}
	void publish() { fl_frames_publish(frames, &info); }
	void end() { fl_frames_close(frames); }

	void open(unsigned)
	{
		if (fl_frames_open(&reader, name.c_str(), nullptr) != 0)
			bench_fail("frames: fairlead's reader");
	}
	const void *next() { return fl_frames_next(reader, &frame) == 0 ? frame.data : nullptr; }
};

struct pipes {
	int ends[MOST_READERS][2];
	std::vector<unsigned char> mine = std::vector<unsigned char>(image_size);
	int in = -1;

	pipes()
	{
		for (auto &end : ends)
			if (pipe2(end, O_CLOEXEC) != 0)
				bench_fail("frames: a pipe");
		for (auto &end : ends)
			fcntl(end[1], F_SETPIPE_SZ, 1 << 20);
	}
	void begin()
	{
		for (auto &end : ends)
			close(end[0]);
	}
	void *loan() { return mine.data(); }
	void publish()
	{
		for (unsigned i = 0; i < board->readers; i++)
			for (size_t done = 0; done < image_size;) {
				ssize_t n = write(ends[i][1], mine.data() + done, image_size - done);

				if (n <= 0)
					bench_fail("frames: writing to a pipe");
				done += static_cast<size_t>(n);
			}
	}
	void end()
	{
		for (auto &end : ends)
			close(end[1]);
	}

	void open(unsigned index)
	{
		in = ends[index][0];
		for (auto &end : ends)
			close(end[1]);
	}
	const void *next()
	{
		for (size_t done = 0; done < image_size;) {
			ssize_t n = read(in, mine.data() + done, image_size - done);

			if (n <= 0)
				return nullptr;
			done += static_cast<size_t>(n);
		}
		return mine.data();
	}
};

/* The image is filled under the lock, so readers are kept out meanwhile, as it has to be. */
struct locked_segment {
	std::vector<unsigned char> mine = std::vector<unsigned char>(image_size);
	uint64_t last = 0;

	locked_segment()
	{
		pthread_mutexattr_t mutex;
		pthread_condattr_t cond;

		pthread_mutexattr_init(&mutex);
		pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&board->mutex, &mutex);
		pthread_condattr_init(&cond);
		pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
		pthread_cond_init(&board->changed, &cond);
		board->number = 0;
		board->over = false;
	}
	void begin() {}
	void *loan()
	{
		pthread_mutex_lock(&board->mutex);
		return segment;
	}
	void publish()
	{
		board->number++;
		pthread_cond_broadcast(&board->changed);
		pthread_mutex_unlock(&board->mutex);
	}
	void end()
	{
		pthread_mutex_lock(&board->mutex);
		board->over = true;
		pthread_cond_broadcast(&board->changed);
		pthread_mutex_unlock(&board->mutex);
	}

	void open(unsigned) {}
	const void *next()
	{
		bool over;

		pthread_mutex_lock(&board->mutex);
		while (board->number == last && !board->over)
			pthread_cond_wait(&board->changed, &board->mutex);
		over = board->number == last;
		last = board->number;
		if (!over)
			memcpy(mine.data(), segment, image_size);
		pthread_mutex_unlock(&board->mutex);
		return over ? nullptr : mine.data();
	}
};

struct zeromq {
	std::string name = "ipc:///tmp/fairlead-bench-" + std::to_string(getpid());
	void *context = nullptr, *socket = nullptr;
	zmq_msg_t message;

	void begin()
	{
		char subscription[8];
		int every = 1;

		context = zmq_ctx_new();
		socket = zmq_socket(context, ZMQ_XPUB);
		zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &every, sizeof every); /* also of those that it knows */
		if (zmq_bind(socket, name.c_str()) != 0)
			bench_fail("frames: ZeroMQ cannot bind");
		for (unsigned i = 0; i < board->readers; i++)
			zmq_recv(socket, subscription, sizeof subscription, 0);
	}
	void *loan()
	{
		zmq_msg_init_size(&message, image_size);
		return zmq_msg_data(&message);
	}
	void publish() { zmq_msg_send(&message, socket, 0); }
	void end()
	{
		zmq_send(socket, "", 0, 0);
		zmq_close(socket);
		zmq_ctx_term(context);
		unlink(name.c_str() + strlen("ipc://"));
	}

	void open(unsigned)
	{
		context = zmq_ctx_new();
		socket = zmq_socket(context, ZMQ_SUB);
		zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
		zmq_connect(socket, name.c_str()); /* it tries until there is somebody */
		zmq_msg_init(&message);
	}
	const void *next()
	{
		if (zmq_msg_recv(&message, socket, 0) < static_cast<int>(image_size))
			return nullptr;
		return zmq_msg_data(&message);
	}
};

/* No image, only that there is one. */
struct bare_wake {
	int bells[MOST_READERS];
	unsigned mine = 0;

	bare_wake()
	{
		for (int &bell : bells)
			bell = eventfd(0, EFD_CLOEXEC);
	}
	void begin() { board->over = false; }
	void *loan() { return segment; }
	void publish()
	{
		for (int bell : bells)
			eventfd_write(bell, 1);
	}
	void end()
	{
		board->over = true;
		publish();
	}

	void open(unsigned index) { mine = index; }
	const void *next()
	{
		eventfd_t n;

		return eventfd_read(bells[mine], &n) == 0 && !board->over ? segment : nullptr;
	}
};

/* ---- readers ---- */

template <class way> static void read_all(way *object, unsigned index)
{
	auto &mine = board->of[index];
	const void *image;

	mine.got = 0;
	object->open(index);
	board->ready++;
	while ((image = object->next()) != nullptr) {
		mine.got_at[number_of(image) % MOST_FRAMES] = bench_now();
		mine.got++;
	}
}

static std::vector<pid_t> children;

template <class way> static void start_readers(way *object)
{
	for (unsigned i = 0; i < board->readers; i++) {
		pid_t child = fork();

		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
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
	bench_crew_start(&object->crew, BENCH_FREE, board->readers, frames_in_threads::look, object);
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
	if (board == nullptr) {
		board = static_cast<struct board *>(map_shared(sizeof *board));
		segment = static_cast<unsigned char *>(map_shared(image_size));
		camera = static_cast<unsigned char *>(map_shared(image_size));
		memset(camera, 0x55, image_size);
	}
	memset(board->of, 0, sizeof board->of);
	board->ready = 0;
	board->readers = readers;
}

template <class way> static way *start(unsigned readers)
{
	prepare(readers);
	auto *object = new way;

	start_readers(object);
	begin(object);
	while (board->ready < readers)
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

template <class way, unsigned readers> static void measure_latency(double *ret_figures)
{
	way *object = start<way>(readers);
	unsigned frames = bench_settings.quick ? QUICK_FRAMES : FRAMES;
	std::vector<int64_t> begun(frames);
	std::vector<double> latencies, publishing;

	for (unsigned i = 0; i < frames; i++) {
		int64_t next = bench_now() + PERIOD_NS;
		void *image = object->loan();

		fill(image, i);
		begun[i] = bench_now();
		object->publish();
		publishing.push_back(static_cast<double>(bench_now() - begun[i]) / 1000);
		int64_t left = next - bench_now();

		if (left > 0)
			usleep(static_cast<useconds_t>(left / 1000));
	}
	finish(object);
	for (unsigned r = 0; r < readers; r++)
		for (unsigned i = 2; i < frames; i++) /* the first of all touch memory for the first time */
			if (board->of[r].got_at[i] != 0)
				latencies.push_back(static_cast<double>(board->of[r].got_at[i] - begun[i]) / 1000);
	ret_figures[0] = share(&latencies, 0.5);
	ret_figures[1] = share(&latencies, 0.99);
	ret_figures[2] = share(&publishing, 0.99);
	delete object;
}

template <class way, unsigned readers> static void measure_rate(double *ret_figures)
{
	way *object = start<way>(readers);
	int64_t begin = bench_now(), end = begin + (bench_settings.quick ? 30000000 : 200000000);
	uint64_t n = 0, least = UINT64_MAX;

	while (bench_now() < end) {
		fill(object->loan(), n++);
		object->publish();
	}
	finish(object);
	double seconds = static_cast<double>(bench_now() - begin) / 1e9;

	for (unsigned r = 0; r < readers; r++)
		least = board->of[r].got < least ? board->of[r].got : least;
	ret_figures[0] = static_cast<double>(least) / seconds;
	delete object;
}

/* The floor of the rate: filling, with nobody to read. */
static void measure_fill(double *ret_figures)
{
	prepare(0);
	int64_t begin = bench_now(), end = begin + (bench_settings.quick ? 30000000 : 200000000);
	uint64_t n = 0;

	while (bench_now() < end)
		fill(segment, n++);
	ret_figures[0] = static_cast<double>(n) / (static_cast<double>(bench_now() - begin) / 1e9);
}

#define LATENCY(way, readers) nullptr, measure_latency<way, readers>
#define RATE(way, readers) nullptr, measure_rate<way, readers>

#define LATENCIES(readers) \
	{ \
		{"fairlead", BENCH_FAIRLEAD, LATENCY(fairlead_frames, readers)}, \
			{"fairlead, threads", BENCH_VARIANT, LATENCY(frames_in_threads, readers)}, \
			{"pipe", BENCH_PEER, LATENCY(pipes, readers)}, \
			{"mutex + condition", BENCH_PEER, LATENCY(locked_segment, readers)}, \
			{"ZeroMQ", BENCH_PEER, LATENCY(zeromq, readers)}, \
			{"floor: eventfd", BENCH_FLOOR, LATENCY(bare_wake, readers)}, \
	}
#define RATES(readers) \
	{ \
		{"fairlead", BENCH_FAIRLEAD, RATE(fairlead_frames, readers)}, \
			{"fairlead, threads", BENCH_VARIANT, RATE(frames_in_threads, readers)}, \
			{"pipe", BENCH_PEER, RATE(pipes, readers)}, \
			{"mutex + condition", BENCH_PEER, RATE(locked_segment, readers)}, \
			{"ZeroMQ", BENCH_PEER, RATE(zeromq, readers)}, \
			{"floor: fill", BENCH_FLOOR, nullptr, measure_fill}, \
	}

const struct bench bench_frames[] = {
	{
		.cpus = 2,
		.metrics = {{.name = "frames",
			     .what = "a 1080p image to another process: from handing it over until it is there, median",
			     .unit = "us"},
			    {.name = "frames-p99", .what = "the same: 99 of 100 take at most", .unit = "us"},
			    {.name = "frames-publish",
			     .what = "the same: how long the producer is busy, p99",
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
			     .aims = {{BENCH_AIM_AT_MOST, nullptr, 100}}}},
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
