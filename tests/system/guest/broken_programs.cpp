// Executables that are none: cut short, with nonsense in their headers, with segments that overlap, lie in the kernel's
// half or want all memory. execve(2) refuses them or the new program ends by a signal; whoever started it goes on.
// Prints what is wrong; silent and 0 when all is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <elf.h>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>

namespace {

constexpr int code_of_program = 42;

// A program of one page: exit(42).
std::string small_program()
{
    const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0xbf, code_of_program, 0, 0, 0, 0x0f, 0x05};
    constexpr std::uint64_t base = 0x400000;
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[3];
    } head{};
    const unsigned char magic[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    std::memcpy(head.header.e_ident, magic, sizeof magic);
    head.header.e_type = ET_EXEC;
    head.header.e_machine = EM_X86_64;
    head.header.e_version = EV_CURRENT;
    head.header.e_entry = base + sizeof head;
    head.header.e_phoff = sizeof head.header;
    head.header.e_ehsize = sizeof head.header;
    head.header.e_phentsize = sizeof(Elf64_Phdr);
    head.header.e_phnum = 3;
    head.segments[0] = {PT_LOAD, PF_R | PF_X, 0, base, base, sizeof head + sizeof code, sizeof head + sizeof code,
                        4096};
    head.segments[1] = {PT_LOAD, PF_R | PF_W, 64, base + 0x1040, base + 0x1040, 16, 0x2000, 4096};
    head.segments[2] = {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
    return std::string(reinterpret_cast<const char*>(&head), sizeof head) +
           std::string(reinterpret_cast<const char*>(code), sizeof code);
}

Elf64_Ehdr& header_of(std::string& program) { return *reinterpret_cast<Elf64_Ehdr*>(program.data()); }
Elf64_Phdr& segment_of(std::string& program, std::size_t number)
{
    return reinterpret_cast<Elf64_Phdr*>(program.data() + sizeof(Elf64_Ehdr))[number];
}

// What becomes of it: its exit code, 128 + signal, or 150 + errno of a refusal.
constexpr int refused = 150;
int execute(const std::string& program)
{
    const int file = open("program", O_WRONLY | O_CREAT | O_TRUNC, 0700);
    IS(write(file, program.data(), program.size()), program.size());
    close(file);
    return child::run(
        [] {
            const rlimit cpu{1, 1};
            setrlimit(RLIMIT_CPU, &cpu);
            char name[] = "program";
            char* arguments[] = {name, nullptr};
            execv(name, arguments);
            _exit(refused + errno);
        },
        3);
}

template <typename Break>
int broken(Break how)
{
    std::string program = small_program();
    how(program);
    return execute(program);
}

#define BROKEN(...) broken([](std::string& program) { __VA_ARGS__; })
#define HEADER header_of(program)
#define SEGMENT segment_of(program, 0)
#define DATA segment_of(program, 1)

void headers()
{
    IS(execute(small_program()), code_of_program);
    constexpr int no_program = refused + ENOEXEC;
    IS(BROKEN(program.clear()), no_program);
    IS(BROKEN(program.resize(4)), no_program);
    IS(BROKEN(program.resize(sizeof(Elf64_Ehdr) - 1)), no_program);
    IS(BROKEN(HEADER.e_ident[EI_MAG0] = 0), no_program);
    IS(BROKEN(HEADER.e_machine = EM_AARCH64), no_program);
    IS(BROKEN(HEADER.e_type = ET_REL), no_program);
    IS(BROKEN(HEADER.e_phentsize = 55), no_program);
    IS(BROKEN(HEADER.e_phnum = 0), no_program);
    IS(BROKEN(HEADER.e_phnum = 0xffff), no_program);
    IS(BROKEN(HEADER.e_phnum = 4096 / sizeof(Elf64_Phdr) + 1; program.resize(8192)), no_program);
    IS(BROKEN(HEADER.e_phoff = ~0ul), no_program);
    IS(BROKEN(HEADER.e_phoff = 1ul << 63), no_program);
    IS(BROKEN(program.resize(sizeof(Elf64_Ehdr) + 60)), no_program);
}

void entries()
{
    constexpr int fault = 128 + SIGSEGV;
    for (const std::uint64_t entry : {0x800000000000ul, 0x8000000000000000ul, 0xffffffff80000000ul, 0x7ffffffff000ul}) {
        static std::uint64_t chosen;
        chosen = entry;
        const int status = BROKEN(HEADER.e_entry = chosen);
        HOLDS(status == fault || status >= refused);
    }
    IS(BROKEN(HEADER.e_entry = 0), fault);
    IS(BROKEN(SEGMENT.p_flags = PF_R), fault);
    IS(BROKEN(SEGMENT.p_flags = 0), fault);
}

// Refused before or after there is no way back: then it is SIGKILL or SIGSEGV.
bool ends_badly(int status) { return status >= refused || status == 128 + SIGKILL || status == 128 + SIGSEGV; }

void segments()
{
    HOLDS(ends_badly(BROKEN(DATA.p_vaddr = 0xffffffff80000040)));
    HOLDS(ends_badly(BROKEN(DATA.p_vaddr = 0xffff800000000040)));
    HOLDS(ends_badly(BROKEN(DATA.p_vaddr = 0x7fffffffe040)));
    HOLDS(ends_badly(BROKEN(DATA.p_memsz = ~0ul)));
    HOLDS(ends_badly(BROKEN(DATA.p_memsz = 1ul << 63)));
    HOLDS(ends_badly(BROKEN(DATA.p_memsz = 0x7fffffffffff)));
    HOLDS(ends_badly(BROKEN(DATA.p_filesz = DATA.p_memsz + 1)));
    HOLDS(ends_badly(BROKEN(DATA.p_filesz = ~0ul)));
    HOLDS(ends_badly(BROKEN(DATA.p_offset = ~0ul << 12 | 0x40)));
    HOLDS(ends_badly(BROKEN(DATA.p_offset += 8)));
    // Behind the end of the file: what runs never touches it.
    const int behind = BROKEN(DATA.p_offset = 0x100040);
    HOLDS(behind == code_of_program || ends_badly(behind));
    // On top of the code.
    const int overlapping = BROKEN(DATA.p_vaddr = SEGMENT.p_vaddr + 0x40);
    HOLDS(overlapping == code_of_program || ends_badly(overlapping));
    const int odd_alignment = BROKEN(SEGMENT.p_align = 3);
    HOLDS(odd_alignment == code_of_program || ends_badly(odd_alignment));
    IS(BROKEN(DATA.p_memsz = 0x10000000), code_of_program);
}

// `path` as the interpreter.
int with_interpreter(const std::string& path)
{
    std::string program = small_program();
    segment_of(program, 2) = {PT_INTERP, PF_R, program.size(), 0, 0, path.size(), path.size(), 1};
    return execute(program + path);
}

void interpreters()
{
    const auto zero = [](const char* path) { return std::string(path) + '\0'; };
    IS(with_interpreter(zero("/nothing/there")), refused + ENOENT);
    IS(with_interpreter(zero("/tmp")), refused + EACCES);
    IS(with_interpreter("/tmp/x"), refused + ENOEXEC);
    IS(with_interpreter(std::string(5000, 'x') + '\0'), refused + ENOEXEC);
    IS(with_interpreter(zero("")), refused + ENOEXEC);
    const auto write_text = [](std::size_t size) {
        const int text = open("text", O_WRONLY | O_CREAT | O_TRUNC, 0700);
        IS(write(text, std::string(size, 't').data(), size), size);
        close(text);
    };
    write_text(sizeof(Elf64_Ehdr));
    IS(with_interpreter(zero("text")), refused + ELIBBAD);
    write_text(sizeof(Elf64_Ehdr) - 1);
    IS(with_interpreter(zero("text")), refused + EIO);
    IS(with_interpreter(zero("program")), code_of_program);
    const auto interpreter_at = [](std::uint64_t offset, std::uint64_t size) {
        std::string program = small_program();
        segment_of(program, 2) = {PT_INTERP, PF_R, offset, 0, 0, size, size, 1};
        return execute(program);
    };
    IS(interpreter_at(~0ul, 16), refused + EINVAL);
    IS(interpreter_at((1ul << 63) - 8, 16), refused + EINVAL);
    IS(interpreter_at(1 << 20, 16), refused + EIO);
    IS(interpreter_at(0, ~0ul), refused + ENOEXEC);
    IS(interpreter_at(0, 1), refused + ENOEXEC);
}

// Any bytes anywhere in the headers.
void random_headers()
{
    std::uint64_t state = 1;
    const auto random_word = [&] {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return state * 0x2545f4914f6cdd1d;
    };
    for (int count = 0; count < 300; count++) {
        std::string program = small_program();
        const std::uint64_t seed = state;
        for (std::uint64_t change = 0; change <= random_word() % 3; change++) {
            const std::uint64_t word =
                random_word() % 4 ? random_word() >> random_word() % 64 : ~0ul << random_word() % 64;
            const std::size_t size = std::size_t{1} << random_word() % 4;
            const std::size_t place = 16 + random_word() % (sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr) - 24);
            std::memcpy(program.data() + place / size * size, &word, size);
        }
        if (random_word() % 8 == 0) program.resize(random_word() % program.size());
        if (execute(program) == child::hangs) std::printf("hangs: %lx\n", seed);
    }
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    char place[] = "/tmp/broken-programs-XXXXXX";
    HOLDS(mkdtemp(place));
    OK(chdir(place));
    headers();
    entries();
    segments();
    interpreters();
    random_headers();
    return check::result();
}
