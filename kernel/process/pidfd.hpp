// Pidfd: a file that refers to a process (pidfd_open(2), clone(2) CLONE_PIDFD). Readable once the process has ended.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/process/process.hpp>

namespace takt {

class Pidfd : public File {
public:
    Pidfd(Ref<Process> process, u32 flags) : File(open_flag::read_write | flags), process_(std::move(process)) {}

    u32 poll(MayLock& context, PollObserver* observer) override;
    void describe(MayBlock& context, TextSink& sink) override;
    Process* as_process() override { return process_.get(); }

private:
    const Ref<Process> process_;
};

}  // namespace takt
