/*
 * check/unseen/bank.h - a library that uses Fairlead, and whose users need not know.
 */
struct bank;

struct bank *bank_open(void);
/* Moves coins from one of its two accounts to the other. */
void bank_move(struct bank *bank, int from, int coins);
int bank_close(struct bank *bank);
