// The order in which locks are taken: a lock may be taken only while every lock held has a smaller rank.
//
// Checked at compile time where a guard is taken under another guard, and at run time by the held-lock stack of the
// thread (debug images and the simulator). Two locks of one rank are taken only by the function named beside it.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

enum class Rank : u8 {
    // Mutexes: may be held across waits and user copies.
    exec,           // Process: one execve or ptrace attach at a time
    mount_table,    // fs: the mount tree
    rename,         // fs: one cross-directory rename at a time, before its two directories
    file_position,  // File: read/write/lseek on a shared position
    directory,      // fs: entries of one directory; lock_two_directories() takes two, by address
    inode,          // fs: data and size of one file
    terminal,       // tty: line discipline
    socket,         // net: one socket; lock_two_sockets() takes two, by address
    pipe,           // ipc: one pipe
    message_queue,  // ipc: one POSIX or System V queue, semaphore set
    ipc_names,      // ipc: key and id tables
    address_space,  // mm: the map of one address space (mmap, page fault)
    memory_object,  // mm: pages of one object

    // Locks: nothing waits inside but for another Lock.
    event_poll,    // epoll: the interest in files, of all epoll instances
    wall_clock,    // those to tell when the wall clock is set
    process_tree,  // parent, children, groups, sessions, pid table
    process,       // one process: threads, limits, credentials
    file_table,    // descriptors of one process
    signal,        // signal actions and pending queues of one process; lock_two_processes() by address
    posix_timer,   // timers of one process
    futex,         // one hash bucket; lock_two_buckets() by address
    object,        // leaf data of some object: eventfd, timerfd, device state
    log,           // kernel log
    slab,          // one slab cache
    frames,        // page frames

    // Raw spin locks: preemption and interrupts off.
    poll_source,  // observers of one file; of nested epoll instances: from the watched to the watching, five at most
    event_ready,  // the ready list of one epoll instance
    pi_mutex,     // waiters of one PI mutex
    pi_thread,    // PI mutexes of one thread
    run_queue,    // run queue and timers of one CPU; lock_two_run_queues() by CPU number
    trace,        // recorder control
    console       // panic and early console
};

}  // namespace takt
