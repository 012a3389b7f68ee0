#include <algorithm>
#include <arch/sim/user_mode.hpp>
#include <sim/archive.hpp>
#include <sim/program_machine.hpp>

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
    throw sim::Stopped(machine().idle() ? "the first process waits for ever" : "the run takes too long");
}

}  // namespace takt
