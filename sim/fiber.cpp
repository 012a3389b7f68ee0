#include <mutex>
#include <new>
#include <sim/fiber.hpp>
#include <sys/mman.h>
#include <vector>

extern "C" void takt_sim_fiber_start();

namespace takt::sim {
namespace {

constexpr usize guard_bytes = page_size;

// Machines may live on several host threads.
struct Pool {
    std::mutex mutex;
    std::vector<void*> stacks;
};
Pool& pool()
{
    static Pool* const instance = new Pool;  // outlives every machine
    return *instance;
}

}  // namespace

FiberStack::FiberStack()
{
    {
        std::lock_guard guard(pool().mutex);
        if (!pool().stacks.empty()) {
            base_ = pool().stacks.back();
            pool().stacks.pop_back();
            return;
        }
    }
    base_ =
        mmap(nullptr, guard_bytes + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base_ == MAP_FAILED || mprotect(base_, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
}

FiberStack::~FiberStack()
{
    std::lock_guard guard(pool().mutex);
    pool().stacks.push_back(base_);
}

void* FiberStack::prepare(void (*function)(void*), void* argument)
{
    // Registers as takt_sim_switch pops them: r15, r14, r13, r12, rbx, rbp, then where it returns to.
    auto* top = reinterpret_cast<u64*>(static_cast<char*>(base_) + guard_bytes + bytes) - 2;
    u64* frame = top - 7;
    frame[0] = frame[1] = frame[2] = 0;
    frame[3] = reinterpret_cast<u64>(argument);
    frame[4] = reinterpret_cast<u64>(function);
    frame[5] = 0;
    frame[6] = reinterpret_cast<u64>(&takt_sim_fiber_start);
    return frame;
}

}  // namespace takt::sim
