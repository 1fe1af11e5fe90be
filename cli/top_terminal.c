/*
 * cli/top_terminal.c - the terminal of `fairlead top`: taking it, giving it back, keys.
 *
 * It is given back also if a signal ends the program, wherever that is at the moment: the handler does by itself what
 * ncurses would do, with calls that are allowed there, and then lets the signal do what it does.
 */
#include "top.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static char give_back[128]; /* what the terminal is told at the end */

static void append(const char *capability)
{
	const char *text = tigetstr((char *)(uintptr_t)capability);
	size_t length = strlen(give_back);

	if (text && text != (char *)-1 && strlen(text) < sizeof(give_back) - length)
		memcpy(give_back + length, text, strlen(text) + 1);
}

static void on_signal(int signal)
{
	int saved = errno;

	(void)!write(STDOUT_FILENO, give_back, strlen(give_back));
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	errno = saved;
	raise(signal); /* it is the default's now */
}

static void handle_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

int top_terminal_open(const char *path)
{
	const char *name = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
		fprintf(stderr, "%s: it needs a terminal; 'fairlead ps' does not\n", path);
		return -ENOTTY;
	}
	if (!newterm(NULL, stdout, stdin)) {
		fprintf(stderr, "%s: the terminal '%.60s' is not known\n", path, name ? name : "");
		return -ENOTTY;
	}
	append("sgr0");
	append("cnorm");
	append("rmcup");
	handle_signals();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	timeout(0);
	return 0;
}

void top_terminal_close(void)
{
	endwin();
}

/* A change of size ends the wait by its signal, and comes as a key. */
int top_terminal_key(fl_time until)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	fl_time left = fl_remaining(until);
	int n = poll(&input, 1, (int)(left / FL_MS(1) + (left % FL_MS(1) > 0))), key;

	if (n > 0 && !(input.revents & POLLIN))
		return -EIO;
	key = getch();
	if (key != ERR)
		return key;
	return n > 0 && (input.revents & (POLLHUP | POLLERR)) ? -EIO : 0;
}
