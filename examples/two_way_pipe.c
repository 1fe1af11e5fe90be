/*
 * two_way_pipe.c - two processes talk both ways, and then one is killed: what does the other notice?
 *
 * A pipe has two ends, and each process closes the one that is not its own. The parent serves, the child hits the ball
 * back, each time as a whole message. Then the child is killed while the parent waits for it. It has not said goodbye,
 * but its end is closed by the kernel: the parent gets what the child had sent, and then -EPIPE, at once.
 *
 * Prints what the parent hears.
 */
#include <errno.h>
#include <fairlead/pipe.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int hit_back(fl_pipe *end)
{
	char text[32];
	size_t size;

	while (fl_pipe_recv(end, text, sizeof(text), &size) == 0) {
		memcpy(text, "pong", 4);
		if (fl_pipe_send(end, text, size) < 0)
			return 1;
	}
	return 0;
}

static void play(fl_pipe *end, int rally)
{
	char text[32];
	size_t size = (size_t)snprintf(text, sizeof(text), "ping %d", rally);

	if (fl_pipe_send(end, text, size) == 0 && fl_pipe_recv(end, text, sizeof(text), &size) == 0)
		printf("ping %d, %.*s\n", rally, (int)size, text);
}

int main(void)
{
	fl_pipe *mine, *theirs;
	size_t size;
	pid_t child;

	if (fl_pipe_create(&mine, &theirs) < 0 || (child = fork()) < 0)
		return 1;
	fl_pipe_close(child == 0 ? mine : theirs);
	if (child == 0)
		return hit_back(theirs);
	for (int rally = 1; rally <= 3; rally++)
		play(mine, rally);
	kill(child, SIGKILL);
	if (fl_pipe_recv(mine, NULL, 0, &size) == -EPIPE)
		puts("the other end is gone");
	fl_pipe_close(mine);
	return waitpid(child, NULL, 0) != child;
}
