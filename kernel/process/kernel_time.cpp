#include <kernel/process/kernel_time.hpp>

#include <kernel/hal/clock.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

// No switch comes between the two that are added.
u64 run_cycles(const PreemptOff&, const Thread& self)
{
    return self.run_cycles + (hal::cycles() - self.run_start_cycles);
}

}  // namespace

// 1 to 31, one as likely as another.
void KernelTime::choose_next()
{
    random_ = random_ * 1664525 + 1013904223;
    entries_left_ = 1 + ((random_ >> 16) * (2 * entries_per_sample - 1) >> 16);
}

void KernelTime::begin(Thread& self, u32 weight)
{
    if (weight_ != 0) {  // the one before slept
        add(self);
        if (weight != 1 && --entries_left_ > 0) return;
    }
    weight_ = weight;
    entries_left_ = 1;  // if it sleeps, the next entry adds it up
    slept_cycles_ = self.slept_cycles;
    PreemptOff stay;
    begin_cycles_ = run_cycles(stay, self);
}

void KernelTime::add(Thread& self)
{
    PreemptOff stay;
    const u64 end_cycles = self.slept_cycles == slept_cycles_ ? run_cycles(stay, self) : self.slept_cycles;
    const u64 spent = (end_cycles - begin_cycles_) * weight_;
    weight_ = 0;
    choose_next();
    cycles_.store(cycles_.load(Order::relaxed) + spent, Order::relaxed);
    Cpu& cpu = this_cpu(stay);
    cpu.system_cycles.store(cpu.system_cycles.load(Order::relaxed) + spent, Order::relaxed);
}

}  // namespace takt
