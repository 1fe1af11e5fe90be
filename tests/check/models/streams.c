/*
 * check/models/streams.c - streams over pipes between threads: who reads a line waits for who writes it, and knows what
 * that one did; what does not fit into the pipe waits; each line comes whole, whoever shares the stream; its end is
 * seen, also where nothing is written any more.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *in, *out;
static int value;

static void open_pipe(void)
{
	int ends[2];

	assert(pipe(ends) == 0);
	in = fdopen(ends[0], "r");
	out = fdopen(ends[1], "w");
	assert(in && out && fileno(in) == ends[0]);
}

static void *write_lines(void *arg)
{
	value = 7;
	fprintf(out, "first %d\n", 1);
	assert(fflush(out) == 0);
	assert(dprintf(fileno(out), "second %d\n", 2) == 9);
	for (int i = 0; i < 10000; i++)
		fprintf(out, "%09d\n", i);
	assert(fputs("3 4", out) >= 0 && fclose(out) == 0);
	return arg;
}

static void read_lines(void)
{
	char line[100], *long_line = NULL;
	size_t size = 0;
	int a, b;

	assert(fgets(line, sizeof(line), in) && strcmp(line, "first 1\n") == 0 && value == 7);
	assert(getline(&long_line, &size, in) == 9 && strcmp(long_line, "second 2\n") == 0);
	free(long_line);
	for (int i = 0; i < 10000; i++)
		assert(fread(line, 1, 10, in) == 10 && atoi(line) == i);
	assert(fscanf(in, "%d %d", &a, &b) == 2 && a == 3 && b == 4);
	assert(fgetc(in) == EOF && feof(in) && !ferror(in) && fclose(in) == 0);
}

/* Longer than the pipe: in the middle of it the writer waits, with the stream's lock. */
static void *write_long_line(void *arg)
{
	static const char text[65000];

	flockfile(out);
	for (int i = 0; i < 2; i++)
		assert(fwrite(text, 1, sizeof(text), out) == sizeof(text));
	assert(fputs(arg, out) >= 0 && fflush(out) == 0);
	funlockfile(out);
	return arg;
}

static void read_long_lines(int n)
{
	static char text[130000];

	for (int i = 0; i < n; i++) {
		assert(fread(text, 1, sizeof(text), in) == sizeof(text));
		assert(memchr(text, 'x', sizeof(text)) == NULL);
		assert(fgetc(in) == 'x');
	}
}

static void *read_one(void *ret_character)
{
	*(int *)ret_character = fgetc(in);
	return NULL;
}

static void share(void)
{
	pthread_t one, other;
	int a, b;

	open_pipe();
	pthread_create(&one, NULL, write_long_line, "x");
	pthread_create(&other, NULL, write_long_line, "x");
	read_long_lines(2);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	pthread_create(&one, NULL, read_one, &a);
	pthread_create(&other, NULL, read_one, &b);
	fputs("yz", out);
	fclose(out);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	assert(a + b == 'y' + 'z');
	fclose(in);
}

/* It has nothing to write when it closes the stream; who waits for its end goes on, and knows what was done before. */
static void *close_later(void *arg)
{
	assert(fputs("x", out) >= 0 && fflush(out) == 0);
	sched_yield();
	value = 8;
	assert(fclose(out) == 0);
	return arg;
}

static void see_its_end(void)
{
	pthread_t writer;

	open_pipe();
	pthread_create(&writer, NULL, close_later, NULL);
	assert(fgetc(in) == 'x' && fgetc(in) == EOF && value == 8);
	pthread_join(writer, NULL);
	fclose(in);
}

/* Standard output may be a pipe, too. */
static void redirect(void)
{
	int before = dup(STDOUT_FILENO);
	char line[20];

	open_pipe();
	assert(dup2(fileno(out), STDOUT_FILENO) == STDOUT_FILENO && fclose(out) == 0);
	puts("said");
	fflush(stdout);
	assert(dup2(before, STDOUT_FILENO) == STDOUT_FILENO && close(before) == 0);
	assert(fgets(line, sizeof(line), in) && strcmp(line, "said\n") == 0 && fgetc(in) == EOF);
	fclose(in);
}

int main(void)
{
	pthread_t writer;

	open_pipe();
	pthread_create(&writer, NULL, write_lines, NULL);
	read_lines();
	pthread_join(writer, NULL);
	share();
	see_its_end();
	redirect();
	return 0;
}
