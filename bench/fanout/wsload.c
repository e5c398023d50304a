/* The subscribers and the publisher of the fan-out benchmark: one thread, epoll, loopback only.
 *
 *   ./wsload --n 1000 --port 9000 --path /ws --publish ws --pub-path /pub --pids 1234 --phases probe:10,win:16:3,rate:10:3
 *
 * Opens N subscribers and a publisher (--publish ws: one WebSocket message each, http: one POST each), answers pings,
 * parses frames over any read boundary, counts messages, takes latency from "ts":<ns MONOTONIC> in each message.
 * Phases: probe:MOST until every subscriber has seen a message; idle:0:SECONDS; win:W:SECONDS closed loop with W
 * messages under way; rate:R:SECONDS open loop. Processor time and memory are those of the processes in --pids.
 * Prints one JSON object, a line for each phase as soon as it is over. Everything is bounded: --n <= 60000, --timeout
 * seconds overall.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <getopt.h>
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

#define MAXN 60000
#define BUFSZ (1 << 20)
#define CARRYMAX (4 << 20)
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { ST_CONN, ST_HS, ST_OPEN, ST_DEAD };
typedef struct {
	int fd;
	uint8_t state, pub, got_probe;
	uint32_t clen, ccap;
	char *carry;
	uint64_t msgs;
} conn_t;

static conn_t *C;
static int N, ep, n_open, n_pending, opt_n = 100, port = 9000, opt_conc = 200, opt_size = 300, opt_lowat = 1200;
static int pub_http; /* or WebSocket */
static const char *path = "/ws", *pub_path = "/pub";
static const char *marker = "\"ts\":";
static int marker_len = 5;
static double opt_timeout = 120, opt_settle = 0.2, opt_drain = 20;
static char *rbuf;
static uint64_t g_msgs, g_bytes, g_frames, g_reads, g_errors, g_closed, g_pings, g_pubresp_bad;
static uint64_t lat_n, lat_max, lat_sum;
static uint32_t hist[64 * 64];
static int rec_lat;
static conn_t *P;
static char *pout; static size_t pout_len, pout_cap; /* unsent publisher bytes */
static uint64_t pub_seq = 1000000000;
static int pids[64], npids;
static char last_err[200] = "";

static inline uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return 1000000000000000000ull + t.tv_sec * 1000000000ull + t.tv_nsec; } /* always 19 digits */
static double now_s(void) { return now_ns() * 1e-9; }
static uint64_t t_limit;

static inline int bucket(uint64_t ns) {
	if (ns < 64) return (int)ns;
	int msb = 63 - __builtin_clzll(ns);
	return ((msb - 5) << 6) | ((ns >> (msb - 6)) & 63);
}
static uint64_t unbucket(int b) {
	if (b < 64) return b;
	int msb = (b >> 6) + 5;
	return (1ull << msb) | ((uint64_t)((b & 63) * 2 + 1) << (msb - 7));
}
static double pct(double p) {
	if (!lat_n) return 0;
	uint64_t want = (uint64_t)(p * lat_n), acc = 0;
	if (want >= lat_n) want = lat_n - 1;
	for (int i = 0; i < 64 * 64; i++) { acc += hist[i]; if (acc > want) return unbucket(i) * 1e-6; }
	return lat_max * 1e-6;
}

static void fail_conn(conn_t *c, const char *why) {
	if (c->state == ST_DEAD) return;
	if (c->state == ST_OPEN && !c->pub) n_open--;
	if (c->state == ST_CONN || c->state == ST_HS) n_pending--;
	c->state = ST_DEAD;
	g_errors++;
	if (!last_err[0]) snprintf(last_err, sizeof last_err, "%s%s (errno %d)", c->pub ? "publisher: " : "", why, errno);
	close(c->fd);
	c->fd = -1;
}

