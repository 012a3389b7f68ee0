#include "path_steps.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fnmatch.h>
#include <set>

namespace takt {

struct PathKind {
    struct Rule {
        const char* step;
        std::vector<const char*> functions;  // patterns as of fnmatch(3)
    };
    std::vector<Rule> rules;
    bool by_symbol = false;  // by the symbol alone, not by what is inlined in it
};

namespace {

constexpr const char* user_step = "user mode: the C library's return, the vDSO's clock reading";

// The innermost function that a rule names decides.
size_t rule_of(const PathKind& kind, const std::vector<std::string>& functions)
{
    for (size_t index = kind.by_symbol ? functions.size() - 1 : 0; index < functions.size(); ++index) {
        for (size_t rule = 0; rule < kind.rules.size(); ++rule) {
            const auto& names = kind.rules[rule].functions;
            if (std::ranges::any_of(names,
                                    [&](const char* name) { return fnmatch(name, functions[index].c_str(), 0) == 0; }))
                return rule;
        }
    }
    return kind.rules.size();
}

}  // namespace

const PathKind timer_path = {{
    {"interrupt entry, registers saved", {"takt_timer_entry", "takt_timer_interrupt"}},
    {"run-queue lock, taken once", {"acquire", "release"}},
    {"timer queue: the first, and its thread", {"on_timer_interrupt", "earliest", "take", "expire_sleep"}},
    {"make ready, compare with what runs", {"make_ready", "select_cpu", "add_ready", "enqueue", "set_need_reschedule"}},
    {"end of interrupt, arm the next timer", {"end_of_interrupt", "arm_timer"}},
    {"latency accounting, flight recorder", {"account", "record"}},
    {"pick, switch stacks, address space, thread base",
     {"end_timer_interrupt", "give_way", "switch_to_next", "pick", "dequeue", "clear_need_reschedule", "switch_context",
      "user_state_loaded", "load_user_state", "finish_switch_here", "leave_interrupt", "preempts_on_return"}},
    {"finish the sleep call",
     {"park", "sleep_on", "clock_sleep", "sleep_until", "clock_nanosleep", "takt_system_call", "invoke", "value",
      "set_return_value"}},
    {"signal and rseq check, return to ring 3", {"takt_system_call_exit"}},
}};

const PathKind serial_path = {
    {
        {"interrupt entry, registers saved, end of interrupt",
         {"takt_device_entry_*", "takt_device_interrupt", "*machine::line_of_vector(*"}},
        {"handler: mask the line, wake its thread", {"*InterruptTable::on_interrupt(*"}},
        {"two wake-ups: find the queue, make ready",
         {"*Scheduler::unpark(*", "*::lock_queue_of(*", "*::wake_locked(*"}},
        {"two switches",
         {"takt_preempt_*", "*::preempt_current(*", "*Scheduler::park(*", "*machine::*_user_state(*", "*RunQueue::*",
          "*WaitQueue::sleep(*", "*WaitQueue::finish(*"}},
        {"interrupt thread: read the device, pass the byte on",
         {"*InterruptTable::thread_main(*", "*SerialPort::*", "*LineDiscipline::*"}},
        {"terminal: lock, find out whom to wake",
         {"*Terminal::Section::*", "*Terminal::publish(*", "*Terminal::wake*", "*Terminal::transmit_room(*",
          "*Terminal::receive(*", "*Terminal::room(*", "*Terminal::tell_other_end(*", "*WaitQueue::wake_all(*",
          "*WaitQueue::take_first(*", "*lock_detail::*"}},
        {"read(): copy the byte to the program",
         {"*Terminal::*", "*IoBuffer::*", "*copy_to_user*", "takt_user_copy", "*system_call::read(*"}},
        {"finish the call, return to ring 3", {"*::invoke(*", "takt_system_call", "takt_system_call_exit"}},
    },
    true,
};

std::vector<PathStep> steps_of(const PathKind& kind, const RecordedPath& path, const Symbolizer& symbols)
{
    std::vector<PathStep> steps;
    for (const PathKind::Rule& rule : kind.rules) steps.push_back({rule.step, 0});
    PathStep user{user_step, 0};
    PathStep elsewhere;
    std::set<std::string> unknown;
    for (const uint64_t address : path.addresses) {
        if (address >> 63 == 0) {
            ++user.instructions;
            continue;
        }
        const std::vector<std::string> functions = symbols.functions(address);
        const size_t rule = rule_of(kind, functions);
        if (rule < steps.size()) {
            ++steps[rule].instructions;
        } else {
            ++elsewhere.instructions;
            unknown.insert(fmt::format("{}", fmt::join(functions, " < ")));
        }
    }
    steps.push_back(user);
    elsewhere.name = fmt::format("elsewhere: {}", fmt::join(unknown, ", "));
    if (elsewhere.instructions != 0) steps.push_back(elsewhere);
    return steps;
}

}  // namespace takt
