/* Followers of one channel of `kos serve`: one thread, epoll, loopback only. Does what it is told on standard input, a
 * line a command, and answers each with a line of JSON; what the connections get meanwhile is taken while it waits.
 *
 *   ./followers PORT CHANNEL PATHS      PATHS: a file, a request target for each connection in turn (/v1/stream?token=..)
 *
 *   open N CONC SECONDS       N more connections, each subscribed; CONC: how many handshakes are under way at most
 *   churn N CONC SUBSCRIBE SECONDS   N connections that are ended as soon as they are open (1: subscribed)
 *   mute N / sip N            N that subscribe and then read nothing / one byte a second; come back when cut off
 *   drop N                    the next N followers reset, keeping what position they are at
 *   back SECONDS [CONC]       all of them come back, with position and epoch; at once if CONC is not given
 *   run SECONDS               take what comes
 *   reach POSITION SECONDS    until every follower is at this position or behind it
 *   record                    from now on remember when which position came
 *   latency FILE              of each order in the file (a line "nanoseconds position", ascending) at each follower:
 *                             from then until the first frame at or behind its position
 *   state                     what came so far
 *   quit
 *
 * Every answer has ok, seconds, live, and note if something went wrong. A position that was skipped (`previous` is
 * beyond what the connection holds) counts as a gap.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAXN 40000
#define BUFSZ (1 << 20)
#define CARRYMAX (4 << 20)
#define SLOW_RCVBUF 4096
#define PER_ADDRESS 10000 /* connections from one loopback address: its ports are not endless */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { NONE, CONNECTING, HANDSHAKE, OPEN, LIVE };
enum { FOLLOWER, CHURN, MUTE, SIP };
typedef struct { uint64_t at, position; } seen_t;
typedef struct {
	int fd;
	uint8_t state, kind;
	uint32_t carried, room, n_seen, seen_room;
	char *carry;
	int64_t position;
	seen_t *seen;
} conn_t;

static conn_t C[MAXN];
static int N, ep, port, n_paths, n_under_way, n_live, recording, churn_subscribe, churn_done, churn_left;
static char **paths, *channel, epoch[80], note[240], *rbuf;
static uint64_t g_frames, g_bytes, g_snapshots, g_deltas, g_gaps, g_lost, g_errors, g_cut, g_pings, g_target, g_behind;

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
#define NOTE(...) do { if (!note[0]) snprintf(note, sizeof note, __VA_ARGS__); } while (0)