static size_t mkframe(char *out, int op, const char *d, size_t n) {
	static const unsigned char mk[4] = {0x37, 0xfa, 0x21, 0x3d};
	size_t o = 0;
	out[o++] = 0x80 | op;
	if (n < 126) out[o++] = 0x80 | n;
	else if (n < 65536) { out[o++] = (char)(0x80 | 126); out[o++] = n >> 8; out[o++] = n; }
	else { out[o++] = (char)(0x80 | 127); for (int i = 7; i >= 0; i--) out[o++] = (uint64_t)n >> (8 * i); }
	memcpy(out + o, mk, 4); o += 4;
	for (size_t i = 0; i < n; i++) out[o + i] = d[i] ^ mk[i & 3];
	return o + n;
}
static void send_small(conn_t *c, int op, const char *d, size_t n) {
	char b[70000];
	if (n > 65000) return;
	size_t l = mkframe(b, op, d, n);
	if (c == P && pout_len) { /* keep order behind queued publisher bytes */
		if (pout_len + l > pout_cap) { pout_cap = (pout_len + l) * 2; pout = realloc(pout, pout_cap); }
		memcpy(pout + pout_len, b, l); pout_len += l; return;
	}
	if (send(c->fd, b, l, MSG_NOSIGNAL) != (ssize_t)l) fail_conn(c, "short control send");
}

static int conn_start(conn_t *c, int idx) {
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) { g_errors++; snprintf(last_err, sizeof last_err, "socket: %s", strerror(errno)); c->state = ST_DEAD; return -1; }
	int one = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET};
	if (!c->pub) { int zero = 0; setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &zero, sizeof zero); } /* delayed ACKs: cheaper client */
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	a.sin_addr.s_addr = htonl(0x7f000001u + 1 + idx / 15000); /* 127.0.0.2, .3, ... */
	if (idx >= 15000) bind(c->fd, (struct sockaddr *)&a, sizeof a);
	a.sin_addr.s_addr = htonl(0x7f000001u);
	a.sin_port = htons(port);
	c->state = ST_CONN;
	n_pending++;
	if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS) { fail_conn(c, "connect"); return -1; }
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.ptr = c};
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
	return 0;
}
static void after_open(conn_t *c) {
	c->state = ST_OPEN;
	n_pending--;
	if (!c->pub) n_open++;
}
static void conn_hello(conn_t *c) {
	char b[4096];
	if (c->pub && pub_http) { after_open(c); return; }
	int l = snprintf(b, sizeof b,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
		c->pub ? pub_path : path, port);
	c->state = ST_HS;
	if (send(c->fd, b, l, MSG_NOSIGNAL) != l) fail_conn(c, "handshake send");
}

static inline void got_msgs(conn_t *c, const char *p, size_t n, uint64_t now) {
	static size_t lastoff = 40;
	size_t off = lastoff;
	if (lastoff + marker_len >= n || memcmp(p + lastoff, marker, marker_len)) {
		char *q = memmem(p, n, marker, marker_len);
		if (!q) return;
		lastoff = off = q - p;
	}
	uint64_t ts = 0;
	for (size_t i = off + marker_len; i < n && (unsigned)(p[i] - '0') < 10; i++) ts = ts * 10 + (p[i] - '0');
	c->msgs++;
	g_msgs++;
	c->got_probe = 1;
	if (rec_lat && ts && now > ts) {
		uint64_t d = now - ts;
		hist[bucket(d)]++;
		lat_n++;
		lat_sum += d;
		if (d > lat_max) lat_max = d;
	}
}

