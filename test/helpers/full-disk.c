// Makes disks look full without mounting any: LD_PRELOAD it, and name in FULL_DISK_CONTROL a file of lines `BYTES PART`: a write beyond
// so many bytes into a file whose path holds the part fails with ENOSPC, in every thread and library of the process.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/** `end` is the last byte that is to be written; -1 where only the system knows. */
static int is_full(int fd, off64_t end) {
  const char *control = getenv("FULL_DISK_CONTROL");
  if (control == NULL || fd < 3) return 0;
  char text[4096];
  int file = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  if (length <= 0) return 0;
  text[length] = 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t path_length = readlink(link, path, sizeof path - 1);
  if (path_length <= 0) return 0;
  path[path_length] = 0;
  char *rest = NULL;
  for (char *part = strtok_r(text, "\n", &rest); part != NULL; part = strtok_r(NULL, "\n", &rest)) {
    char *name = NULL;
    off64_t limit = strtoll(part, &name, 10);
    if (strstr(path, name + 1) != NULL && (end < 0 || end > limit)) return 1;
  }
  return 0;
}

#define REFUSE_WHEN_FULL(type, name, parameters, arguments, fd, end)       \
  type name parameters {                                                   \
    static type(*next) parameters = NULL;                                  \
    if (next == NULL) next = (type(*) parameters)dlsym(RTLD_NEXT, #name);  \
    if (is_full(fd, end)) {                                                     \
      errno = ENOSPC;                                                      \
      return -1;                                                           \
    }                                                                      \
    return next arguments;                                                 \
  }

REFUSE_WHEN_FULL(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count), fd, -1)
REFUSE_WHEN_FULL(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), fd,
                 at + (off64_t)count)
REFUSE_WHEN_FULL(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at), fd,
                 at + (off64_t)count)
REFUSE_WHEN_FULL(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), fd, -1)
REFUSE_WHEN_FULL(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at), fd,
                 -1)
REFUSE_WHEN_FULL(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), fd,
                 -1)
REFUSE_WHEN_FULL(ssize_t, sendfile, (int fd, int from, off_t *at, size_t count), (fd, from, at, count), fd, -1)
REFUSE_WHEN_FULL(ssize_t, sendfile64, (int fd, int from, off64_t *at, size_t count), (fd, from, at, count), fd, -1)
REFUSE_WHEN_FULL(ssize_t, copy_file_range,
                 (int from, off64_t *from_at, int fd, off64_t *at, size_t count, unsigned int flags),
                 (from, from_at, fd, at, count, flags), fd, -1)
