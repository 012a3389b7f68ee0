// Devpts: the numbers of pseudo-terminals and the file system with their slaves (/dev/pts), and /dev/ptmx.
//
// One instance; mount options (uid=, gid=, mode=, ptmxmode=) of the last mount hold. A slave's node appears when its
// master is opened and goes when it is closed. Source: pts(4), Documentation/filesystems/devpts.rst.
#pragma once

#include <kernel/drivers/pty.hpp>
#include <kernel/fs/pseudo.hpp>

namespace takt {

class DevptsFileSystem : public PseudoFileSystem {
public:
    DevptsFileSystem() : PseudoFileSystem("devpts", 0x1cd1) {}
    // Errors: einval.
    Result<void> set_options(MayBlock& context, std::string_view options) override;
    void show_options(TextSink& text) override;

    Atomic<u32> mode{0600};
    Atomic<u32> multiplexer_mode{0};
    Atomic<i64> user{-1};  // -1: the opener's
    Atomic<i64> group{-1};
};

class Devpts {
public:
    // Registers the file system type and the devices. After the file systems' init.
    Result<void> init(MayBlock& context);

    // open(2) of /dev/ptmx. Errors: enospc (no number left), enomem.
    Result<Ref<File>> open_master(MayBlock& context, u32 flags);
    // open(2) of /dev/pts/N. Errors: enxio, Terminal::open()'s.
    Result<Ref<File>> open_slave(MayBlock& context, u32 index, u32 flags);
    // The master is closed.
    void remove(MayBlock& context, PseudoTerminal& terminal);
    const Ref<DevptsFileSystem>& file_system() const { return file_system_; }

private:
    Result<Ref<PseudoTerminal>> create(MayBlock& context);

    Ref<DevptsFileSystem> file_system_;
    Lock<Rank::object> lock_;
    Vector<Ref<PseudoTerminal>> terminals_ GUARDED_BY(lock_);  // by number; null: free
};

}  // namespace takt