/* returns bytes consumed; sets *bad on error */
static size_t parse(conn_t *c, char *b, size_t n, uint64_t now) {
	size_t o = 0;
	if (c->pub && pub_http) { /* HTTP responses to publishes: only look for failures */
		for (char *q = b; (q = memmem(q, b + n - q, "HTTP/1.", 7)); q += 7)
			if (q + 10 < b + n && q[9] != '2') { g_pubresp_bad++; if (!last_err[0]) snprintf(last_err, sizeof last_err, "publish response %.12s", q); }
		return n;
	}
	if (c->state == ST_HS) {
		char *q = memmem(b, n, "\r\n\r\n", 4);
		if (!q) return 0;
		if (n < 12 || memcmp(b + 9, "101", 3)) { snprintf(last_err, sizeof last_err, "handshake: %.60s", b); fail_conn(c, "handshake status"); return n; }
		if (!memmem(b, n, ACCEPT, sizeof ACCEPT - 1)) { fail_conn(c, "bad accept key"); return n; }
		o = q + 4 - b;
		after_open(c);
	}
	while (c->state == ST_OPEN && n - o >= 2) {
		unsigned char *f = (unsigned char *)b + o;
		uint64_t l = f[1] & 127;
		size_t h = 2;
		if (l == 126) { if (n - o < 4) break; l = f[2] << 8 | f[3]; h = 4; }
		else if (l == 127) { if (n - o < 10) break; l = 0; for (int i = 2; i < 10; i++) l = l << 8 | f[i]; h = 10; }
		if ((f[1] & 128) || (f[0] & 0x70) || l > CARRYMAX) { fail_conn(c, "bad frame"); return n; }
		if (n - o < h + l) break;
		int op = f[0] & 15;
		char *p = b + o + h;
		if (op <= 2) {
			g_frames++;
			if (!c->pub) got_msgs(c, p, l, now);
		} else if (op == 9) { g_pings++; send_small(c, 10, p, l); }
		else if (op == 8) { g_closed++; if (!last_err[0]) snprintf(last_err, sizeof last_err, "close frame code %d", l >= 2 ? ((unsigned char)p[0] << 8 | (unsigned char)p[1]) : 0); }
		o += h + l;
	}
	return o;
}

static void flush_pub(void) {
	while (pout_len && P->state == ST_OPEN) {
		ssize_t r = send(P->fd, pout, pout_len, MSG_NOSIGNAL);
		if (r < 0) { if (errno != EAGAIN) fail_conn(P, "publish send"); return; }
		memmove(pout, pout + r, pout_len - r);
		pout_len -= r;
	}
}

static void on_event(conn_t *c, uint32_t ev) {
	if (c->state == ST_DEAD) return;
	if (c->state == ST_CONN) {
		int e = 0; socklen_t l = sizeof e;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e) { errno = e; fail_conn(c, "connect"); return; }
		if (!(ev & EPOLLOUT)) return;
		conn_hello(c);
		if (c->state == ST_DEAD) return;
		if (!c->pub) { /* EPOLLOUT no longer wanted: saves a wakeup each time the send queue is acked */
			struct epoll_event e2 = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.ptr = c};
			epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e2);
		}
		return;
	}
	if (c == P && (ev & EPOLLOUT)) flush_pub();
	if (!(ev & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) return;
	for (;;) {
		size_t have = c->clen;
		char *b = rbuf;
		if (have) memcpy(b, c->carry, have);
		ssize_t r = recv(c->fd, b + have, BUFSZ, 0);
		g_reads++;
		if (r == 0) { fail_conn(c, "closed by server"); return; }
		if (r < 0) { if (errno == EAGAIN) return; fail_conn(c, "recv"); return; }
		g_bytes += r;
		size_t n = have + r, used = parse(c, b, n, now_ns());
		if (c->state == ST_DEAD) return;
		c->clen = n - used;
		if (c->clen) {
			if (c->clen > CARRYMAX) { fail_conn(c, "carry too large"); return; }
			if (c->clen > c->ccap) { c->ccap = c->clen * 2; c->carry = realloc(c->carry, c->ccap); }
			memcpy(c->carry, b + used, c->clen);
		}
		if (r < BUFSZ && !(ev & (EPOLLRDHUP | EPOLLHUP))) return; /* short read: queue is empty */
	}
}

/* wait at most us microseconds */
static int step(int64_t us) {
	static struct epoll_event ev[512];
	struct timespec ts = {us / 1000000, (us % 1000000) * 1000};
	int k = epoll_pwait2(ep, ev, 512, us < 0 ? NULL : &ts, NULL);
	for (int i = 0; i < k; i++) on_event(ev[i].data.ptr, ev[i].events);
	if (now_ns() > t_limit) { fprintf(stderr, "wsload: overall timeout\n"); snprintf(last_err, sizeof last_err, "overall timeout"); return -1; }
	return k;
}

