// Owners, rights, times, extended attributes, folders and what a tmpfs has room for, through each form of the calls: by
// path, by link, by descriptor, and relative to a folder. Prints what is wrong; silent and 0 when all is right. Needs
// root, and a directory on tmpfs to work in (the first argument). Also right on Linux: run it there to check the
// checks.
#include "check.hpp"
#include "child.hpp"

#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

struct stat status_of(int folder, const char* name)
{
    struct stat answer {};
    OK(fstatat(folder, name, &answer, AT_SYMLINK_NOFOLLOW));
    return answer;
}

// Names are looked up in `folder`, which is not the working directory.
void names(int folder)
{
    OK(mkdirat(folder, "inner", 0750));
    IS(status_of(folder, "inner").st_mode, S_IFDIR | 0750);
    FAILS(mkdirat(folder, "inner", 0750), EEXIST);
    FAILS(mkdirat(999, "x", 0750), EBADF);
    OK(close(openat(folder, "inner/file", O_CREAT | O_WRONLY, 0600)));
    FAILS(access("inner/file", F_OK), ENOENT);
    OK(linkat(folder, "inner/file", folder, "hard", 0));
    IS(status_of(folder, "hard").st_nlink, 2);
    FAILS(linkat(folder, "none", folder, "x", 0), ENOENT);
    FAILS(linkat(folder, "hard", folder, "x", 1), EINVAL);
    OK(symlinkat("hard", folder, "soft"));
    OK(linkat(folder, "soft", folder, "followed", AT_SYMLINK_FOLLOW));
    IS(status_of(folder, "hard").st_nlink, 3);
    OK(linkat(folder, "soft", folder, "kept", 0));
    HOLDS(S_ISLNK(status_of(folder, "kept").st_mode));
    char target[16] = {};
    IS(readlinkat(folder, "soft", target, sizeof target), 4);
    HOLDS(std::string_view(target) == "hard");
    FAILS(readlinkat(folder, "hard", target, sizeof target), EINVAL);
    OK(renameat(folder, "hard", folder, "inner/moved"));
    FAILS(renameat(folder, "hard", folder, "x"), ENOENT);
    IS(status_of(folder, "inner/moved").st_nlink, 3);
    FAILS(unlinkat(folder, "inner", 0), EISDIR);
    FAILS(unlinkat(folder, "inner", AT_REMOVEDIR), ENOTEMPTY);
    for (const char* name : {"inner/moved", "inner/file", "followed", "kept", "soft"}) OK(unlinkat(folder, name, 0));
    OK(unlinkat(folder, "inner", AT_REMOVEDIR));
}

void owners_and_rights(int folder)
{
    OK(symlinkat("file", folder, "link"));
    const int file = openat(folder, "file", O_CREAT | O_RDWR, 0600);
    OK(file);
    OK(fchown(file, 10, 11));
    IS(status_of(folder, "file").st_uid, 10);
    OK(fchownat(folder, "file", 20, 21, 0));
    IS(status_of(folder, "file").st_gid, 21);
    OK(fchownat(folder, "link", 30, 31, AT_SYMLINK_NOFOLLOW));
    IS(status_of(folder, "link").st_uid, 30);
    IS(status_of(folder, "file").st_uid, 20);
    OK(fchownat(file, "", 40, 41, AT_EMPTY_PATH));
    IS(status_of(folder, "file").st_uid, 40);
    FAILS(fchownat(folder, "file", 1, 1, 1), EINVAL);
    OK(fchmod(file, 0640));
    IS(status_of(folder, "file").st_mode & 07777, 0640);
    OK(fchmodat(folder, "file", 0604, 0));
    IS(status_of(folder, "file").st_mode & 07777, 0604);
    FAILS(fchmodat(folder, "none", 0604, 0), ENOENT);

    // Checked for the real user, or with AT_EACCESS for the effective one.
    OK(faccessat(folder, "file", R_OK, 0));
    FAILS(faccessat(folder, "file", X_OK, 0), EACCES);
    FAILS(syscall(SYS_faccessat2, folder, "file", R_OK, 1), EINVAL);
    FAILS(syscall(SYS_faccessat, folder, "file", 8), EINVAL);
    IS(child::run([&] {
           OK(setresuid(50, 0, 0));
           OK(setfsuid(0));
           FAILS(syscall(SYS_faccessat, folder, "file", W_OK), EACCES);
           OK(syscall(SYS_faccessat2, folder, "file", W_OK, AT_EACCESS));
       }),
       0);
    OK(close(file));
    OK(unlinkat(folder, "link", 0));
    OK(unlinkat(folder, "file", 0));
}

