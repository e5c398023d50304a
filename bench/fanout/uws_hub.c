/* A hub on uWebSockets without Python around it: the C API of the library in the wheel of socketify (libuv build).
 *
 *   UWS_LIBRARY=.../libsocketify_linux_amd64.so ./uws_hub PORT
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
typedef struct { const char *a, *b, *c, *d, *e, *f; int g; } ctxopt;
typedef struct { int port; const char *host; int options; } listen_cfg;
typedef void (*ws_h)(void *ws, void *u);
typedef void (*msg_h)(void *ws, const char *m, size_t n, int op, void *u);
typedef struct {
	int compression; unsigned int maxPayloadLength; unsigned short idleTimeout; unsigned int maxBackpressure;
	bool closeOnBackpressureLimit, resetIdleTimeoutOnSend, sendPingsAutomatically;
	unsigned short maxLifetime;
	void *upgrade; ws_h open; msg_h message; ws_h drain; void *ping, *pong, *close, *subscription;
} behavior;
static void *L, *app;
static bool (*subscribe)(int, void *, const char *, size_t);
static bool (*publish)(int, void *, const char *, size_t, const char *, size_t, int, bool);
static void on_open(void *ws, void *u) { (void)u; subscribe(0, ws, "bench", 5); }
static void on_msg(void *ws, const char *m, size_t n, int op, void *u) { (void)ws; (void)op; (void)u; publish(0, app, "bench", 5, m, n, 1, false); }
static void on_listen(void *s, listen_cfg c, void *u) { (void)u; if (!s) { fprintf(stderr, "listen %d failed\n", c.port); exit(1); } }
#define SYM(n) dlsym(L, n)
int main(int argc, char **argv) {
	(void)argc;
	const char *p = getenv("UWS_LIBRARY");
	L = dlopen(p ? p : "libsocketify_linux_amd64.so", RTLD_NOW);
	if (!L) { fprintf(stderr, "%s\n", dlerror()); return 1; }
	void *(*create_loop)(void) = SYM("socketify_create_loop");
	void *(*native)(void *) = SYM("socketify_get_native_loop");
	void *(*with_native)(void *) = SYM("uws_get_loop_with_native");
	int (*run)(void *, int) = SYM("socketify_loop_run");
	void *(*create_app)(int, ctxopt) = SYM("uws_create_app");
	void (*ws)(int, void *, const char *, behavior, void *) = SYM("uws_ws");
	void (*lsn)(int, void *, listen_cfg, void *, void *) = SYM("uws_app_listen_with_config");
	subscribe = SYM("uws_ws_subscribe");
	publish = SYM("uws_publish");
	void *lp = create_loop();
	with_native(native(lp));
	app = create_app(0, (ctxopt){0});
	behavior b = {.maxPayloadLength = 1 << 20, .idleTimeout = 120, .maxBackpressure = 8 << 20, .sendPingsAutomatically = true, .open = on_open};
	ws(0, app, "/ws", b, NULL);
	b.open = NULL;
	b.message = on_msg;
	ws(0, app, "/pub", b, NULL);
	lsn(0, app, (listen_cfg){atoi(argv[1]), "127.0.0.1", 0}, on_listen, NULL);
	return run(lp, 0);
}
