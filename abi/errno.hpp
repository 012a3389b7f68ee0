// Linux error numbers (asm-generic/errno.h), by their usual names in lower case.
#pragma once

namespace takt {

enum class Errno : int {
    none = 0, eperm = 1, enoent = 2, esrch = 3, eintr = 4, eio = 5, enxio = 6, e2big = 7, enoexec = 8, ebadf = 9,
    echild = 10, eagain = 11, enomem = 12, eacces = 13, efault = 14, enotblk = 15, ebusy = 16, eexist = 17,
    exdev = 18, enodev = 19, enotdir = 20, eisdir = 21, einval = 22, enfile = 23, emfile = 24, enotty = 25,
    etxtbsy = 26, efbig = 27, enospc = 28, espipe = 29, erofs = 30, emlink = 31, epipe = 32, edom = 33, erange = 34,
    edeadlk = 35, enametoolong = 36, enolck = 37, enosys = 38, enotempty = 39, eloop = 40, enomsg = 42, eidrm = 43,
    enodata = 61, etime = 62, eproto = 71, ebadmsg = 74, eoverflow = 75, ebadfd = 77, elibbad = 80, eusers = 87, enotsock = 88,
    edestaddrreq = 89, emsgsize = 90, eprototype = 91, enoprotoopt = 92, eprotonosupport = 93, esocktnosupport = 94,
    eopnotsupp = 95, epfnosupport = 96, eafnosupport = 97, eaddrinuse = 98, eaddrnotavail = 99, enetunreach = 101,
    econnaborted = 103, econnreset = 104, enobufs = 105, eisconn = 106, enotconn = 107, etoomanyrefs = 109,
    etimedout = 110, econnrefused = 111, ealready = 114, einprogress = 115, estale = 116, ecanceled = 125,
    eownerdead = 130, enotrecoverable = 131,

    // Internal, never seen by a program: how a call that a signal interrupted goes on (signal(7), "Interruption
    // of system calls"). Decided when the signal is delivered, in process/signal_delivery.
    erestartsys = 512,           // restart if the handler has SA_RESTART, else EINTR
    erestartnointr = 513,        // always restart
    erestartnohand = 514,        // restart if no handler ran, else EINTR
    erestart_restartblock = 516  // as erestartnohand, but through restart_syscall (relative timeouts)
};

}  // namespace takt