// tmpfs keeps none of a user's; what is asked of it says so, once the file is found.
void extended_attributes()
{
    const int file = open("plain", O_CREAT | O_RDWR, 0600);
    OK(symlink("plain", "link"));
    char value[8];
    FAILS(setxattr("plain", "none.x", "1", 1, 0), EOPNOTSUPP);
    FAILS(lsetxattr("plain", "none.x", "1", 1, 0), EOPNOTSUPP);
    FAILS(fsetxattr(file, "none.x", "1", 1, 0), EOPNOTSUPP);
    FAILS(setxattr("plain", "none.x", "1", 1, 99), EINVAL);
    FAILS(setxattr("plain", "", "1", 1, 0), ERANGE);
    FAILS(fsetxattr(file, std::string(256, 'n').c_str(), "1", 1, 0), ERANGE);
    FAILS(getxattr("plain", "none.x", value, sizeof value), EOPNOTSUPP);
    FAILS(lgetxattr("plain", "none.x", value, sizeof value), EOPNOTSUPP);
    FAILS(fgetxattr(file, "none.x", value, sizeof value), EOPNOTSUPP);
    IS(listxattr("plain", value, sizeof value), 0);
    IS(llistxattr("link", value, sizeof value), 0);
    IS(flistxattr(file, value, sizeof value), 0);
    FAILS(removexattr("plain", "none.x"), EOPNOTSUPP);
    FAILS(lremovexattr("plain", "none.x"), EOPNOTSUPP);
    FAILS(fremovexattr(file, "none.x"), EOPNOTSUPP);
    FAILS(getxattr("none", "none.x", value, sizeof value), ENOENT);
    FAILS(llistxattr("none", value, sizeof value), ENOENT);
    FAILS(flistxattr(999, value, sizeof value), EBADF);
    FAILS(fremovexattr(999, "none.x"), EBADF);
    OK(unlink("link"));
    OK(unlink("plain"));
    OK(close(file));
}

void contents()
{
    const int file = open("data", O_CREAT | O_RDWR, 0600);
    char left[2] = {'a', 'b'}, right[3] = {'c', 'd', 'e'};
    const iovec pieces[] = {{left, 2}, {right, 3}};
    IS(pwritev2(file, pieces, 2, 3, RWF_DSYNC), 5);
    IS(lseek(file, 0, SEEK_CUR), 0);
    IS(pwritev2(file, pieces, 2, -1, 0), 5);  // at the position, which goes on
    IS(lseek(file, 0, SEEK_CUR), 5);
    right[0] = 'x';
    IS(dup3(file, 60, O_CLOEXEC), 60);
    IS(fcntl(60, F_GETFD), FD_CLOEXEC);
    IS(lseek(60, 0, SEEK_CUR), 5);
    FAILS(dup3(file, 61, O_APPEND), EINVAL);
    OK(close(60));
    IS(preadv2(file, pieces, 2, 3, RWF_HIPRI), 5);
    HOLDS(left[0] == 'd' && right[0] == 'c' && right[2] == 'e');
    FAILS(preadv2(file, pieces, 2, 0, 0x4000), EOPNOTSUPP);
    OK(posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED));
    IS(posix_fadvise(file, 0, 0, 99), EINVAL);
    IS(posix_fadvise(999, 0, 0, POSIX_FADV_NORMAL), EBADF);
    int ends[2];
    OK(pipe(ends));
    IS(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    OK(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE));
    FAILS(sync_file_range(file, 0, 0, 99), EINVAL);
    FAILS(sync_file_range(file, -1, 0, SYNC_FILE_RANGE_WRITE), EINVAL);
    FAILS(sync_file_range(ends[0], 0, 0, SYNC_FILE_RANGE_WRITE), ESPIPE);
    OK(close(ends[0]));
    OK(close(ends[1]));
    sync();
    OK(syncfs(file));
    FAILS(syncfs(999), EBADF);
    struct statfs about {};
    OK(fstatfs(file, &about));
    IS(about.f_type, 0x01021994);
    HOLDS(about.f_bfree <= about.f_blocks && about.f_bsize == 4096);
    FAILS(fstatfs(999, &about), EBADF);
    OK(unlink("data"));
    OK(close(file));
}

// In children of their own: where names begin.
void roots(int folder)
{
    OK(mkdirat(folder, "root", 0755));
    OK(close(openat(folder, "root/marker", O_CREAT | O_WRONLY, 0600)));
    IS(child::run([&] {
           FAILS(fchdir(999), EBADF);
           OK(fchdir(folder));
           OK(access("root/marker", F_OK));
           FAILS(chroot("root/marker"), ENOTDIR);
           OK(chroot("root"));
           OK(access("/marker", F_OK));
           OK(chdir("/"));
           OK(chdir("../../.."));
           OK(access("marker", F_OK));
           const int file = open("marker", O_RDONLY);
           FAILS(fchdir(file), ENOTDIR);
       }),
       0);
    OK(unlinkat(folder, "root/marker", 0));
    OK(unlinkat(folder, "root", AT_REMOVEDIR));
}

