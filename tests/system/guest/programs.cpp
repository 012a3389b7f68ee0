// execve(2) and what a program finds when it starts, case by case. Prints what is wrong; silent and 0 when all is
// right. Also right on Linux: run it there to check the checks. Run with other arguments it is the program that is
// executed.
#include "check.hpp"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

char self[] = "/proc/self/exe";
char folder[] = "/tmp/programs-XXXXXX";

// What an executed program says by its exit code.
enum Code { as_expected = 77, unexpected = 1 };

std::string path(const char* name) { return std::string(folder) + "/" + name; }

int code_of(pid_t id)
{
    int status = 0;
    IS(waitpid(id, &status, 0), id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

long execute(const char* file, const std::vector<const char*>& arguments,
             const std::vector<const char*>& environment = {})
{
    std::vector<char*> list, variables;
    for (const char* argument : arguments) list.push_back(const_cast<char*>(argument));
    for (const char* variable : environment) variables.push_back(const_cast<char*>(variable));
    list.push_back(nullptr);
    variables.push_back(nullptr);
    return execve(file, list.data(), variables.data());
}

int run(const char* file, const std::vector<const char*>& arguments, const std::vector<const char*>& environment = {})
{
    const pid_t id = fork();
    if (id == 0) {
        execute(file, arguments, environment);
        _exit(errno);
    }
    return code_of(id);
}

void make_file(const char* name, const std::string& text, mode_t mode)
{
    const int file = open(path(name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    HOLDS(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    OK(fchmod(file, mode));
    close(file);
}

void errors()
{
    FAILS(execute("/nonexistent", {"x"}), ENOENT);
    FAILS(execute("", {"x"}), ENOENT);
    FAILS(execute("/", {"x"}), EACCES);
    make_file("text", "hello", 0644);
    FAILS(execute(path("text").c_str(), {"x"}), EACCES);
    FAILS(execute(path("text/x").c_str(), {"x"}), ENOTDIR);
    OK(chmod(path("text").c_str(), 0755));
    FAILS(execute(path("text").c_str(), {"x"}), ENOEXEC);
    make_file("cut", std::string("\177ELF\2\1\1", 7) + std::string(57, '\0'), 0755);
    FAILS(execute(path("cut").c_str(), {"x"}), ENOEXEC);
    char* none[] = {nullptr};
    FAILS(execve(reinterpret_cast<char*>(1), none, none), EFAULT);
    FAILS(execve(self, reinterpret_cast<char**>(8), none), EFAULT);
    FAILS(syscall(SYS_execveat, AT_FDCWD, self, none, none, 1), EINVAL);
}

void arguments()
{
    IS(run(self, {"zero", "exact", "a b", "", "c"}, {"A=1", "B="}), as_expected);
    IS(run(self, {}), as_expected);
    const int file = open(self, O_RDONLY | O_CLOEXEC);
    const pid_t id = fork();
    if (id == 0) {
        char zero[] = "zero", exact[] = "exact", words[] = "a b", empty[] = "", c[] = "c", first[] = "A=1",
             second[] = "B=";
        char* list[] = {zero, exact, words, empty, c, nullptr};
        char* variables[] = {first, second, nullptr};
        syscall(SYS_execveat, file, "", list, variables, AT_EMPTY_PATH);
        _exit(unexpected);
    }
    IS(code_of(id), as_expected);
    close(file);
}

void limits()
{
    const std::string longest(131'071, 'x'), longer(131'072, 'x');
    IS(run(self, {"zero", "length", "131071", longest.c_str()}), as_expected);
    FAILS(execute(self, {"zero", longer.c_str()}), E2BIG);
    std::vector<const char*> many(20'000, "yyyyyyyyyyyyyyyyyyyy");
    many[0] = "zero";
    many[1] = "count";
    IS(run(self, many), as_expected);
    many.resize(300'000, "yyyyyyyyyyyyyyyyyyyy");
    FAILS(execute(self, many), E2BIG);
}

void scripts()
{
    make_file("script", "#! /proc/self/exe  script one  arg \nrest\n", 0755);
    make_file("no_newline", "#!" + path("script"), 0755);
    make_file("loop", "#!" + path("loop") + "\n", 0755);
    make_file("blank", "#!  \n", 0755);
    make_file("absent", "#!/nonexistent\n", 0755);
    const std::string script = path("script"), nested = path("no_newline");
    IS(run(script.c_str(), {"zero", "p q", "r"}, {("SCRIPT=" + script).c_str(), "COUNT=5"}), as_expected);
    IS(run(nested.c_str(), {"zero", "p q", "r"}, {("SCRIPT=" + script).c_str(), "COUNT=6"}), as_expected);
    FAILS(execute(path("loop").c_str(), {"x"}), ELOOP);
    FAILS(execute(path("blank").c_str(), {"x"}), ENOEXEC);
    FAILS(execute(path("absent").c_str(), {"x"}), ENOENT);
}

void* execute_in_thread(void*)
{
    execute(self, {"zero", "alone"});
    return nullptr;
}
void* wait_in_thread(void*)
{
    for (;;) pause();
}

void what_stays()
{
    // Another thread than the first executes: the process keeps its id, the others end.
    const pid_t id = fork();
    if (id == 0) {
        pthread_t thread;
        for (int number = 0; number < 5; number++) pthread_create(&thread, nullptr, wait_in_thread, nullptr);
        pthread_create(&thread, nullptr, execute_in_thread, nullptr);
        wait_in_thread(nullptr);
    }
    IS(code_of(id), as_expected);
    // Descriptors without close-on-exec, ignored signals and the mask stay; handlers and the rest don't.
    const pid_t keeper = fork();
    if (keeper == 0) {
        dup2(open("/dev/null", O_RDONLY), 20);
        fcntl(dup2(20, 21), F_SETFD, FD_CLOEXEC);
        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, [](int) {});
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGHUP);
        sigprocmask(SIG_SETMASK, &mask, nullptr);
        execute(self, {"zero", "kept"});
        _exit(unexpected);
    }
    IS(code_of(keeper), as_expected);
    const pid_t fast = vfork();
    if (fast == 0) {
        execute(self, {"zero", "alone"});
        _exit(unexpected);
    }
    IS(code_of(fast), as_expected);
}

long long to_ns(timespec time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

// The vDSO's answers stand between those of the system calls before and after.
void clocks()
{
    for (const clockid_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME}) {
        timespec before, between, after;
        OK(syscall(SYS_clock_gettime, clock, &before));
        OK(clock_gettime(clock, &between));
        OK(syscall(SYS_clock_gettime, clock, &after));
        HOLDS(to_ns(before) <= to_ns(between) && to_ns(between) <= to_ns(after));
    }
    timespec resolution, now;
    OK(clock_getres(CLOCK_MONOTONIC, &resolution));
    HOLDS(resolution.tv_sec == 0 && resolution.tv_nsec == 1);
    timeval time;
    OK(gettimeofday(&time, nullptr));
    OK(clock_gettime(CLOCK_REALTIME, &now));
    HOLDS(now.tv_sec - time.tv_sec <= 1 && now.tv_sec - std::time(nullptr) <= 1);
    unsigned cpu = ~0u, node = ~0u;
    OK(getcpu(&cpu, &node));
    HOLDS(cpu < 1024 && node == 0);
    FAILS(clock_gettime(9999, &now), EINVAL);
}

void auxiliary()
{
    IS(getauxval(AT_PAGESZ), 4096);
    IS(getauxval(AT_CLKTCK), 100);
    IS(getauxval(AT_UID), getuid());
    IS(getauxval(AT_SECURE), 0);
    HOLDS(getauxval(AT_RANDOM) != 0 && getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
    HOLDS(std::memcmp(reinterpret_cast<void*>(getauxval(AT_SYSINFO_EHDR)), "\177ELF", 4) == 0);
    IS(std::strcmp(reinterpret_cast<char*>(getauxval(AT_PLATFORM)), "x86_64"), 0);
}

// --- As the program that was executed: true when everything is as it has to be.

bool has_variable(const char* name, const char* value)
{
    const char* found = std::getenv(name);
    return found && std::strcmp(found, value) == 0;
}

bool is_script_call(int count, char** list)
{
    const char* script = std::getenv("SCRIPT");
    const char* expected = std::getenv("COUNT");
    return script && expected && count == std::atoi(expected) && std::strcmp(list[0], self) == 0 &&
           std::strcmp(list[1], "script one  arg") == 0 && std::strcmp(list[2], script) == 0 &&
           std::strcmp(list[count - 2], "p q") == 0 && std::strcmp(list[count - 1], "r") == 0;
}

bool kept()
{
    struct sigaction ignored {
    }, handled{};
    sigaction(SIGUSR1, nullptr, &ignored);
    sigaction(SIGUSR2, nullptr, &handled);
    sigset_t mask;
    sigprocmask(SIG_SETMASK, nullptr, &mask);
    return fcntl(20, F_GETFD) == 0 && fcntl(21, F_GETFD) == -1 && ignored.sa_handler == SIG_IGN &&
           handled.sa_handler == SIG_DFL && sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGTERM);
}

bool as_executed(int count, char** list)
{
    const std::string what = list[1];
    if (what == "script one  arg") return is_script_call(count, list);
    if (std::strcmp(list[0], "zero") != 0) return false;
    if (what == "exact")
        return count == 5 && std::strcmp(list[2], "a b") == 0 && list[3][0] == 0 && std::strcmp(list[4], "c") == 0 &&
               has_variable("A", "1") && has_variable("B", "") && !environ[2];
    if (what == "length") return count == 4 && std::strlen(list[3]) == static_cast<std::size_t>(std::atoi(list[2]));
    if (what == "count") return count == 20'000 && std::strcmp(list[19'999], "yyyyyyyyyyyyyyyyyyyy") == 0;
    if (what == "alone") return getpid() == gettid();
    return what == "kept" && kept();
}

}  // namespace

int main(int count, char** list)
{
    // An empty argument list becomes one empty string.
    if (list[0][0] == 0) return count == 1 ? as_expected : unexpected;
    if (count > 1) return as_executed(count, list) ? as_expected : unexpected;
    mkdir("/tmp", 01777);
    HOLDS(mkdtemp(folder) != nullptr);
    errors();
    arguments();
    limits();
    scripts();
    what_stays();
    clocks();
    auxiliary();
    for (const char* name : {"text", "cut", "script", "no_newline", "loop", "blank", "absent"})
        unlink(path(name).c_str());
    rmdir(folder);
    return check::result();
}
