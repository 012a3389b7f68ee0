// The file system calls, case by case, against what their manual pages say. Prints what is wrong;
// silent and 0 when all is right. Needs root, and a directory on tmpfs to work in (the first
// argument). Also right on Linux: run it there to check the checks.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <set>
#include <string>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace {

int failures = 0;

void fail(int line, const char* what, long got, const std::string& wanted)
{
    std::printf("line %d: %s: got %ld (%s), wanted %s\n", line, what, got, std::strerror(errno), wanted.c_str());
    failures++;
}

// The call succeeds.
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        const long got_ = static_cast<long>(call);                                                                     \
        if (got_ < 0) fail(__LINE__, #call, got_, "success");                                                          \
    } while (false)
#define IS(call, value)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        const long got_ = static_cast<long>(call);                                                                     \
        if (got_ != static_cast<long>(value)) fail(__LINE__, #call, got_, std::to_string(static_cast<long>(value)));   \
    } while (false)
#define FAILS(call, error)                                                                                             \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        const long got_ = static_cast<long>(call);                                                                     \
        if (got_ != -1 || errno != (error)) fail(__LINE__, #call, got_, #error);                                       \
    } while (false)

// What the compiler would warn of if it could see it.
void* volatile bad_pointer = reinterpret_cast<void*>(8);
volatile int negative = -1, too_many = 1025;

int make(const char* name, const char* text = "", int mode = 0644)
{
    const int file = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
    if (write(file, text, std::strlen(text)) < 0) fail(__LINE__, name, -1, "a file");
    return file;
}

std::string content(const char* name)
{
    const int file = open(name, O_RDONLY);
    std::string text(100, 0);
    const ssize_t got = read(file, text.data(), text.size());
    close(file);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
}

struct stat stat_of(const char* name)
{
    struct stat answer {};
    if (lstat(name, &answer) < 0) fail(__LINE__, name, -1, "stat");
    return answer;
}

std::set<std::string> entries(const char* directory)
{
    std::set<std::string> names;
    DIR* const open_directory = opendir(directory);
    if (!open_directory) return names;
    while (const dirent* const entry = readdir(open_directory)) names.insert(entry->d_name);
    closedir(open_directory);
    return names;
}