static void publish(void) {
	static char *body, *frame; static int blen;
	if (!body) { body = malloc(opt_size + 4096); frame = malloc(opt_size + 8192); }
	char *q = body, *start = q;
	q += sprintf(q, "{\"type\":\"event\",\"seq\":%" PRIu64 ",\"ts\":%" PRIu64 ",\"channel\":\"bench\",\"data\":\"", pub_seq++, now_ns());
	while (q - start < opt_size - 2) { *q = 'a' + (q - start) % 26; q++; }
	*q++ = '"'; *q++ = '}';
	blen = q - body;
	size_t l;
	if (pub_http) {
		l = sprintf(frame, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", pub_path, blen);
		memcpy(frame + l, body, blen);
		l += blen;
	} else l = mkframe(frame, 1, body, blen);
	if (pout_len + l > pout_cap) { pout_cap = (pout_len + l) * 2; pout = realloc(pout, pout_cap); }
	memcpy(pout + pout_len, frame, l);
	pout_len += l;
	flush_pub();
}

static double sched_s(int pid) { /* CPU seconds of all live threads, ns resolution */
	char p[300], b[128];
	double tot = 0;
	snprintf(p, sizeof p, "/proc/%d/task", pid);
	DIR *d = opendir(p);
	if (!d) return 0;
	struct dirent *e;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') continue;
		snprintf(p, sizeof p, "/proc/%d/task/%s/schedstat", pid, e->d_name);
		int f = open(p, O_RDONLY);
		if (f < 0) continue;
		int n = read(f, b, sizeof b - 1);
		close(f);
		if (n > 0) { b[n] = 0; tot += strtod(b, NULL) * 1e-9; }
	}
	closedir(d);
	return tot;
}
static double server_cpu(void) { double t = 0; for (int i = 0; i < npids; i++) t += sched_s(pids[i]); return t; }
static long server_rss(void) {
	long t = 0;
	for (int i = 0; i < npids; i++) {
		char p[64]; long a, r = 0;
		snprintf(p, sizeof p, "/proc/%d/statm", pids[i]);
		FILE *f = fopen(p, "r");
		if (!f) continue;
		if (fscanf(f, "%ld %ld", &a, &r) == 2) t += r * sysconf(_SC_PAGESIZE);
		fclose(f);
	}
	return t;
}
static double self_cpu(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6; }

/* in windowed phases a subscriber wakes only for several messages: the client costs less, and so does waking it */
static void lowat(int v) {
	for (int i = 0; i < N; i++) if (C[i].state == ST_OPEN) setsockopt(C[i].fd, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof v);
}
static void poll_all(void) { for (int i = 0; i < N; i++) if (C[i].state == ST_OPEN) on_event(&C[i], EPOLLIN); }

