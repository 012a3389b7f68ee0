// A QEMU plugin that writes down every instruction of a path: from an interrupt's first instruction to the reading of
// the clock in user mode that follows.
//
// Paths begin on an idle processor.
//
//   -plugin takt-path.so,out=FILE,entries=FILE[,longest=N]
//
// `entries` lists the addresses where a path begins, hexadecimal. `out` gets, for each path that was seen, the most
// frequent first:
//
//   path COUNT INSTRUCTIONS armed=N cr3=N msr=N device=N locked=N tlb=N
//   ADDRESS...                                     (hexadecimal, in the order of execution, one line)
//
// `armed`: from the last reading of the clock in the kernel to the last access of a device before the path began, which
// is how late a timer was set.
//
// With `longest` paths begin anywhere, and only the N longest are kept, the longest first, each with what kept its
// interrupt waiting in front of it: for finding the cause of the worst case under load. One virtual processor
// (-icount): there is one path at a time.
#include "qemu_plugin.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace {

enum class Kind : uint8_t { plain, clock, cr3, msr, device, locked, tlb, interrupts_off, interrupts_on, halt };

struct Instruction {
    uint64_t address = 0;
    Kind kind = Kind::plain;
    bool entry = false;
    bool user() const { return address >> 63 == 0; }
};

using Sequence = std::vector<const Instruction*>;

constexpr size_t instructions_max = 20'000;
constexpr size_t user_instructions_max = 200;  // whoever needs more was not waiting for the interrupt
constexpr size_t distinct_paths_max = 2'000;
constexpr unsigned waiting_distance =
    2;  // instructions between the end of a section and the interrupt that waited for it

class Recorder {
public:
    std::unordered_set<uint64_t> entries;
    std::string out;
    size_t longest = 0;

    Instruction& instruction(uint64_t address) { return known_[address]; }
    void execute(const Instruction& instruction);
    void access_device();
    void write() const;

private:
    void begin();
    void finish();
    void follow_section(const Instruction& instruction);

    std::unordered_map<uint64_t, Instruction> known_;
    bool recording_ = false;
    bool halted_ = false;  // by the last instruction
    Sequence path_;
    size_t user_instructions_ = 0;
    unsigned device_accesses_ = 0;
    uint64_t executed_ = 0;
    uint64_t last_clock_ = 0;
    uint64_t arming_ = 0;  // instructions
    uint64_t armed_ = 0;   // the same when the path began
    Sequence section_;     // the last stretch with interrupts off
    bool section_open_ = false;
    unsigned since_section_ = waiting_distance + 1;
    bool was_user_ = false;
    struct Seen {
        unsigned count = 0;
        unsigned device_accesses = 0;
        uint64_t armed = 0;
    };
    std::map<Sequence, Seen> paths_;
};

// Never destroyed: QEMU calls on_exit() after this library's destructors.
Recorder& recorder = *new Recorder;

Kind kind_of(std::string_view text)
{
    const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
    const auto begins = [&](std::string_view word) { return text.starts_with(word); };
    if (begins("rdtsc")) return Kind::clock;
    if (begins("hlt")) return Kind::halt;
    if (begins("cli")) return Kind::interrupts_off;
    if (text == "sti" || begins("sti ") || begins("iret") || begins("sysret")) return Kind::interrupts_on;
    if (begins("mov") && has("%cr3") && !has("%cr3,")) return Kind::cr3;
    if (begins("wrmsr") || begins("rdmsr")) return Kind::msr;
    if (begins("invlpg") || begins("invpcid")) return Kind::tlb;
    if (begins("out") || (begins("in") && has("%dx"))) return Kind::device;
    if (has("lock ") || (begins("xchg") && has("("))) return Kind::locked;
    return Kind::plain;
}

void Recorder::begin()
{
    recording_ = true;
    path_.clear();
    user_instructions_ = 0;
    device_accesses_ = 0;
    armed_ = arming_;
    if (longest != 0 && since_section_ <= waiting_distance) path_ = section_;
}

void Recorder::finish()
{
    recording_ = false;
    if (longest == 0 && paths_.size() >= distinct_paths_max) return;
    if (longest != 0 && paths_.size() >= longest) {
        const auto least = std::ranges::min_element(paths_, {}, [](const auto& seen) { return seen.first.size(); });
        if (least->first.size() >= path_.size()) return;
        paths_.erase(least);
    }
    Seen& seen = paths_[path_];
    ++seen.count;
    seen.device_accesses = device_accesses_;
    seen.armed = armed_;
}