static void gone(conn_t *c) {
	if (c->state == CONNECTING || c->state == HANDSHAKE || c->state == OPEN) n_under_way--;
	if (c->state == LIVE && c->kind == FOLLOWER) n_live--;
	c->state = NONE;
	c->carried = 0;
	if (c->fd >= 0) close(c->fd);
	c->fd = -1;
}
static void reset(conn_t *c) { /* leaves no TIME_WAIT behind */
	struct linger lg = {1, 0};
	if (c->fd >= 0) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
	gone(c);
}
static void start(conn_t *c);
static void failed(conn_t *c, const char *why) {
	int slow = c->kind == MUTE || c->kind == SIP;
	if (slow && c->state == LIVE) { g_cut++; reset(c); start(c); return; }
	if (c->state == LIVE) g_lost++;
	g_errors++;
	NOTE("%s, errno %d", why, errno);
	reset(c);
}
static void put(conn_t *c, int opcode, const char *d, size_t n) {
	char b[1200];
	size_t o = 0;
	if (n > 1000) n = 1000;
	b[o++] = (char)(0x80 | opcode);
	if (n < 126) b[o++] = (char)(0x80 | n);
	else { b[o++] = (char)(0x80 | 126); b[o++] = (char)(n >> 8); b[o++] = (char)n; }
	memset(b + o, 0, 4); /* a mask of zeroes is a mask too */
	o += 4;
	memcpy(b + o, d, n);
	if (send(c->fd, b, o + n, MSG_NOSIGNAL) != (ssize_t)(o + n)) failed(c, "a short send");
}
static void start(conn_t *c) {
	int one = 1, i = c - C;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) { g_errors++; NOTE("socket: %s", strerror(errno)); return; }
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (c->kind == MUTE || c->kind == SIP) { int small = SLOW_RCVBUF; setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); }
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET};
	a.sin_addr.s_addr = htonl(0x7f000002u + i / PER_ADDRESS);
	if (bind(c->fd, (struct sockaddr *)&a, sizeof a) < 0) NOTE("bind: %s", strerror(errno));
	a.sin_addr.s_addr = htonl(0x7f000001u);
	a.sin_port = htons(port);
	c->state = CONNECTING;
	c->carried = 0;
	n_under_way++;
	if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS) { failed(c, "connect"); return; }
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data.ptr = c};
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void want(conn_t *c, uint32_t events) {
	struct epoll_event e = {.events = events | EPOLLRDHUP, .data.ptr = c};
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void hello(conn_t *c) {
	char b[4096];
	int l = snprintf(b, sizeof b,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: kos.v1\r\n\r\n",
		paths[(c - C) % n_paths], port);
	c->state = HANDSHAKE;
	if (send(c->fd, b, l, MSG_NOSIGNAL) != l) failed(c, "handshake send");
	else want(c, EPOLLIN);
}
static void churned(conn_t *c) { reset(c); churn_done++; if (churn_left > 0) { churn_left--; start(c); } }
static void opened(conn_t *c) {
	char b[800];
	c->state = OPEN;
	if (c->kind == CHURN && !churn_subscribe) { churned(c); return; }
	int l = snprintf(b, sizeof b, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"%s\"", channel);
	if (c->kind == FOLLOWER && c->position >= 0) l += snprintf(b + l, sizeof b - l, ",\"position\":%" PRId64 ",\"epoch\":\"%s\"", c->position, epoch);
	l += snprintf(b + l, sizeof b - l, "}");
	put(c, 1, b, l);
}
static int64_t number_of(const char *p, size_t n, const char *name, size_t m) { /* in the head of a message */
	const char *q = memmem(p, n, name, m);
	return q ? strtoll(q + m, NULL, 10) : -1;
}
static void message(conn_t *c, char *p, size_t n) {
	size_t head = n < 400 ? n : 400;
	g_frames++;
	int answer = n > 20 && !memcmp(p, "{\"type\":\"subscribed\"", 20), step = n > 21 && !memcmp(p, "{\"type\":\"publication\"", 21);
	if (!answer && !step) { g_errors++; NOTE("not expected: %.*s", (int)(n < 160 ? n : 160), p); return; }
	int64_t position = number_of(p, head, "\"position\":", 11);
	char *d = memmem(p, head, "\"delta\":", 8);
	d ? g_deltas++ : g_snapshots++;
	if (answer) {
		char *q = memmem(p, head, "\"epoch\":\"", 9);
		if (q && sscanf(q + 9, "%79[^\"]", epoch) != 1) epoch[0] = 0;
		if (c->state == OPEN) {
			c->state = LIVE;
			n_under_way--;
			if (c->kind == FOLLOWER) n_live++;
			if (c->kind == CHURN) { churned(c); return; }
			if (c->kind == MUTE || c->kind == SIP) want(c, 0);
		}
		if (!d || position > c->position) goto hold;
		return;
	}
	if (d) {
		if (position <= c->position) return;
		if (number_of(p, d - p, "\"previous\":", 11) > c->position) g_gaps++;
	}
hold:
	if (g_target && c->kind == FOLLOWER && c->position < (int64_t)g_target && position >= (int64_t)g_target) g_behind--;
	c->position = position;
	if (recording && c->kind == FOLLOWER) {
		if (c->n_seen == c->seen_room) c->seen = realloc(c->seen, sizeof(seen_t) * (c->seen_room = c->seen_room ? c->seen_room * 2 : 64));
		c->seen[c->n_seen++] = (seen_t){now_ns(), position};
	}
}
static size_t parse(conn_t *c, char *b, size_t n) { /* bytes taken */
	size_t o = 0;
	if (c->state == HANDSHAKE) {
		char *q = memmem(b, n, "\r\n\r\n", 4);
		if (!q) return 0;
		if (n < 12 || memcmp(b + 9, "101", 3)) { NOTE("handshake: %.*s", (int)(q - b < 200 ? q - b : 200), b); failed(c, "handshake"); return n; }
		o = q + 4 - b;
		opened(c);
	}
	while (c->state >= OPEN && n - o >= 2) {
		unsigned char *f = (unsigned char *)b + o;
		uint64_t l = f[1] & 127;
		size_t h = 2;
		if (l == 126) { if (n - o < 4) break; l = f[2] << 8 | f[3]; h = 4; }
		else if (l == 127) { if (n - o < 10) break; l = 0; for (int i = 2; i < 10; i++) l = l << 8 | f[i]; h = 10; }
		if ((f[1] & 128) || (f[0] & 0x70) || l > CARRYMAX) { failed(c, "a bad frame"); return n; }
		if (n - o < h + l) break;
		char *p = b + o + h;
		if ((f[0] & 15) == 1) message(c, p, l);
		else if ((f[0] & 15) == 9) { g_pings++; put(c, 10, p, l); }
		else if ((f[0] & 15) == 8) { NOTE("closed with %d", l >= 2 ? ((unsigned char)p[0] << 8 | (unsigned char)p[1]) : 0); failed(c, "closed"); return n; }
		o += h + l;
	}
	return c->state == NONE || c->state == CONNECTING ? n : o;
}
static void event(conn_t *c, uint32_t ev) {
	if (c->state == NONE) return;
	if (c->state == CONNECTING) {
		int e = 0; socklen_t l = sizeof e;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e) { errno = e; failed(c, "connect"); } else if (ev & EPOLLOUT) hello(c);
		return;
	}
	if ((c->kind == MUTE || c->kind == SIP) && c->state == LIVE) {
		if (ev & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) failed(c, "cut");
		return;
	}
	size_t have = c->carried;
	if (have) memcpy(rbuf, c->carry, have);
	ssize_t r = recv(c->fd, rbuf + have, BUFSZ, 0);
	if (r == 0) { errno = 0; failed(c, "ended by the server"); return; }
	if (r < 0) { if (errno != EAGAIN) failed(c, "recv"); return; }
	g_bytes += r;
	int fd = c->fd;
	size_t n = have + r, used = parse(c, rbuf, n);
	if (c->fd != fd || c->state < HANDSHAKE) return;
	c->carried = n - used;
	if (c->carried > c->room) c->carry = realloc(c->carry, c->room = c->carried * 2);
	if (c->carried) memcpy(c->carry, rbuf + used, c->carried);
}
static void step(int ms) {
	static struct epoll_event ev[512];
	static uint64_t sipped;
	int k = epoll_wait(ep, ev, 512, ms);
	for (int i = 0; i < k; i++) if (ev[i].data.ptr) event(ev[i].data.ptr, ev[i].events);
	uint64_t t = now_ns();
	if (t - sipped < 1000000000ull) return;
	sipped = t;
	char one;
	for (int i = 0; i < N; i++) if (C[i].kind == SIP && C[i].state == LIVE) recv(C[i].fd, &one, 1, 0);
}
static int cmp(const void *a, const void *b) { uint64_t x = *(uint64_t *)a, y = *(uint64_t *)b; return x < y ? -1 : x > y; }

