#include <algorithm>
#include <arch/sim/user_mode.hpp>
#include <kernel/process/task.hpp>
#include <sim/archive.hpp>
#include <sim/program_machine.hpp>
#include <stdio.h>

namespace takt {
namespace {

constexpr u64 call_pause = 34;

const std::vector<u8>& archive()
{
    static const std::vector<u8> bytes = sim::make_archive({{"init", machine::address_of_function(0)}});
    return bytes;
}

}  // namespace

ProgramMachine::ProgramMachine(u32 cpus, u64 memory_bytes)
    : ProgramMachine({.processors = cpus, .memory_bytes = memory_bytes, .strict = true})
{
}

ProgramMachine::ProgramMachine(const sim::MachineOptions& options) : TestMachine(options, archive())
{
    added_.push_back(nullptr);
    machine().functions.push_back([this] {
        Program program(*this);
        init_(program);
        done_ = true;
        machine().return_to_host();
        for (;;) program.call(call_pause);
    });
}

void ProgramMachine::add(ProgramFunction function)
{
    if (std::ranges::find(added_, function) != added_.end()) return;
    if (machine().functions.size() == machine::function_count_max) throw std::length_error("too many functions");
    added_.push_back(function);
    machine().functions.push_back([this, function] {
        Program program(*this);
        function(program);
    });
}

u64 ProgramMachine::address_of(ProgramFunction function) const
{
    const auto place = std::ranges::find(added_, function);
    if (place == added_.end()) PANIC("a function that is no program's: ProgramMachine::add() it");
    return machine::address_of_function(static_cast<u64>(place - added_.begin()));
}

void ProgramMachine::run(std::function<void(Program&)> init, Duration limit)
{
    init_ = std::move(init);
    machine().run_until((now() + limit).ns);
    if (done_) return;
    throw sim::Stopped((machine().idle() ? "the first process waits for ever:" : "the run takes too long:") +
                       describe_programs());
}

std::string ProgramMachine::describe_programs()
{
    static constexpr const char* states[] = {"not started", "ready", "waiting", "ended"};
    std::string text;
    for (Thread* thread : machine().user_threads) {
        const hal::UserFrame& frame = hal::user_frame(*thread);
        const auto& task = static_cast<const Task&>(*thread);
        char line[256];
        snprintf(line, sizeof line, "\n  %d of process %d (child of %d): %s at level %u, ", thread->id.value,
                 task.process->pid.value, task.process->parent ? task.process->parent->pid.value : 0,
                 states[static_cast<usize>(thread->state)], thread->level);
        text += line;
        if (thread->context.user->in_user_mode)
            text += "in user mode";
        else if (frame.orig_rax == ~0ull)
            text += "in a fault or an interrupt";
        else {
            snprintf(line, sizeof line, "in call %lu (%#lx, %#lx, %#lx, %#lx)", frame.orig_rax, frame.rdi, frame.rsi,
                     frame.rdx, frame.r10);
            text += line;
        }
    }
    return text;
}

}  // namespace takt
