// AF_UNIX sockets (unix(7)), case by case. Prints what is wrong; silent and 0
// when all is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "thread.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

char buffer[1 << 18];

short ready(int descriptor, short events)
{
    pollfd one{descriptor, events, 0};
    return poll(&one, 1, 0) < 0 ? static_cast<short>(-1) : one.revents;
}

void sleep_ms(long milliseconds)
{
    const timespec time{0, milliseconds * 1'000'000};
    nanosleep(&time, nullptr);
}

struct Address {
    sockaddr_un name{};
    socklen_t length = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&name); }
};

Address address(const char* path, bool abstract = false)
{
    Address made;
    made.name.sun_family = AF_UNIX;
    const std::size_t size = std::strlen(path) + 1;
    std::copy_n(path, size, made.name.sun_path + (abstract ? 1 : 0));
    made.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
    return made;
}

// --- Pairs.

void stream_pair()
{
    int ends[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    IS(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    IS(ready(ends[0], POLLIN | POLLOUT), POLLOUT);
    IS(write(ends[0], "hello", 5), 5);
    IS(send(ends[0], "you", 3, 0), 3);
    int queued = 0;
    OK(ioctl(ends[1], FIONREAD, &queued));
    IS(queued, 8);
    IS(recv(ends[1], buffer, 4, MSG_PEEK), 4);
    IS(recv(ends[1], buffer, 100, MSG_PEEK), 8);
    IS(read(ends[1], buffer, 2), 2);
    IS(read(ends[1], buffer, 100), 6);  // writes have no borders
    HOLDS(std::memcmp(buffer, "lloyou", 6) == 0);
    FAILS(recv(ends[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
    OK(shutdown(ends[0], SHUT_WR));
    IS(ready(ends[1], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
    IS(read(ends[1], buffer, 1), 0);
    IS(write(ends[1], "x", 1), 1);
    FAILS(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    IS(read(ends[0], buffer, 9), 1);
    IS(write(ends[1], "x", 1), 1);
    OK(close(ends[0]));  // with what was not read
    IS(ready(ends[1], POLLIN | POLLOUT) & POLLHUP, POLLHUP);
    FAILS(read(ends[1], buffer, 1), ECONNRESET);
    IS(read(ends[1], buffer, 1), 0);
    FAILS(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    OK(close(ends[1]));
}

void* drain(void* end)
{
    sleep_ms(20);
    long total = 0;
    ssize_t got;
    while ((got = read(*static_cast<int*>(end), buffer + sizeof buffer / 2, 5000)) > 0) total += got;
    IS(total, sizeof buffer * 2);
    return nullptr;
}

void full_stream()
{
    int ends[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    OK(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    long total = 0;
    ssize_t sent;
    while ((sent = write(ends[0], buffer, 1000)) > 0) total += sent;
    FAILS(write(ends[0], buffer, 1), EAGAIN);
    HOLDS(total > 50'000 && total < 500'000);
    IS(ready(ends[0], POLLOUT), 0);
    while (total > 0) total -= read(ends[1], buffer, sizeof buffer);
    IS(ready(ends[0], POLLOUT), POLLOUT);
    OK(fcntl(ends[0], F_SETFL, 0));
    {
        Thread reader(drain, &ends[1]);
        IS(write(ends[0], buffer, sizeof buffer), sizeof buffer);
        IS(send(ends[0], buffer, sizeof buffer, 0), sizeof buffer);
        OK(close(ends[0]));
    }
    OK(close(ends[1]));
}

void* send_slowly(void* end)
{
    for (int part = 0; part < 3; part++) {
        sleep_ms(5);
        IS(write(*static_cast<int*>(end), "abc", 3), 3);
    }
    return nullptr;
}

void waiting()
{
    int ends[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    {
        Thread sender(send_slowly, &ends[0]);
        IS(recv(ends[1], buffer, 9, MSG_WAITALL), 9);
    }
    timeval limit{0, 10'000}, shown{};
    OK(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    socklen_t size = sizeof shown;
    OK(getsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &shown, &size));
    HOLDS(shown.tv_usec >= 10'000);
    FAILS(recv(ends[1], buffer, 1, 0), EAGAIN);
    OK(close(ends[0]));
    OK(close(ends[1]));
}

void messages(int type)
{
    int ends[2];
    OK(socketpair(AF_UNIX, type, 0, ends));
    IS(send(ends[0], "first", 5, 0), 5);
    IS(send(ends[0], "", 0, 0), 0);
    IS(send(ends[0], "second", 6, 0), 6);
    IS(recv(ends[1], buffer, 100, MSG_PEEK), 5);
    IS(recv(ends[1], buffer, 2, MSG_TRUNC), 5);
    IS(recv(ends[1], buffer, 100, 0), 0);
    iovec parts[2] = {{buffer, 2}, {buffer + 10, 2}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    IS(recvmsg(ends[1], &message, 0), 4);
    IS(message.msg_flags & MSG_TRUNC, MSG_TRUNC);
    HOLDS(std::memcmp(buffer, "se", 2) == 0 && std::memcmp(buffer + 10, "co", 2) == 0);
    FAILS(recv(ends[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
    FAILS(send(ends[0], buffer, sizeof buffer, 0), EMSGSIZE);
    IS(send(ends[0], buffer, 100'000, 0), 100'000);
    IS(recv(ends[1], buffer, sizeof buffer, 0), 100'000);
    mmsghdr several[3] = {};
    for (mmsghdr& one : several) {
        one.msg_hdr.msg_iov = parts;
        one.msg_hdr.msg_iovlen = 1;
    }
    IS(sendmmsg(ends[0], several, 3, 0), 3);
    IS(several[2].msg_len, 2);
    IS(recvmmsg(ends[1], several, 3, MSG_WAITFORONE, nullptr), 3);
    OK(close(ends[0]));
    if (type == SOCK_SEQPACKET) {
        IS(recv(ends[1], buffer, 1, 0), 0);
        FAILS(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    } else {
        FAILS(send(ends[1], "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
        FAILS(send(ends[1], "x", 1, MSG_NOSIGNAL), ENOTCONN);
    }
    OK(close(ends[1]));
}

// --- Names.

void* connect_and_talk(void* name)
{
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    auto& where = *static_cast<Address*>(name);
    OK(connect(client, where.get(), where.length));
    FAILS(connect(client, where.get(), where.length), EISCONN);
    IS(write(client, "ping", 4), 4);
    IS(read(client, buffer, 4), 4);
    OK(close(client));
    return nullptr;
}

void server(Address where, bool abstract)
{
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(listener);
    FAILS(listen(listener, 5), EINVAL);
    OK(bind(listener, where.get(), where.length));
    if (abstract) FAILS(bind(listener, where.get(), where.length), EINVAL);
    const int other = socket(AF_UNIX, SOCK_STREAM, 0);
    FAILS(bind(other, where.get(), where.length), EADDRINUSE);
    FAILS(connect(other, where.get(), where.length),
          ECONNREFUSED);  // not listening yet
    FAILS(accept(listener, nullptr, nullptr), EINVAL);
    OK(listen(listener, 1));
    int accepting = 0;
    socklen_t size = sizeof accepting;
    OK(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size));
    IS(accepting, 1);
    IS(ready(listener, POLLIN), 0);
    {
        Thread client(connect_and_talk, &where);
        Address peer;
        peer.length = sizeof peer.name;
        const int connection = abstract ? accept(listener, peer.get(), &peer.length)
                                        : accept4(listener, peer.get(), &peer.length, SOCK_CLOEXEC);
        OK(connection);
        IS(fcntl(connection, F_GETFD), abstract ? 0 : FD_CLOEXEC);
        IS(peer.length, sizeof(sa_family_t));  // it has no name
        Address own;
        own.length = sizeof own.name;
        OK(getsockname(connection, own.get(), &own.length));
        peer.length = sizeof peer.name;
        OK(getpeername(connection, peer.get(), &peer.length));
        IS(peer.length, sizeof(sa_family_t));
        IS(own.length, where.length);
        HOLDS(std::memcmp(&own.name, &where.name, where.length) == 0);
        ucred credentials{};
        size = sizeof credentials;
        OK(getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size));
        IS(credentials.pid, getpid());
        IS(credentials.uid, getuid());
        IS(read(connection, buffer, 10), 4);
        IS(write(connection, "pong", 4), 4);
        IS(read(connection, buffer, 10), 0);
        OK(close(connection));
    }
    // The queue of connections is bounded.
    OK(fcntl(other, F_SETFL, O_NONBLOCK));
    const int second = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int third = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    OK(connect(other, where.get(), where.length));
    OK(connect(second, where.get(), where.length));
    FAILS(connect(third, where.get(), where.length), EAGAIN);
    IS(ready(listener, POLLIN), POLLIN);
    const int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
    FAILS(connect(datagrams, where.get(), where.length), abstract ? ECONNREFUSED : EPROTOTYPE);
    OK(close(listener));
    FAILS(read(other, buffer, 1), ECONNRESET);  // never accepted
    FAILS(connect(third, where.get(), where.length), ECONNREFUSED);
    for (const int one : {other, second, third, datagrams}) OK(close(one));
}

void names()
{
    char path[] = "/tmp/takt-socket-XXXXXX";
    HOLDS(mkdtemp(path) == path);
    OK(chdir(path));
    FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), address("nothing").get(), address("nothing").length), ENOENT);
    server(address("name"), false);
    struct stat about;
    OK(stat("name", &about));
    HOLDS(S_ISSOCK(about.st_mode));
    FAILS(open("name", O_RDWR), ENXIO);
    OK(unlink("name"));
    OK(chdir("/"));
    OK(rmdir(path));
    server(address("takt-abstract", true), true);
    // An automatic name.
    const int automatic = socket(AF_UNIX, SOCK_DGRAM, 0);
    Address empty;
    empty.name.sun_family = AF_UNIX;
    OK(bind(automatic, empty.get(), sizeof(sa_family_t)));
    Address given;
    given.length = sizeof given.name;
    OK(getsockname(automatic, given.get(), &given.length));
    IS(given.length, sizeof(sa_family_t) + 6);
    IS(given.name.sun_path[0], 0);
    FAILS(getpeername(automatic, given.get(), &given.length), ENOTCONN);
    OK(close(automatic));
}

void datagrams()
{
    Address server_name = address("takt-server", true), client_name = address("takt-client", true);
    const int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    OK(bind(server, server_name.get(), server_name.length));
    FAILS(send(client, "x", 1, 0), ENOTCONN);
    IS(read(server, buffer, 0), 0);
    IS(sendto(client, "anonymous", 9, 0, server_name.get(), server_name.length), 9);
    OK(bind(client, client_name.get(), client_name.length));
    IS(sendto(client, "named", 5, 0, server_name.get(), server_name.length), 5);
    Address from;
    from.length = sizeof from.name;
    IS(recvfrom(server, buffer, 100, 0, from.get(), &from.length), 9);
    IS(from.length, client_name.length);  // the name it has now
    from.length = sizeof from.name;
    IS(recvfrom(server, buffer, 100, 0, from.get(), &from.length), 5);
    IS(from.length, client_name.length);
    HOLDS(std::memcmp(&from.name, &client_name.name, from.length) == 0);
    OK(connect(client, server_name.get(), server_name.length));
    int sent = 0;
    while (send(client, "x", 1, 0) == 1) sent++;
    IS(sent, 11);  // net.unix.max_dgram_qlen + 1
    FAILS(send(client, "x", 1, 0), EAGAIN);
    IS(ready(client, POLLOUT), 0);
    IS(recv(server, buffer, 1, 0), 1);
    IS(ready(client, POLLOUT), POLLOUT);
    // A socket with a peer takes from that peer only.
    OK(connect(server, client_name.get(), client_name.length));
    const int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);
    FAILS(sendto(stranger, "x", 1, 0, server_name.get(), server_name.length), EPERM);
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    OK(connect(client, &nobody, sizeof nobody));
    FAILS(send(client, "x", 1, 0), ENOTCONN);
    for (const int one : {server, client, stranger}) OK(close(one));
    FAILS(sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, server_name.get(), server_name.length), ECONNREFUSED);
}

// --- Ancillary data.

union Control {
    char bytes[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
    cmsghdr first;
};

struct Message {
    msghdr header{};
    iovec part{};
    Control control{};
    explicit Message(char* data, std::size_t size) : part{data, size}
    {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
    }
    Message(const Message&) = delete;
};

void pass_files()
{
    int ends[2], pipe_ends[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    OK(pipe(pipe_ends));
    char data[4] = "abc";
    Message out(data, 3);
    out.control.first = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(CMSG_DATA(&out.control.first), pipe_ends, sizeof pipe_ends);
    out.header.msg_controllen = CMSG_SPACE(2 * sizeof(int));
    IS(sendmsg(ends[0], &out.header, 0), 3);
    IS(write(ends[0], "def", 3), 3);
    OK(close(pipe_ends[0]));
    OK(close(pipe_ends[1]));
    Message in(buffer, 100);
    IS(recvmsg(ends[1], &in.header, MSG_CMSG_CLOEXEC),
       3);  // stops where files came
    IS(in.header.msg_controllen, CMSG_SPACE(2 * sizeof(int)));
    int received[2] = {-1, -1};
    IS(in.control.first.cmsg_len, CMSG_LEN(2 * sizeof(int)));
    std::memcpy(received, CMSG_DATA(&in.control.first), sizeof received);
    IS(fcntl(received[0], F_GETFD), FD_CLOEXEC);
    IS(write(received[1], "z", 1), 1);
    IS(read(received[0], buffer, 1), 1);
    IS(read(ends[1], buffer, 9), 3);
    // No room for all: cut, and the rest closed.
    const int wrong[2] = {received[0], 999};
    std::memcpy(CMSG_DATA(&out.control.first), wrong, sizeof wrong);
    FAILS(sendmsg(ends[0], &out.header, 0), EBADF);
    std::memcpy(CMSG_DATA(&out.control.first), received, sizeof received);
    IS(sendmsg(ends[0], &out.header, 0), 3);
    Message small(buffer, 100);
    small.header.msg_controllen = CMSG_LEN(sizeof(int));
    IS(recvmsg(ends[1], &small.header, 0), 3);
    IS(small.header.msg_flags & MSG_CTRUNC, MSG_CTRUNC);
    int one = -1;
    std::memcpy(&one, CMSG_DATA(&small.control.first), sizeof one);
    OK(close(one));
    // read() closes what it can't give.
    IS(sendmsg(ends[0], &out.header, 0), 3);
    IS(read(ends[1], buffer, 9), 3);
    OK(close(received[1]));
    IS(read(received[0], buffer, 1), 0);  // no writer is left anywhere
    OK(close(received[0]));
    // A socket in its own queue, closed.
    std::memcpy(CMSG_DATA(&out.control.first), ends, sizeof ends);
    IS(sendmsg(ends[0], &out.header, 0), 3);
    OK(close(ends[0]));
    OK(close(ends[1]));
}

void pass_credentials()
{
    int ends[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    const int on = 1;
    OK(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    IS(write(ends[0], "x", 1), 1);
    Message in(buffer, 100);
    IS(recvmsg(ends[1], &in.header, 0), 1);
    IS(in.control.first.cmsg_type, SCM_CREDENTIALS);
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(&in.control.first), sizeof credentials);
    IS(credentials.pid, getpid());
    IS(credentials.uid, getuid());
    IS(credentials.gid, getgid());
    OK(close(ends[0]));
    OK(close(ends[1]));
}

// --- Options and errors.

void options()
{
    const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    int value = 0;
    socklen_t size = sizeof value;
    OK(getsockopt(stream, SOL_SOCKET, SO_TYPE, &value, &size));
    IS(value, SOCK_STREAM);
    OK(getsockopt(stream, SOL_SOCKET, SO_DOMAIN, &value, &size));
    IS(value, AF_UNIX);
    OK(getsockopt(stream, SOL_SOCKET, SO_SNDBUF, &value, &size));
    IS(value, 212992);
    value = 10'000;
    OK(setsockopt(stream, SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    OK(getsockopt(stream, SOL_SOCKET, SO_SNDBUF, &value, &size));
    IS(value, 20'000);
    OK(setsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
    OK(getsockopt(stream, SOL_SOCKET, SO_REUSEADDR, &value, &size));
    IS(value, 1);
    OK(getsockopt(stream, SOL_SOCKET, SO_ERROR, &value, &size));
    IS(value, 0);
    FAILS(getsockopt(stream, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    FAILS(setsockopt(stream, SOL_SOCKET, SO_SNDBUF, &value, 1), EINVAL);
    FAILS(send(stream, "x", 1, 0), ENOTCONN);
    FAILS(recv(stream, buffer, 1, 0), EINVAL);
    IS(ready(stream, POLLIN | POLLOUT), POLLOUT | POLLHUP);
    OK(close(stream));
    FAILS(socket(AF_UNIX, 99, 0), EINVAL);
    FAILS(socket(AF_UNIX, 11, 0), EINVAL);
    FAILS(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
    FAILS(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
    int ends[2];
    OK(pipe(ends));
    FAILS(send(ends[1], "x", 1, 0), ENOTSOCK);
    FAILS(listen(999, 1), EBADF);
    FAILS(shutdown(ends[0], SHUT_RD), ENOTSOCK);
    OK(close(ends[0]));
    OK(close(ends[1]));
}

}  // namespace

int main()
{
    stream_pair();
    full_stream();
    waiting();
    messages(SOCK_DGRAM);
    messages(SOCK_SEQPACKET);
    names();
    datagrams();
    pass_files();
    pass_credentials();
    options();
    return check::result();
}
