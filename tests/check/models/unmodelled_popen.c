/*
 * check/models/unmodelled_popen.c - a stream to another process has no model, and is said.
 * check: fails not modelled: popen()
 */
#include <stdio.h>

int main(void)
{
	FILE *from = popen("true", "r");

	return from != NULL ? pclose(from) : 1;
}