static int first_out = 1;
static int phase(char *spec) {
	char kind[16] = "";
	double a = 0, dur = 0;
	sscanf(spec, "%15[^:]:%lf:%lf", kind, &a, &dur);
	int probe = !strcmp(kind, "probe"), win = !strcmp(kind, "win"), rate = !strcmp(kind, "rate"), idle = !strcmp(kind, "idle");
	int nsub = n_open;
	memset(hist, 0, sizeof hist);
	lat_n = lat_max = lat_sum = 0;
	rec_lat = 1;
	uint64_t m0 = g_msgs, by0 = g_bytes, fr0 = g_frames, rd0 = g_reads, e0 = g_errors;
	if (probe) { /* publish until every subscriber has seen one message: proves the subscriptions are live */
		uint64_t t0 = now_ns(), lim = t0 + (uint64_t)((a > 0 ? a : 10) * 1e9), nextp = 0;
		int ok = 0;
		while (now_ns() < lim && !ok) {
			if (now_ns() >= nextp) { publish(); nextp = now_ns() + 500000000ull; }
			if (step(20000) < 0) return -1;
			ok = 1;
			for (int i = 0; i < N && ok; i++) if (C[i].state == ST_OPEN && !C[i].got_probe) ok = 0;
		}
		uint64_t q = now_ns() + 300000000ull; /* let leftovers land */
		while (now_ns() < q) if (step(50000) < 0) return -1;
		if (!ok) { snprintf(last_err, sizeof last_err, "probe: not every subscriber got a message (%" PRIu64 " received)", g_msgs - m0); }
		return ok ? 0 : -1;
	}
	static double last_win = 0;
	if (rate && last_win > 0 && a * nsub > 0.9 * last_win) { /* an open loop past capacity only measures the queue */
		printf("%s\n  {\"kind\":\"rate\",\"param\":%g,\"skipped\":true}", first_out ? "" : ",", a);
		first_out = 0;
		return 0;
	}
	if (win && a >= 8) lowat(opt_lowat);
	double cpu0 = server_cpu(), me0 = self_cpu();
	uint64_t t0 = now_ns(), tend = t0 + (uint64_t)(dur * 1e9), t, pubs = 0, lost = 0, lastm = g_msgs, lastprog = t0, stalls = 0;
	double late_max = 0;
	int polled = 0;
	if (idle) { while (now_ns() < tend) if (step(200000) < 0) return -1; }
	while (!idle && (t = now_ns()) < tend) {
		int64_t wait = (tend - t) / 1000;
		if (win) {
			for (;;) {
				uint64_t done = (g_msgs - m0 + lost) / (nsub ? nsub : 1);
				if (pubs >= done + (uint64_t)a) break;
				publish(); pubs++;
			}
			if (g_msgs != lastm) { lastm = g_msgs; lastprog = t; polled = 0; }
			else if (t - lastprog > 300000000ull && !polled) { poll_all(); polled = 1; }
			else if (t - lastprog > 1000000000ull) { lost = pubs * nsub - (g_msgs - m0); stalls++; lastprog = t; }
			if (wait > 200000) wait = 200000;
		} else if (rate) {
			double due = t0 + pubs * 1e9 / a;
			while (due <= t && due < tend) {
				if ((t - due) * 1e-6 > late_max) late_max = (t - due) * 1e-6;
				publish(); pubs++;
				due = t0 + pubs * 1e9 / a;
			}
			int64_t w = (int64_t)((due - (double)t) / 1000);
			if (w < wait) wait = w > 0 ? w : 0;
		}
		if (P->state == ST_DEAD) return -1;
		if (step(wait) < 0) return -1;
	}
	uint64_t tstop = now_ns(), mstop = g_msgs - m0, want = pubs * nsub;
	if (win) last_win = mstop / ((tstop - t0) * 1e-9);
	uint64_t dl = tstop + (uint64_t)(opt_drain * 1e9);
	if (win && a >= 8) { lowat(1); poll_all(); }
	lastm = g_msgs; lastprog = now_ns();
	while (g_msgs - m0 < want && now_ns() < dl) {
		if (step(20000) < 0) return -1;
		if (g_msgs != lastm) { lastm = g_msgs; lastprog = now_ns(); } else if (now_ns() - lastprog > 5000000000ull) break;
	}
	uint64_t tdone = now_ns();
	double cpu = server_cpu() - cpu0, me = self_cpu() - me0;
	uint64_t got = g_msgs - m0;
	printf("%s\n  {\"kind\":\"%s\",\"param\":%g,\"seconds\":%.3f,\"published\":%" PRIu64 ",\"subscribers\":%d,\"messages\":%" PRIu64 ",\"missing\":%" PRId64
		",\"msgs_per_s\":%.0f,\"MB_per_s\":%.2f,\"frames\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"msgs_per_read\":%.2f"
		",\"server_cpu_s\":%.4f,\"deliveries_per_cpu_s\":%.0f,\"us_per_delivery\":%.3f,\"server_util\":%.3f,\"client_util\":%.3f"
		",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"late_max_ms\":%.2f,\"stalls\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"rss\":%ld}",
		first_out ? "" : ",", kind, a, (tdone - t0) * 1e-9, pubs, nsub, got, (int64_t)(want - got), mstop / ((tstop - t0) * 1e-9),
		(g_bytes - by0) / ((tdone - t0) * 1e-9) / 1e6, g_frames - fr0, g_reads - rd0, g_reads > rd0 ? (double)got / (g_reads - rd0) : 0,
		cpu, cpu > 0 ? got / cpu : 0, got ? cpu * 1e6 / got : 0, cpu / ((tdone - t0) * 1e-9), me / ((tdone - t0) * 1e-9),
		pct(.5), pct(.99), lat_max * 1e-6, late_max, stalls, g_errors - e0, server_rss());
	fflush(stdout);
	first_out = 0;
	return 0;
}

