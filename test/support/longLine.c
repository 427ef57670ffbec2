// A long line between two network namespaces, for machines whose kernel has no netem.
//
// It opens a TUN device named line0 in each namespace and carries packets between them with a given delay, jitter, rate,
// queue and loss. Packets keep their order. Build: cc -O2 -o longLine longLine.c. Ends on SIGTERM, and then prints what
// it carried. test/support/longLine.ts starts it:
//
//   longLine NAMESPACE_A NAMESPACE_B RTT_MS JITTER_MS RATE_AB_MBIT RATE_BA_MBIT LOSS_PERCENT QUEUE_MS
//
// where a namespace is a path such as /proc/PID/ns/net.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 65536
#define LONGEST 2048
#define FRAME 14 // bytes of Ethernet around a packet

typedef struct { uint64_t due; uint16_t length; unsigned char bytes[LONGEST]; } Packet;
typedef struct {
  int in, out;
  double bitsPerSecond;
  uint64_t freeAt, lastDue; // when the line has sent what it took; when the last packet comes out
  Packet *queue;
  unsigned head, tail;
  uint64_t taken, lost, dropped, carried;
} Direction;

static volatile sig_atomic_t ending = 0;
static void onSignal(int signal) { (void)signal; ending = 1; }

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static double chance(void) { return rand() / (RAND_MAX + 1.0); }

static int openNamespace(const char *path) {
  int ns = open(path, O_RDONLY);
  if (ns < 0) { perror(path); exit(1); }
  return ns;
}

static int openTun(int ns) {
  if (setns(ns, CLONE_NEWNET)) { perror("setns"); exit(1); }
  close(ns);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, "line0");
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request)) { perror("tun"); exit(1); }
  return tun;
}

int main(int count, char **given) {
  if (count != 9) { fprintf(stderr, "usage: see the head of longLine.c\n"); return 2; }
  double rtt = atof(given[3]), jitter = atof(given[4]), loss = atof(given[7]) / 100, queueFor = atof(given[8]) * 1e6;
  int namespaces[2] = {openNamespace(given[1]), openNamespace(given[2])};
  int tuns[2];
  for (int i = 0; i < 2; i++) tuns[i] = openTun(namespaces[i]);
  Direction line[2] = {{.in = tuns[0], .out = tuns[1], .bitsPerSecond = atof(given[5]) * 1e6},
                       {.in = tuns[1], .out = tuns[0], .bitsPerSecond = atof(given[6]) * 1e6}};
  for (int i = 0; i < 2; i++) line[i].queue = malloc(sizeof(Packet) * PACKETS);
  signal(SIGTERM, onSignal);
  signal(SIGINT, onSignal);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  prctl(PR_SET_TIMERSLACK, 1000);
  printf("up\n");
  fflush(stdout);
  while (!ending) {
    uint64_t time = now(), next = time + 1000000000ull;
    for (int i = 0; i < 2; i++) {
      Direction *d = &line[i];
      while (d->head != d->tail && d->queue[d->head % PACKETS].due <= time) {
        Packet *p = &d->queue[d->head++ % PACKETS];
        if (write(d->out, p->bytes, p->length) > 0) d->carried += p->length;
      }
      if (d->head != d->tail && d->queue[d->head % PACKETS].due < next) next = d->queue[d->head % PACKETS].due;
    }
    time = now();
    uint64_t wait = next > time ? next - time : 0;
    struct timespec limit = {wait / 1000000000ull, wait % 1000000000ull};
    struct pollfd polled[2] = {{tuns[0], POLLIN, 0}, {tuns[1], POLLIN, 0}};
    ppoll(polled, 2, &limit, NULL);
    for (int i = 0; i < 2; i++) {
      if (!(polled[i].revents & POLLIN)) continue;
      Direction *d = &line[i];
      for (int k = 0; k < 64 && d->tail - d->head < PACKETS; k++) {
        Packet *p = &d->queue[d->tail % PACKETS];
        int length = read(d->in, p->bytes, sizeof p->bytes);
        if (length <= 0) break;
        d->taken++;
        if (loss > 0 && chance() < loss) { d->lost++; continue; }
        time = now();
        if (d->freeAt < time) d->freeAt = time;
        if (d->freeAt - time > queueFor) { d->dropped++; continue; }
        d->freeAt += (uint64_t)((length + FRAME) * 8 / d->bitsPerSecond * 1e9);
        uint64_t due = d->freeAt + (uint64_t)((rtt / 2 + jitter * (chance() - 0.5)) * 1e6);
        if (due < d->lastDue) due = d->lastDue;
        d->lastDue = p->due = due;
        p->length = length;
        d->tail++;
      }
    }
  }
  for (int i = 0; i < 2; i++)
    printf("%s: %lu packets, %lu lost, %lu dropped by the queue, %.1f MB carried\n", i ? "B to A" : "A to B",
           (unsigned long)line[i].taken, (unsigned long)line[i].lost, (unsigned long)line[i].dropped, line[i].carried / 1e6);
  return 0;
}
