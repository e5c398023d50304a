/* What one core can do: a bare epoll server that builds each WebSocket frame once and send()s it to every
 * subscriber. It checks nothing that a real server must, and drops what a slow subscriber cannot take: a floor
 * for the cost of a delivery, not a product.
 *
 *   ./limit PORT send|coalesce
 *
 * send:     one send() per message and subscriber, at once
 * coalesce: all messages found in one read of the publisher go to each subscriber in one send()
 *
 * GET /ws subscribes, GET /pub publishes (each text frame goes to all).
 */
#define _GNU_SOURCE
#include <errno.h>
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
#include <unistd.h>

#define MAXFD 70000
#define RB 65536
typedef struct { uint8_t open, pub; uint32_t len; int slot; char *buf; } cn;
static cn K[MAXFD];
static int subs[MAXFD], nsubs, ep, coalesce;

static void sha1(const uint8_t *d, size_t n, uint8_t out[20]) {
	uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
	uint8_t m[256] = {0};
	size_t tot = ((n + 8) / 64 + 1) * 64;
	memcpy(m, d, n); m[n] = 0x80;
	for (int i = 0; i < 8; i++) m[tot - 1 - i] = (uint64_t)(n * 8) >> (8 * i);
	for (size_t o = 0; o < tot; o += 64) {
		uint32_t w[80], a = h[0], b = h[1], c = h[2], dd = h[3], e = h[4];
		for (int i = 0; i < 16; i++) w[i] = m[o + 4 * i] << 24 | m[o + 4 * i + 1] << 16 | m[o + 4 * i + 2] << 8 | m[o + 4 * i + 3];
		for (int i = 16; i < 80; i++) { uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]; w[i] = x << 1 | x >> 31; }
		for (int i = 0; i < 80; i++) {
			uint32_t f, k;
			if (i < 20) f = (b & c) | (~b & dd), k = 0x5A827999; else if (i < 40) f = b ^ c ^ dd, k = 0x6ED9EBA1;
			else if (i < 60) f = (b & c) | (b & dd) | (c & dd), k = 0x8F1BBCDC; else f = b ^ c ^ dd, k = 0xCA62C1D6;
			uint32_t t = (a << 5 | a >> 27) + f + e + k + w[i];
			e = dd; dd = c; c = b << 30 | b >> 2; b = a; a = t;
		}
		h[0] += a; h[1] += b; h[2] += c; h[3] += dd; h[4] += e;
	}
	for (int i = 0; i < 20; i++) out[i] = h[i / 4] >> (24 - 8 * (i % 4));
}
static void b64(const uint8_t *d, char *o) { /* 20 bytes -> 28 chars */
	static const char A[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int i = 0; i < 21; i += 3) {
		uint32_t v = d[i] << 16 | d[i + 1] << 8 | (i + 2 < 20 ? d[i + 2] : 0);
		*o++ = A[v >> 18]; *o++ = A[v >> 12 & 63]; *o++ = A[v >> 6 & 63]; *o++ = i + 2 < 20 ? A[v & 63] : '=';
	}
	*o = 0;
}
static void drop(int fd) {
	if (K[fd].open && !K[fd].pub) { int s = K[fd].slot, l = subs[--nsubs]; subs[s] = l; K[l].slot = s; }
	free(K[fd].buf);
	memset(&K[fd], 0, sizeof K[fd]);
	close(fd);
}

static void fan(const char *d, size_t n) {
	for (int i = 0; i < nsubs; i++) send(subs[i], d, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_data(int fd) {
	static char out[RB * 2];
	cn *c = &K[fd];
	ssize_t r = recv(fd, c->buf + c->len, RB - c->len, 0);
	if (r <= 0) { if (r == 0 || errno != EAGAIN) drop(fd); return; }
	c->len += r;
	size_t o = 0, on = 0;
	if (!c->open) {
		char *e = memmem(c->buf, c->len, "\r\n\r\n", 4), *k;
		if (!e) return;
		k = memmem(c->buf, c->len, "Sec-WebSocket-Key: ", 19);
		if (!k) { drop(fd); return; }
		uint8_t in[60], dg[20]; char acc[32], rsp[200];
		memcpy(in, k + 19, 24); memcpy(in + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
		sha1(in, 60, dg); b64(dg, acc);
		int l = sprintf(rsp, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acc);
		if (send(fd, rsp, l, MSG_NOSIGNAL) != l) { drop(fd); return; }
		c->open = 1;
		c->pub = !memcmp(c->buf, "GET /pub", 8);
		if (!c->pub) { c->slot = nsubs; subs[nsubs++] = fd; }
		o = e + 4 - c->buf;
	}
	while (c->len - o >= 6) {
		uint8_t *f = (uint8_t *)c->buf + o;
		size_t l = f[1] & 127, h = 2;
		if (l == 126) { l = f[2] << 8 | f[3]; h = 4; } else if (l == 127) { drop(fd); return; }
		if (c->len - o < h + 4 + l) break;
		uint8_t *m = f + h, *p = m + 4;
		if ((f[0] & 15) <= 2 && c->pub) {
			char *q = out + on;
			*q++ = (char)0x81;
			if (l < 126) *q++ = l; else { *q++ = 126; *q++ = l >> 8; *q++ = l; }
			for (size_t i = 0; i < l; i++) q[i] = p[i] ^ m[i & 3];
			size_t fl = q + l - (out + on);
			if (coalesce) on += fl; else fan(out, fl);
		}
		o += h + 4 + l;
	}
	if (on) fan(out, on);
	memmove(c->buf, c->buf + o, c->len - o);
	c->len -= o;
}

int main(int argc, char **argv) {
	int port = argc > 1 ? atoi(argv[1]) : 9000;
	coalesce = argc > 2 && !strcmp(argv[2], "coalesce");
	signal(SIGPIPE, SIG_IGN);
	struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
	int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) { perror("bind"); return 1; }
	ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = ls}, ev[256];
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
	for (;;) {
		int k = epoll_wait(ep, ev, 256, -1);
		for (int i = 0; i < k; i++) {
			int fd = ev[i].data.fd;
			if (fd != ls) { if (K[fd].buf) on_data(fd); continue; }
			int n;
			while ((n = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
				if (n >= MAXFD) { close(n); continue; }
				setsockopt(n, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				K[n].buf = malloc(RB);
				struct epoll_event x = {.events = EPOLLIN, .data.fd = n};
				epoll_ctl(ep, EPOLL_CTL_ADD, n, &x);
			}
		}
	}
}