int main(int argc, char **argv) {
	static struct option L[] = {
		{"n", 1, 0, 1}, {"port", 1, 0, 2}, {"path", 1, 0, 3}, {"timeout", 1, 0, 4}, {"publish", 1, 0, 5}, {"pub-path", 1, 0, 6},
		{"phases", 1, 0, 7}, {"pids", 1, 0, 8}, {"size", 1, 0, 9}, {0}};
	char *phases = NULL;
	int o;
	while ((o = getopt_long(argc, argv, "", L, 0)) != -1) switch (o) {
		case 1: opt_n = atoi(optarg); break;
		case 2: port = atoi(optarg); break;
		case 3: path = optarg; break;
		case 4: opt_timeout = atof(optarg); break;
		case 5: pub_http = !strcmp(optarg, "http"); break;
		case 6: pub_path = optarg; break;
		case 7: phases = optarg; break;
		case 8: for (char *t = strtok(optarg, ","); t && npids < 64; t = strtok(NULL, ",")) pids[npids++] = atoi(t); break;
		case 9: opt_size = atoi(optarg); break;
		default: return 2;
	}
	if (!phases) { fprintf(stderr, "--phases is missing\n"); return 2; }
	if (opt_n < 1 || opt_n > MAXN) { fprintf(stderr, "--n out of range\n"); return 2; }
	if (opt_size < 120) opt_size = 120;
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
	signal(SIGPIPE, SIG_IGN);
	t_limit = now_ns() + (uint64_t)(opt_timeout * 1e9);
	N = opt_n;
	C = calloc(N + 1, sizeof *C);
	P = &C[N]; P->pub = 1;
	rbuf = malloc(BUFSZ + CARRYMAX + 16);
	ep = epoll_create1(0);
	long rss0 = server_rss(), rss1;
	double t0 = now_s(), cc0 = server_cpu();
	int next = 0;
	while (next < N || n_pending) {
		while (next < N && n_pending < opt_conc) { conn_start(&C[next], next); next++; if (g_errors > 100) break; }
		if (g_errors > 100) break;
		if (step(50000) < 0) break;
	}
	double connect_s = now_s() - t0, connect_cpu = server_cpu() - cc0;
	double until = now_s() + opt_settle;
	while (now_s() < until) if (step(20000) < 0) break;
	int connected = n_open;
	rss1 = server_rss();
	int rc = 0;
	printf("{\"n\":%d,\"connected\":%d,\"connect_s\":%.3f,\"connect_cpu_s\":%.3f,\"rss0\":%ld,\"rss1\":%ld,\"rss_per_conn\":%ld,\"phases\":[", N, connected, connect_s, connect_cpu, rss0, rss1, connected ? (rss1 - rss0) / connected : 0);
	fflush(stdout);
	if (connected && g_errors <= 100) {
		conn_start(P, 0);
		double lim = now_s() + 10;
		while (P->state != ST_OPEN && P->state != ST_DEAD && now_s() < lim) if (step(20000) < 0) break;
		until = now_s() + opt_settle;
		while (now_s() < until) if (step(20000) < 0) break;
		if (P->state == ST_OPEN) {
			for (char *sv, *t = strtok_r(phases, ",", &sv); t; t = strtok_r(NULL, ",", &sv))
				if (phase(t) < 0) { rc = 1; break; }
		} else rc = 1;
	} else rc = 1;
	printf("],\n \"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"close_frames\":%" PRIu64 ",\"pings\":%" PRIu64 ",\"bad_publish\":%" PRIu64 ",\"rss_end\":%ld,\"note\":\"", g_msgs, g_bytes, g_errors, g_closed, g_pings, g_pubresp_bad, server_rss());
	for (char *q = last_err; *q; q++) putchar(*q == '"' || *q == '\\' || (unsigned char)*q < 32 ? ' ' : *q);
	printf("\"}\n");
	fflush(stdout);
	struct linger lg = {1, 0}; /* RST: leave no TIME_WAIT behind */
	for (int i = 0; i <= N; i++) if (C[i].fd > 0 && C[i].state != ST_DEAD) { setsockopt(C[i].fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg); close(C[i].fd); }
	return rc;
}
