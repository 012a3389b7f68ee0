// Ipc: what the kernel has of inter-process communication beside the objects themselves. Member of Kernel.
#pragma once

#include <kernel/hal/atomic.hpp>
#include <kernel/ipc/event_poll.hpp>
#include <kernel/ipc/message_queues.hpp>
#include <kernel/ipc/semaphores.hpp>
#include <kernel/ipc/shared_segments.hpp>
#include <kernel/ipc/sysv_queue.hpp>

namespace takt {

class Ipc {
public:
    // Inode numbers of pipes and sockets, as /proc/PID/fd shows them.
    u64 new_inode_number() { return next_inode_.fetch_add(1, Order::relaxed); }

    EventPolls event_polls;
    Semaphores semaphores;
    SharedSegments shared_segments;
    SysvQueues sysv_queues;
    MessageQueues message_queues;

private:
    Atomic<u64> next_inode_{1};
};

}  // namespace takt