void opening()
{
    close(make("file", "hello"));
    FAILS(open("file", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(open("none", O_RDONLY), ENOENT);
    FAILS(open("", O_RDONLY), ENOENT);
    FAILS(open("file/x", O_RDONLY), ENOTDIR);
    FAILS(open("file/", O_RDONLY), ENOTDIR);
    FAILS(open("new/", O_RDWR | O_CREAT, 0600), EISDIR);
    FAILS(open(".", O_RDWR), EISDIR);
    FAILS(open(".", O_RDONLY | O_CREAT, 0600), EISDIR);
    FAILS(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    FAILS(open(std::string(256, 'n').c_str(), O_RDONLY), ENAMETOOLONG);
    FAILS(open(std::string(5000, 'n').c_str(), O_RDONLY), ENAMETOOLONG);
    FAILS(open(static_cast<const char*>(bad_pointer), O_RDONLY), EFAULT);
    OK(mkdir("dir", 0755));
    FAILS(open("dir/file", O_RDONLY), ENOENT);
    int directory = open("dir", O_RDONLY | O_DIRECTORY);
    OK(directory);
    int inside = openat(directory, "inside", O_RDWR | O_CREAT, 0640);
    OK(inside);
    IS(stat_of("dir/inside").st_mode, S_IFREG | 0640);
    FAILS(openat(inside, "x", O_RDONLY), ENOTDIR);
    FAILS(openat(999, "x", O_RDONLY), EBADF);
    char byte = 0;
    FAILS(read(directory, &byte, 1), EISDIR);
    FAILS(write(directory, &byte, 1), EBADF);
    close(inside);
    IS(symlink("file", "link"), 0);
    FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    int path = open("link", O_PATH | O_NOFOLLOW);
    OK(path);
    FAILS(read(path, &byte, 1), EBADF);
    FAILS(fchmod(path, 0600), EBADF);
    struct stat answer {};
    IS(fstat(path, &answer), 0);
    IS(answer.st_mode, S_IFLNK | 0777);
    close(path);
    close(directory);
    OK(symlink("loop", "loop"));
    FAILS(open("loop", O_RDONLY), ELOOP);
    OK(symlink("created", "dangling"));
    int made = open("dangling", O_RDWR | O_CREAT, 0600);
    OK(made);
    close(made);
    IS(access("created", F_OK), 0);
    OK(symlink("dir", "dirlink"));
    IS(access("dirlink/inside", F_OK), 0);
    IS(access("dirlink/../file", F_OK), 0);
    IS(access("dirlink/", F_OK), 0);
    int truncated = open("file", O_WRONLY | O_TRUNC);
    OK(truncated);
    IS(fcntl(truncated, F_GETFL), O_WRONLY | 0100000);
    close(truncated);
    IS(stat_of("file").st_size, 0);
    umask(077);
    close(make("masked", "", 0666));
    umask(022);
    IS(stat_of("masked").st_mode & 07777, 0600);
}

void reading_and_writing()
{
    int file = make("data", "0123456789");
    char buffer[32] = {};
    IS(pread(file, buffer, 4, 3), 4);
    IS(std::memcmp(buffer, "3456", 4), 0);
    IS(read(file, buffer, 4), 0);
    IS(lseek(file, -2, SEEK_END), 8);
    IS(read(file, buffer, 10), 2);
    FAILS(lseek(file, -1, SEEK_SET), EINVAL);
    FAILS(lseek(file, 0, 99), EINVAL);
    IS(pwrite(file, "xy", 2, 20), 2);
    IS(stat_of("data").st_size, 22);
    IS(pread(file, buffer, 22, 0), 22);
    IS(buffer[15], 0);
    FAILS(pread(file, buffer, 1, -1), EINVAL);
    FAILS(read(file, bad_pointer, 4), EFAULT);
    FAILS(write(file, bad_pointer, 4), EFAULT);
    IS(lseek(file, 0, SEEK_SET), 0);
    char left[3] = {}, right[5] = {};
    const iovec pieces[] = {{left, 3}, {nullptr, 0}, {right, 5}};
    IS(readv(file, pieces, 3), 8);
    IS(std::memcmp(right, "34567", 5), 0);
    FAILS(readv(file, pieces, negative), EINVAL);
    FAILS(readv(file, pieces, too_many), EINVAL);
    IS(pwritev(file, pieces, 3, 100), 8);
    IS(preadv(file, pieces, 3, 100), 8);
    close(file);
    int appending = open("data", O_WRONLY | O_APPEND);
    IS(lseek(appending, 0, SEEK_SET), 0);
    IS(write(appending, "end", 3), 3);
    IS(lseek(appending, 0, SEEK_CUR), 111);
    FAILS(read(appending, buffer, 1), EBADF);
    close(appending);
    FAILS(write(appending, "x", 1), EBADF);

    int sparse = make("sparse");
    IS(ftruncate(sparse, 1 << 20), 0);
    IS(pwrite(sparse, "x", 1, 500000), 1);
    struct stat answer {};
    fstat(sparse, &answer);
    IS(answer.st_blocks, 8);
    IS(lseek(sparse, 0, SEEK_DATA), 500000 / 4096 * 4096);
    IS(lseek(sparse, 500000, SEEK_HOLE), (500000 / 4096 + 1) * 4096);
    FAILS(lseek(sparse, 1 << 20, SEEK_DATA), ENXIO);
    IS(fallocate(sparse, 0, 0, 8192), 0);
    fstat(sparse, &answer);
    IS(answer.st_blocks, 24);
    IS(fallocate(sparse, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    fstat(sparse, &answer);
    IS(answer.st_blocks, 16);
    IS(fallocate(sparse, FALLOC_FL_KEEP_SIZE, 2 << 20, 4096), 0);
    fstat(sparse, &answer);
    IS(answer.st_size, 1 << 20);
    FAILS(fallocate(sparse, 0, -1, 10), EINVAL);
    IS(ftruncate(sparse, 500001), 0);
    IS(ftruncate(sparse, 600000), 0);
    IS(pread(sparse, buffer, 2, 500000), 2);
    IS(buffer[0], 'x');
    IS(buffer[1], 0);
    FAILS(ftruncate(sparse, -1), EINVAL);
    IS(truncate("sparse", 10), 0);
    FAILS(truncate("none", 10), ENOENT);
    FAILS(truncate("dir", 10), EISDIR);
    int reader = open("sparse", O_RDONLY);
    FAILS(ftruncate(reader, 1), EINVAL);
    IS(fsync(reader), 0);
    close(reader);

    // Mapped and read: one content.
    IS(ftruncate(sparse, 8192), 0);
    char* const mapped = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, sparse, 0));
    IS(mapped == MAP_FAILED, 0);
    std::strcpy(mapped + 4100, "through the map");
    IS(pread(sparse, buffer, 15, 4100), 15);
    IS(std::memcmp(buffer, "through the map", 15), 0);
    IS(pwrite(sparse, "back", 4, 4096), 4);
    IS(std::memcmp(mapped + 4096, "back", 4), 0);
    char* const copy = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, sparse, 0));
    copy[4096] = 'B';
    IS(mapped[4096], 'b');
    munmap(mapped, 8192);
    munmap(copy, 8192);

    int target = make("target");
    off_t offset = 4096;
    IS(sendfile(target, sparse, &offset, 4), 4);
    IS(offset, 4100);
    IS(content("target") == "back", 1);
    loff_t from = 4096, to = 10;
    IS(copy_file_range(sparse, &from, target, &to, 4, 0), 4);
    IS(stat_of("target").st_size, 14);
    close(sparse);
    close(target);
}

void limits()
{
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    int file = make("limited");
    std::vector<char> bytes(200);
    IS(write(file, bytes.data(), 200), 100);
    FAILS(write(file, bytes.data(), 1), EFBIG);
    FAILS(ftruncate(file, 200), EFBIG);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    close(file);
    getrlimit(RLIMIT_NOFILE, &old);
    const rlimit few{static_cast<rlim_t>(dup(0)) + 1, old.rlim_max};
    close(static_cast<int>(few.rlim_cur) - 1);
    setrlimit(RLIMIT_NOFILE, &few);
    int last = open(".", O_RDONLY);
    OK(last);
    FAILS(open(".", O_RDONLY), EMFILE);
    FAILS(open("never", O_RDWR | O_CREAT, 0600), EMFILE);
    FAILS(dup(0), EMFILE);
    FAILS(dup2(0, static_cast<int>(few.rlim_cur)), EBADF);
    FAILS(fcntl(0, F_DUPFD, static_cast<int>(few.rlim_cur)), EINVAL);
    setrlimit(RLIMIT_NOFILE, &old);
    FAILS(access("never", F_OK), ENOENT);
    close(last);
}

void names()
{
    FAILS(mkdir("dir", 0755), EEXIST);
    FAILS(mkdir("none/dir", 0755), ENOENT);
    FAILS(mkdir("file/dir", 0755), ENOTDIR);
    OK(mkdir("slashes///", 0755));
    OK(rmdir("slashes/"));
    FAILS(rmdir("dir"), ENOTEMPTY);
    FAILS(rmdir("file"), ENOTDIR);
    FAILS(rmdir("dir/."), EINVAL);
    FAILS(rmdir("dir/.."), ENOTEMPTY);
    FAILS(unlink("dir"), EISDIR);
    FAILS(unlink("none"), ENOENT);
    FAILS(unlink("file/"), ENOTDIR);
    IS(stat_of("dir").st_nlink, 2);
    OK(mkdir("dir/sub", 0755));
    IS(stat_of("dir").st_nlink, 3);
    OK(rmdir("dir/sub"));
    IS(stat_of("dir").st_nlink, 2);

    close(make("first", "one"));
    OK(link("first", "second"));
    IS(stat_of("first").st_nlink, 2);
    IS(stat_of("first").st_ino, stat_of("second").st_ino);
    FAILS(link("first", "second"), EEXIST);
    FAILS(link("dir", "dirhard"), EPERM);
    FAILS(link("none", "x"), ENOENT);
    OK(link("link", "linkhard"));
    IS(stat_of("linkhard").st_mode & S_IFMT, S_IFLNK);
    OK(unlink("first"));
    IS(stat_of("second").st_nlink, 1);
    IS(content("second") == "one", 1);

    int open_file = open("second", O_RDWR);
    OK(unlink("second"));
    struct stat answer {};
    IS(fstat(open_file, &answer), 0);
    IS(answer.st_nlink, 0);
    IS(write(open_file, "two", 3), 3);
    char link_text[4096] = {};
    char proc_name[64];
    std::snprintf(proc_name, sizeof proc_name, "/proc/self/fd/%d", open_file);
    if (readlink(proc_name, link_text, sizeof link_text) > 0) {
        IS(std::strstr(link_text, "/second (deleted)") != nullptr, 1);
        int again = open(proc_name, O_RDONLY);
        OK(again);
        IS(read(again, link_text, 10), 3);
        IS(std::memcmp(link_text, "two", 3), 0);
        close(again);
    }
    close(open_file);

    FAILS(symlink("", "empty"), ENOENT);
    FAILS(symlink("x", "link"), EEXIST);
    char target[10];
    IS(readlink("link", target, sizeof target), 4);
    IS(readlink("link", target, 2), 2);
    FAILS(readlink("file", target, sizeof target), EINVAL);
    FAILS(readlink("link", target, 0), EINVAL);

    OK(mkfifo("fifo", 0600));
    IS(stat_of("fifo").st_mode, S_IFIFO | 0600);
    OK(mknod("device", S_IFCHR | 0600, makedev(1, 3)));
    IS(stat_of("device").st_rdev, makedev(1, 3));
    int device = open("device", O_RDWR);
    OK(device);
    IS(write(device, "x", 1), 1);
    IS(read(device, target, 1), 0);
    close(device);
    OK(mknod("nodevice", S_IFCHR | 0600, makedev(300, 70000)));
    IS(stat_of("nodevice").st_rdev, makedev(300, 70000));
    FAILS(open("nodevice", O_RDWR), ENXIO);
    FAILS(mknod("x", S_IFDIR | 0600, 0), EPERM);
}

void renaming()
{
    close(make("a", "A"));
    close(make("b", "B"));
    OK(rename("a", "b"));
    IS(content("b") == "A", 1);
    FAILS(access("a", F_OK), ENOENT);
    OK(mkdir("from", 0755));
    OK(mkdir("from/below", 0755));
    OK(mkdir("to", 0755));
    FAILS(rename("from", "from/below/x"), EINVAL);
    FAILS(rename("from/below", "from"), ENOTEMPTY);
    FAILS(rename("b", "to"), EISDIR);
    FAILS(rename("to", "b"), ENOTDIR);
    FAILS(rename("b", "none/b"), ENOENT);
    FAILS(rename("from/.", "x"), EBUSY);
    FAILS(rename("b", "c/"), ENOTDIR);
    OK(rename("from", "to"));
    IS(access("to/below", F_OK), 0);
    OK(rename("to/below", "moved"));
    IS(stat_of("to").st_nlink, 2);
    close(make("to/full"));
    FAILS(rename("moved", "to"), ENOTEMPTY);
    OK(chdir("moved"));
    OK(rename("../moved", "../to/deep"));
    char cwd[4096];
    IS(getcwd(cwd, sizeof cwd) != nullptr, 1);
    IS(std::strstr(cwd, "/to/deep") != nullptr, 1);
    OK(chdir("../.."));
    OK(link("b", "same"));
    OK(rename("b", "same"));
    IS(access("b", F_OK), 0);
    close(make("other", "other"));
    FAILS(renameat2(AT_FDCWD, "b", AT_FDCWD, "other", RENAME_NOREPLACE), EEXIST);
    OK(renameat2(AT_FDCWD, "other", AT_FDCWD, "to/deep", RENAME_EXCHANGE));
    IS(stat_of("other").st_mode & S_IFMT, S_IFDIR);
    IS(content("to/deep") == "other", 1);
    IS(stat_of("to").st_nlink, 2);
    const std::string long_name(200, 'l');
    OK(rename("b", long_name.c_str()));
    OK(renameat2(AT_FDCWD, long_name.c_str(), AT_FDCWD, "same", RENAME_EXCHANGE));
    IS(content(long_name.c_str()) == "A", 1);
    OK(rename(long_name.c_str(), "b"));
    IS(content("b") == "A", 1);
}

void directories()
{
    OK(mkdir("many", 0755));
    std::set<std::string> expected{".", ".."};
    for (int number = 0; number < 1000; number++) {
        const std::string name = "entry" + std::to_string(number);
        close(make(("many/" + name).c_str()));
        expected.insert(name);
    }
    IS(entries("many") == expected, 1);
    // Removing while reading skips and repeats nothing.
    int directory = open("many", O_RDONLY | O_DIRECTORY);
    std::set<std::string> seen;
    alignas(8) char records[700];
    long got = 0;
    while ((got = syscall(SYS_getdents64, directory, records, sizeof records)) > 0) {
        for (long at = 0; at < got;) {
            unsigned short length = 0;
            std::memcpy(&length, records + at + 16, 2);
            const std::string name = records + at + 19;
            IS(seen.insert(name).second, 1);
            if (name[0] != '.') OK(unlinkat(directory, name.c_str(), 0));
            at += length;
        }
    }
    IS(got, 0);
    IS(seen == expected, 1);
    IS(lseek(directory, 0, SEEK_SET), 0);
    FAILS(syscall(SYS_getdents64, directory, records, 8), EINVAL);
    close(directory);
    OK(rmdir("many"));
    OK(mkdir("gone", 0755));
    OK(chdir("gone"));
    OK(rmdir("../gone"));
    FAILS(open("x", O_RDWR | O_CREAT, 0600), ENOENT);
    char cwd[100];
    IS(getcwd(cwd, sizeof cwd) == nullptr && errno == ENOENT, 1);
    OK(chdir(".."));
    IS(getcwd(cwd, 2) == nullptr && errno == ERANGE, 1);
    FAILS(chdir("file"), ENOTDIR);
}

void attributes()
{
    close(make("owned", "x", 0644));
    OK(chmod("owned", 06755));
    OK(chown("owned", 1000, 1001));
    IS(stat_of("owned").st_mode & 07777, 0755);
    IS(stat_of("owned").st_uid, 1000);
    OK(chown("owned", static_cast<uid_t>(-1), 1002));
    IS(stat_of("owned").st_uid, 1000);
    IS(stat_of("owned").st_gid, 1002);
    OK(lchown("link", 5, 6));
    IS(stat_of("link").st_uid, 5);
    IS(stat_of("file").st_uid, 0);
    const timespec times[2] = {{1000, 5}, {2000, 6}};
    OK(utimensat(AT_FDCWD, "owned", times, 0));
    IS(stat_of("owned").st_atim.tv_sec, 1000);
    IS(stat_of("owned").st_mtim.tv_nsec, 6);
    const timespec partly[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    OK(utimensat(AT_FDCWD, "owned", partly, 0));
    IS(stat_of("owned").st_atim.tv_sec, 1000);
    IS(stat_of("owned").st_mtim.tv_sec > 1000000, 1);
    const timespec bad[2] = {{0, 2000000000}, {0, 0}};
    FAILS(utimensat(AT_FDCWD, "owned", bad, 0), EINVAL);
    char value[10];
    const ssize_t none = getxattr("owned", "user.x", value, sizeof value);
    const bool refused = none == -1 && (errno == EOPNOTSUPP || errno == ENODATA);
    IS(refused, 1);
    struct statfs fs {};
    OK(statfs(".", &fs));
    IS(fs.f_type, 0x01021994);
    IS(fs.f_namelen, 255);
    struct statx extended {};
    OK(statx(AT_FDCWD, "owned", 0, STATX_BASIC_STATS, &extended));
    IS(extended.stx_uid, 1000);
    IS(extended.stx_size, 1);
    FAILS(statx(AT_FDCWD, "owned", 0x10000, STATX_BASIC_STATS, &extended), EINVAL);
    OK(mkdir("setgid", 0755));
    OK(chown("setgid", 0, 77));
    OK(chmod("setgid", 02755));
    close(make("setgid/file"));
    OK(mkdir("setgid/dir", 0755));
    IS(stat_of("setgid/file").st_gid, 77);
    IS(stat_of("setgid/dir").st_mode & 07777, 02755);
}

// What a user without rights may not do; in a child, which gives them up.
void permissions()
{
    OK(mkdir("private", 0700));
    close(make("private/secret", "secret"));
    close(make("readable", "text", 0644));
    OK(mkdir("sticky", 0777));
    OK(chmod("sticky", 01777));
    close(make("sticky/roots"));
    OK(mkdir("open", 0777));
    OK(chmod("open", 0777));
    close(make("open/roots", "", 0600));
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        failures = 0;
        IS(setgid(1000), 0);
        IS(setuid(1000), 0);
        FAILS(open("private/secret", O_RDONLY), EACCES);
        FAILS(chdir("private"), EACCES);
        FAILS(access("private/secret", F_OK), EACCES);
        FAILS(open("readable", O_RDWR), EACCES);
        FAILS(open("readable", O_RDONLY | O_NOATIME), EPERM);
        const int readable = open("readable", O_RDONLY);
        FAILS(fcntl(readable, F_SETFL, O_NOATIME), EPERM);
        close(readable);
        OK(open("readable", O_RDONLY));
        FAILS(access("readable", W_OK), EACCES);
        IS(access("readable", R_OK), 0);
        FAILS(chmod("readable", 0777), EPERM);
        FAILS(chown("readable", 1000, 1000), EPERM);
        FAILS(utimensat(AT_FDCWD, "readable", nullptr, 0), EACCES);
        const timespec times[2] = {{1, 0}, {1, 0}};
        FAILS(utimensat(AT_FDCWD, "readable", times, 0), EPERM);
        FAILS(unlink("sticky/roots"), EPERM);
        FAILS(rename("sticky/roots", "sticky/mine"), EPERM);
        OK(open("sticky/own", O_RDWR | O_CREAT, 0600));
        OK(unlink("sticky/own"));
        OK(unlink("open/roots"));
        FAILS(mkdir("private/x", 0700), EACCES);
        FAILS(mknod("open/device", S_IFCHR | 0600, makedev(1, 3)), EPERM);
        FAILS(mount("tmpfs", "open", "tmpfs", 0, nullptr), EPERM);
        FAILS(chroot("open"), EPERM);
        std::fflush(stdout);
        _exit(failures);
    }
    int status = 0;
    waitpid(child, &status, 0);
    IS(status, 0);
}

void descriptors()
{
    int file = make("descriptors", "abc");
    int copy = dup(file);
    OK(copy);
    char byte = 0;
    IS(lseek(file, 0, SEEK_SET), 0);
    IS(read(copy, &byte, 1), 1);
    IS(lseek(file, 0, SEEK_CUR), 1);
    IS(dup2(file, file), file);
    FAILS(dup2(999, 5), EBADF);
    FAILS(dup3(file, file, 0), EINVAL);
    int high = fcntl(file, F_DUPFD_CLOEXEC, 50);
    IS(high, 50);
    IS(fcntl(high, F_GETFD), FD_CLOEXEC);
    OK(fcntl(high, F_SETFD, 0));
    IS(fcntl(high, F_GETFD), 0);
    OK(fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY));
    IS(fcntl(copy, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE), O_APPEND | O_NONBLOCK | O_RDWR);
    OK(fcntl(file, F_SETFL, O_ASYNC | O_NONBLOCK));  // a file on a disk is always ready
    IS(fcntl(file, F_GETFL) & O_ASYNC, 0);
    FAILS(fcntl(file, F_SETOWN, 999'999), ESRCH);
    FAILS(fcntl(file, F_SETOWN, -999'999), ESRCH);
    OK(fcntl(file, F_SETOWN, getpid()));
    IS(fcntl(file, F_GETOWN), getpid());
    OK(fcntl(file, F_SETOWN, 0));
    int off = 0;
    OK(ioctl(file, FIONBIO, &off));
    IS(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
    FAILS(ioctl(file, 0x5401, &off), ENOTTY);
    IS(close_range(40, 60, 0), 0);
    FAILS(fcntl(high, F_GETFD), EBADF);
    FAILS(close(high), EBADF);
    FAILS(fcntl(file, 9999), EINVAL);

    OK(flock(file, LOCK_EX));
    int other = open("descriptors", O_RDWR);
    FAILS(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    OK(flock(copy, LOCK_UN));
    OK(flock(other, LOCK_SH | LOCK_NB));
    OK(flock(file, LOCK_SH | LOCK_NB));
    FAILS(flock(file, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(other);
    OK(flock(file, LOCK_EX | LOCK_NB));

    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_start = 10;
    range.l_len = 10;
    OK(fcntl(file, F_SETLK, &range));
    struct flock hole = range;
    hole.l_type = F_UNLCK;
    hole.l_start = 14;
    hole.l_len = 2;
    OK(fcntl(file, F_SETLK, &hole));
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        failures = 0;
        struct flock wanted = range;
        wanted.l_start = 0;
        wanted.l_len = 0;
        OK(fcntl(file, F_GETLK, &wanted));
        IS(wanted.l_type, F_WRLCK);
        IS(wanted.l_start, 10);
        IS(wanted.l_len, 4);
        IS(wanted.l_pid, getppid());
        wanted = hole;
        wanted.l_type = F_WRLCK;
        OK(fcntl(file, F_SETLK, &wanted));
        wanted.l_len = 3;
        FAILS(fcntl(file, F_SETLK, &wanted), EAGAIN);
        std::fflush(stdout);
        _exit(failures);
    }
    int status = 0;
    waitpid(child, &status, 0);
    IS(status, 0);
    close(file);
    close(copy);
}

void memory_files()
{
    int file = memfd_create("mine", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    OK(file);
    IS(write(file, "sealed", 6), 6);
    IS(fcntl(file, F_GET_SEALS), 0);
    OK(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    FAILS(ftruncate(file, 1), EPERM);
    FAILS(ftruncate(file, 10), EPERM);
    FAILS(pwrite(file, "x", 1, 6), EPERM);
    IS(pwrite(file, "S", 1, 0), 1);
    OK(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    FAILS(pwrite(file, "x", 1, 0), EPERM);
    FAILS(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    IS(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED, 1);
    char link_text[100] = {};
    char proc_name[64];
    std::snprintf(proc_name, sizeof proc_name, "/proc/self/fd/%d", file);
    if (readlink(proc_name, link_text, sizeof link_text) > 0) IS(std::strcmp(link_text, "/memfd:mine (deleted)"), 0);
    close(file);
    int plain = memfd_create("plain", 0);
    FAILS(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    close(plain);
    FAILS(memfd_create("x", 0x8000), EINVAL);
    int unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
    OK(unnamed);
    struct stat answer {};
    OK(fstat(unnamed, &answer));
    IS(answer.st_nlink, 0);
    IS(write(unnamed, "x", 1), 1);
    close(unnamed);
}

void mounts()
{
    OK(mkdir("mnt", 0755));
    const dev_t outside = stat_of("mnt").st_dev;
    OK(mount("source", "mnt", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m,mode=0750"));
    IS(stat_of("mnt").st_mode & 07777, 0750);
    IS(stat_of("mnt").st_dev != outside, 1);
    IS(stat_of("mnt/..").st_ino, stat_of(".").st_ino);
    FAILS(rmdir("mnt"), EBUSY);
    FAILS(rename("mnt", "mnt2"), EBUSY);
    int file = make("mnt/file", "inside", 0755);
    std::vector<char> bytes(2 << 20);
    IS(pwrite(file, bytes.data(), bytes.size(), 0) < static_cast<ssize_t>(bytes.size()), 1);
    FAILS(pwrite(file, bytes.data(), 4096, 4 << 20), ENOSPC);
    IS(ftruncate(file, 6), 0);
    IS(pwrite(file, "inside", 6, 0), 6);
    FAILS(link("mnt/file", "outside"), EXDEV);
    FAILS(rename("mnt/file", "outside"), EXDEV);
    FAILS(umount("mnt"), EBUSY);
    IS(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED && errno == EPERM, 1);
    void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    FAILS(mprotect(memory, 4096, PROT_READ | PROT_EXEC), EACCES);
    OK(munmap(memory, 4096));
    close(file);
    FAILS(access("mnt/file", X_OK), EACCES);
    OK(mknod("mnt/null", S_IFCHR | 0666, makedev(1, 3)));
    FAILS(open("mnt/null", O_RDWR), EACCES);
    OK(mkdir("bound", 0755));
    OK(mount("mnt", "bound", nullptr, MS_BIND, nullptr));
    IS(content("bound/file") == "inside", 1);
    OK(mount(nullptr, "bound", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr));
    FAILS(open("bound/file", O_RDWR), EROFS);
    FAILS(open("bound/new", O_RDWR | O_CREAT, 0600), EROFS);
    FAILS(mkdir("bound/new", 0700), EROFS);
    FAILS(unlink("bound/file"), EROFS);
    FAILS(chmod("bound/file", 0600), EROFS);
    FAILS(access("bound/file", W_OK), EROFS);
    OK(close(open("mnt/file", O_RDWR)));
    OK(umount("bound"));
    IS(entries("bound").size(), 2);
    const int inside = open("mnt", O_RDONLY | O_DIRECTORY);
    OK(umount2("mnt", MNT_DETACH));
    IS(stat_of("mnt").st_dev, outside);
    int detached = openat(inside, "file", O_RDONLY);
    OK(detached);
    close(detached);
    close(inside);
    FAILS(umount("mnt"), EINVAL);
    OK(mount("x", "mnt", "tmpfs", MS_NOSYMFOLLOW, nullptr));
    OK(symlink("/", "mnt/link"));
    FAILS(open("mnt/link", O_RDONLY), ELOOP);
    FAILS(open("mnt/link/dev", O_RDONLY), ELOOP);
    OK(stat_of("mnt").st_ino);
    struct statfs mounted {};
    OK(statfs("mnt", &mounted));
    constexpr long no_symlink_follow = 0x2000;
    IS(mounted.f_flags & no_symlink_follow, no_symlink_follow);
    OK(umount("mnt"));
    FAILS(mount("x", "mnt", "nosuchfs", 0, nullptr), ENODEV);
    FAILS(mount("x", "mnt", "tmpfs", 0, "nonsense=1"), EINVAL);
    FAILS(mount("x", "file", "tmpfs", 0, nullptr), ENOTDIR);
    OK(rmdir("mnt"));
}

void devices()
{
    char bytes[64];
    int file = open("/dev/zero", O_RDWR);
    OK(file);
    std::memset(bytes, 1, sizeof bytes);
    IS(read(file, bytes, sizeof bytes), 64);
    IS(bytes[63], 0);
    IS(write(file, bytes, 10), 10);
    close(file);
    file = open("/dev/full", O_RDWR);
    FAILS(write(file, bytes, 1), ENOSPC);
    close(file);
    file = open("/dev/urandom", O_RDONLY);
    char other[64];
    IS(read(file, bytes, 64), 64);
    IS(read(file, other, 64), 64);
    IS(std::memcmp(bytes, other, 64) != 0, 1);
    close(file);
    IS(getrandom(bytes, 64, 0), 64);
    FAILS(getrandom(bytes, 64, 0x100), EINVAL);
    FAILS(getrandom(bad_pointer, 64, 0), EFAULT);
    file = open("/dev/null", O_WRONLY);
    IS(lseek(file, 100, SEEK_SET), 0);
    FAILS(fallocate(file, 0, 0, 1), ENODEV);
    IS(posix_fadvise(file, 0, 0, POSIX_FADV_NORMAL), 0);
    const int instance = epoll_create1(0);
    epoll_event event{};
    FAILS(epoll_ctl(instance, EPOLL_CTL_ADD, file, &event), EPERM);  // always ready
    close(instance);
    close(file);
    int ends[2];
    OK(pipe(ends));
    FAILS(fallocate(ends[1], 0, 0, 1), ESPIPE);
    IS(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    close(ends[0]);
    close(ends[1]);
    struct stat answer {};
    OK(fstatat(AT_FDCWD, ".", &answer, AT_STATX_FORCE_SYNC));
}

}  // namespace

int main(int count, char** arguments)
{
    if (count != 2 || chdir(arguments[1]) < 0) {
        std::printf("usage: files DIRECTORY\n");
        return 2;
    }
    umask(022);
    for (void (*const part)() : {opening, reading_and_writing, limits, names, renaming, directories, attributes,
                                 permissions, descriptors, memory_files, mounts, devices})
        part();
    return failures == 0 ? 0 : 1;
}
