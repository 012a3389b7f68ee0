// ProgramMachine: a simulated machine with the whole kernel on it, and programs. Its first process is a function:
//
//     ProgramMachine machine(2);
//     machine.run([](Program& init) { EXPECT_EQ(init.call(39), 1); });  // getpid(2)
//
// A machine runs once. Every function that becomes a program's (fork, clone, handlers) is named before with add().
#pragma once

#include <sim/program.hpp>
#include <sim/test_machine.hpp>

namespace takt {

class ProgramMachine : public TestMachine {
public:
    explicit ProgramMachine(u32 cpus = 1, u64 memory_bytes = 32ull << 20);
    explicit ProgramMachine(const sim::MachineOptions& options);

    void add(ProgramFunction function);
    u64 address_of(ProgramFunction function) const;

    // Starts the kernel; its first process runs `init`, and the machine until that is done. Stopped: it can't come to
    // its end, or takes more than `limit` of virtual time. The first process waits for ever then.
    void run(std::function<void(Program&)> init, Duration limit = seconds(1000));

private:
    std::string describe_programs();

    std::vector<ProgramFunction> added_;  // that of index 0 is the first process's
    std::function<void(Program&)> init_;
    bool done_ = false;
};

}  // namespace takt