/* Every pair of an order and a follower, in a histogram of 10 us up to 100 s. */
static void latency(const char *file, char *out, size_t room) {
	static uint32_t hist[10000001];
	seen_t *orders = NULL;
	size_t n = 0, cap = 0;
	uint64_t at, position, pairs = 0, missing = 0, most = 0;
	FILE *f = fopen(file, "r");
	while (f && fscanf(f, "%" SCNu64 " %" SCNu64, &at, &position) == 2) {
		if (n == cap) orders = realloc(orders, sizeof(seen_t) * (cap = cap ? cap * 2 : 1024));
		orders[n++] = (seen_t){at, position};
	}
	if (f) fclose(f);
	memset(hist, 0, sizeof hist);
	for (int i = 0; i < N; i++) {
		conn_t *c = &C[i];
		if (c->kind != FOLLOWER) continue;
		/* The file is in the order of positions, and so is what was seen. */
		for (size_t o = 0, s = 0; o < n; o++) {
			while (s < c->n_seen && c->seen[s].position < orders[o].position) s++;
			if (s == c->n_seen) { missing += n - o; break; }
			uint64_t d = c->seen[s].at > orders[o].at ? c->seen[s].at - orders[o].at : 0;
			if (d > most) most = d;
			hist[d / 10000 < 10000000 ? d / 10000 : 10000000]++;
			pairs++;
		}
	}
	double share[3] = {.5, .99, .999}, told[3] = {0};
	for (int k = 0; k < 3; k++) {
		uint64_t wanted = share[k] * pairs, sum = 0;
		for (int i = 0; i <= 10000000 && pairs; i++) if ((sum += hist[i]) > wanted) { told[k] = i * 0.01; break; }
	}
	snprintf(out, room, ",\"orders\":%zu,\"pairs\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,\"max_ms\":%.2f",
		n, pairs, missing, told[0], told[1], told[2], most * 1e-6);
	free(orders);
}
static void state(char *out, size_t room) {
	int64_t low = INT64_MAX, high = -1;
	int slow = 0;
	uint64_t positions[MAXN];
	int n = 0, different = 0;
	for (int i = 0; i < N; i++) {
		conn_t *c = &C[i];
		if ((c->kind == MUTE || c->kind == SIP) && c->state == LIVE) slow++;
		if (c->kind != FOLLOWER) continue;
		if (c->position < low) low = c->position;
		if (c->position > high) high = c->position;
		positions[n++] = c->position;
	}
	qsort(positions, n, sizeof *positions, cmp);
	for (int i = 0; i < n; i++) different += !i || positions[i] != positions[i - 1];
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	snprintf(out, room, ",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"snapshots\":%" PRIu64 ",\"deltas\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"errors\":%" PRIu64
		",\"cut\":%" PRIu64 ",\"pings\":%" PRIu64 ",\"slow\":%d,\"low\":%" PRId64 ",\"high\":%" PRId64 ",\"positions\":%d,\"cpu_s\":%.3f",
		g_frames, g_bytes, g_snapshots, g_deltas, g_gaps, g_lost, g_errors, g_cut, g_pings, slow, n ? low : -1, high, different,
		u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6);
}
static conn_t *another(int kind) {
	if (N >= MAXN) { NOTE("more than %d connections", MAXN); return NULL; }
	conn_t *c = &C[N++];
	*c = (conn_t){.fd = -1, .kind = kind, .position = -1};
	return c;
}
/* 0 unless all went well */
static int obey(char *line, char *out, size_t room) {
	char verb[16] = "", file[400] = "";
	double a = 0, b = 0, s = 0, d = 0;
	int words = sscanf(line, "%15s %lf %lf %lf %lf", verb, &a, &b, &s, &d);
	uint64_t t0 = now_ns(), lost = g_lost, errors = g_errors;
#define UNTIL(seconds) (now_ns() < t0 + (uint64_t)((seconds) * 1e9))
	if (!strcmp(verb, "open") && words == 4) {
		int first = N, wanted = n_live + (int)a;
		for (int i = 0; i < (int)a; i++) if (!another(FOLLOWER)) return 0;
		while (n_live < wanted && UNTIL(s) && g_errors == errors) {
			while (first < N && n_under_way < (int)b) start(&C[first++]);
			step(20);
		}
		return n_live == wanted;
	} else if (!strcmp(verb, "churn") && words == 5) {
		int n = (int)b < (int)a ? (int)b : (int)a, first = N;
		churn_done = 0;
		churn_left = (int)a - n;
		churn_subscribe = (int)s;
		for (int i = 0; i < n; i++) if (!another(CHURN)) return 0;
		for (int i = first; i < first + n; i++) start(&C[i]);
		while (churn_done < (int)a && UNTIL(d) && g_errors == errors) step(20);
		snprintf(out, room, ",\"handshakes\":%d", churn_done);
		for (int i = first; i < N; i++) free(C[i].carry);
		N = first;
		return churn_done == (int)a;
	} else if ((!strcmp(verb, "mute") || !strcmp(verb, "sip")) && words == 2) {
		int first = N;
		for (int i = 0; i < (int)a; i++) { conn_t *c = another(verb[0] == 'm' ? MUTE : SIP); if (!c) return 0; start(c); }
		int open = 0;
		while (open < (int)a && UNTIL(30)) { step(20); open = 0; for (int i = first; i < N; i++) open += C[i].state == LIVE; }
		return open == (int)a;
	} else if (!strcmp(verb, "drop") && words == 2) {
		int n = 0;
		for (int i = 0; i < N && n < (int)a; i++) if (C[i].kind == FOLLOWER && C[i].state == LIVE) { reset(&C[i]); n++; }
		return n == (int)a;
	} else if (!strcmp(verb, "back") && words >= 2) {
		int wanted = 0, next = 0, most = words > 2 ? (int)b : MAXN;
		for (int i = 0; i < N; i++) wanted += C[i].kind == FOLLOWER;
		while (n_live < wanted && UNTIL(a) && g_errors == errors) {
			for (; next < N && n_under_way < most; next++) if (C[next].kind == FOLLOWER && C[next].state == NONE) start(&C[next]);
			step(20);
		}
		return n_live == wanted;
	} else if (!strcmp(verb, "run") && words == 2) {
		while (UNTIL(a)) step(20);
		return g_lost == lost;
	} else if (!strcmp(verb, "reach") && words == 3) {
		g_behind = 0;
		g_target = (uint64_t)a;
		for (int i = 0; i < N; i++) g_behind += C[i].kind == FOLLOWER && C[i].position < (int64_t)g_target;
		while (g_behind && UNTIL(b)) step(20);
		g_target = 0;
		return !g_behind;
	} else if (!strcmp(verb, "record")) {
		for (int i = 0; i < N; i++) C[i].n_seen = 0;
		recording = 1;
		return 1;
	} else if (sscanf(line, "latency %399s", file) == 1) {
		latency(file, out, room);
		return 1;
	} else if (!strcmp(verb, "state")) {
		state(out, room);
		return 1;
	}
	NOTE("not understood: %.60s", line);
	return 0;
}
int main(int argc, char **argv) {
	if (argc != 4) { fprintf(stderr, "followers PORT CHANNEL PATHS\n"); return 2; }
	port = atoi(argv[1]);
	channel = argv[2];
	char line[2048];
	FILE *f = fopen(argv[3], "r");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		paths = realloc(paths, sizeof *paths * (n_paths + 1));
		paths[n_paths++] = strdup(line);
	}
	if (!n_paths) { fprintf(stderr, "no paths in %s\n", argv[3]); return 2; }
	fclose(f);
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	signal(SIGPIPE, SIG_IGN);
	rbuf = malloc(BUFSZ + CARRYMAX + 16);
	ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e);
	fcntl(0, F_SETFL, O_NONBLOCK);
	size_t have = 0;
	for (;;) {
		/* Pings are answered while nobody asks for anything. */
		step(200);
		ssize_t r = read(0, line + have, sizeof line - 1 - have);
		if (r == 0) return 0; /* whoever gives the commands is gone */
		if (r > 0) have += r;
		line[have] = 0;
		char *end = strchr(line, '\n');
		if (!end) continue;
		*end = 0;
		have = 0;
		if (!strcmp(line, "quit")) return 0;
		char out[1500] = "";
		uint64_t t0 = now_ns();
		note[0] = 0;
		int ok = obey(line, out, sizeof out);
		printf("{\"ok\":%s,\"seconds\":%.4f,\"live\":%d%s,\"note\":\"", ok ? "true" : "false", (now_ns() - t0) * 1e-9, n_live, out);
		for (char *q = note; *q; q++) putchar(*q == '"' || *q == '\\' || (unsigned char)*q < 32 ? ' ' : *q);
		printf("\"}\n");
		fflush(stdout);
	}
}