// Inside a root that is a mount of its own, another mount becomes the root and the old one a folder in it.
void new_root()
{
    OK(mkdir("stage", 0755));
    OK(mount("first", "stage", "tmpfs", 0, nullptr));
    IS(child::run([] {
           OK(chroot("stage"));
           OK(chdir("/"));
           OK(mkdir("/new", 0755));
           FAILS(syscall(SYS_pivot_root, "/new", "/new"), EBUSY);  // in the old root
           OK(mount("second", "/new", "tmpfs", 0, nullptr));
           OK(mkdir("/new/old", 0755));
           FAILS(syscall(SYS_pivot_root, "/new/old", "/new/old"), EINVAL);  // no mount
           OK(syscall(SYS_pivot_root, "/new", "/new/old"));
           OK(access("/old/new", F_OK));
           OK(chdir("/"));
           OK(umount2("/old", MNT_DETACH));
           FAILS(access("/old/new", F_OK), ENOENT);
           OK(rmdir("/old"));
       }),
       0);
    OK(umount("stage"));
    OK(rmdir("stage"));
}

bool make_socket(const char* name)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, name);
    const int socket_file = socket(AF_UNIX, SOCK_DGRAM, 0);
    const int result = bind(socket_file, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    close(socket_file);
    errno = error;
    return result == 0;
}

// tmpfs(5), nr_inodes and size: inodes of all kinds count, further names too, and link targets that are long.
void what_fits()
{
    OK(mkdir("few", 0700));
    OK(mount("none", "few", "tmpfs", 0, "nr_inodes=6,size=8k"));
    OK(chdir("few"));
    const auto inodes = [] {
        struct statfs answer {};
        OK(statfs(".", &answer));
        return answer.f_files - answer.f_ffree;
    };
    const auto pages = [] {
        struct statfs answer {};
        OK(statfs(".", &answer));
        return answer.f_blocks - answer.f_bfree;
    };
    IS(inodes(), 1);
    OK(mkdir("folder", 0700));
    OK(symlink("target", "link"));
    OK(mkfifo("fifo", 0600));
    OK(mknod("device", S_IFCHR | 0600, makedev(1, 3)));
    HOLDS(make_socket("socket"));
    IS(inodes(), 6);
    FAILS(symlink("target", "more"), ENOSPC);
    FAILS(mkfifo("more", 0600), ENOSPC);
    FAILS(mknod("more", S_IFBLK | 0600, makedev(7, 0)), ENOSPC);
    FAILS(mkdir("more", 0700), ENOSPC);
    FAILS(open("more", O_CREAT | O_WRONLY, 0600), ENOSPC);
    FAILS(link("fifo", "more"), ENOSPC);
    HOLDS(!make_socket("more") && errno == ENOSPC);
    OK(unlink("link"));
    IS(inodes(), 5);
    OK(link("fifo", "name"));
    IS(inodes(), 6);
    OK(rename("name", "device"));
    IS(inodes(), 5);
    OK(unlink("fifo"));
    IS(inodes(), 4);
    OK(rename("socket", "device"));
    OK(unlink("device"));
    OK(rmdir("folder"));
    IS(inodes(), 1);

    const std::string short_target(127, 't');
    OK(symlink(short_target.c_str(), "short"));
    IS(pages(), 0);
    IS(status_of(AT_FDCWD, "short").st_blocks, 0);
    const std::string long_target(128, 't');
    OK(symlink(long_target.c_str(), "long"));
    IS(status_of(AT_FDCWD, "long").st_blocks, 8);
    OK(symlink(long_target.c_str(), "longer"));
    IS(pages(), 2);
    FAILS(symlink(long_target.c_str(), "longest"), ENOSPC);
    IS(inodes(), 4);
    for (const char* name : {"short", "long", "longer"}) OK(unlink(name));
    IS(pages(), 0);
    IS(inodes(), 1);
    OK(chdir(".."));
    OK(umount("few"));
    OK(rmdir("few"));
}

}  // namespace

int main(int count, char** arguments)
{
    if (count != 2 || chdir(arguments[1]) < 0) return 2;
    umask(022);
    OK(mkdir("folder", 0755));
    const int folder = open("folder", O_RDONLY | O_DIRECTORY);
    OK(folder);
    names(folder);
    owners_and_rights(folder);
    extended_attributes();
    contents();
    roots(folder);
    new_root();
    what_fits();
    OK(close(folder));
    OK(rmdir("folder"));
    return check::result();
}