void Recorder::follow_section(const Instruction& instruction)
{
    const bool user = instruction.user();
    if (!section_open_ && !user && (instruction.kind == Kind::interrupts_off || instruction.entry || was_user_)) {
        section_.clear();
        section_open_ = true;
    }
    was_user_ = user;
    if (!section_open_) {
        ++since_section_;
        return;
    }
    section_.push_back(&instruction);
    section_open_ = instruction.kind != Kind::interrupts_on && section_.size() < instructions_max;
    since_section_ = 0;
}

void Recorder::execute(const Instruction& instruction)
{
    ++executed_;
    if (instruction.kind == Kind::clock && !instruction.user()) last_clock_ = executed_;
    if (instruction.entry && (longest != 0 || halted_)) begin();
    halted_ = instruction.kind == Kind::halt;
    if (longest != 0) follow_section(instruction);
    if (instruction.kind == Kind::halt) recording_ = false;  // it woke nobody who reads the clock
    if (!recording_) return;
    path_.push_back(&instruction);
    if (instruction.user()) {
        if (instruction.kind == Kind::clock) return finish();
        ++user_instructions_;
    }
    if (user_instructions_ > user_instructions_max || path_.size() > instructions_max) recording_ = false;
}

void Recorder::access_device()
{
    arming_ = executed_ - last_clock_;
    if (recording_) ++device_accesses_;
}

void Recorder::write() const
{
    std::ofstream file(out);
    std::vector<const decltype(paths_)::value_type*> order;
    for (const auto& seen : paths_) order.push_back(&seen);
    std::ranges::stable_sort(order, [&](const auto* left, const auto* right) {
        return longest != 0 ? left->first.size() > right->first.size() : left->second.count > right->second.count;
    });
    for (const auto* seen : order) {
        std::map<Kind, unsigned> events;
        for (const Instruction* instruction : seen->first) ++events[instruction->kind];
        file << std::dec << "path " << seen->second.count << ' ' << seen->first.size()
             << " armed=" << seen->second.armed << " cr3=" << events[Kind::cr3] << " msr=" << events[Kind::msr]
             << " device=" << events[Kind::device] + seen->second.device_accesses << " locked=" << events[Kind::locked]
             << " tlb=" << events[Kind::tlb] << '\n'
             << std::hex;
        for (const Instruction* instruction : seen->first) file << instruction->address << ' ';
        file << '\n';
    }
}

void on_instruction(unsigned, void* data) { recorder.execute(*static_cast<const Instruction*>(data)); }

void on_memory(unsigned, qemu_plugin_meminfo_t information, uint64_t address, void*)
{
    const qemu_plugin_hwaddr* place = qemu_plugin_get_hwaddr(information, address);
    if (place != nullptr && qemu_plugin_hwaddr_is_io(place)) recorder.access_device();
}

// A block may be translated many times; its instructions stay the same objects.
void on_translation(qemu_plugin_id_t, qemu_plugin_tb* block)
{
    for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); ++index) {
        qemu_plugin_insn* translated = qemu_plugin_tb_get_insn(block, index);
        const uint64_t address = qemu_plugin_insn_vaddr(translated);
        char* text = qemu_plugin_insn_disas(translated);
        Instruction& instruction = recorder.instruction(address);
        instruction = {address, kind_of(text), recorder.entries.contains(address)};
        std::free(text);
        qemu_plugin_register_vcpu_insn_exec_cb(translated, on_instruction, QEMU_PLUGIN_CB_NO_REGS, &instruction);
        if (!instruction.user())
            qemu_plugin_register_vcpu_mem_cb(translated, on_memory, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                             nullptr);
    }
}

void on_exit(qemu_plugin_id_t, void*) { recorder.write(); }

}  // namespace

extern "C" {

__attribute__((visibility("default"))) extern const int qemu_plugin_version = 1;

// Nonzero: QEMU refuses to start.
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t*, int count,
                                                               char** values)
{
    for (int index = 0; index < count; ++index) {
        const std::string_view option = values[index];
        const size_t equals = option.find('=');
        if (equals == std::string_view::npos) return -1;
        const std::string_view name = option.substr(0, equals);
        const std::string value(option.substr(equals + 1));
        if (name == "out") {
            recorder.out = value;
        } else if (name == "entries") {
            std::ifstream file(value);
            for (uint64_t address = 0; file >> std::hex >> address;) recorder.entries.insert(address);
        } else if (name == "longest") {
            recorder.longest = std::strtoul(value.c_str(), nullptr, 10);
        } else {
            return -1;
        }
    }
    if (recorder.out.empty() || recorder.entries.empty()) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
    return 0;
}
}
