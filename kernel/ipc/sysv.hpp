// What the three kinds of System V objects share: keys, ids, permissions (sysvipc(7)).
//
// An id is sequence * 32768 + index: the id of a removed object does not come back soon.
#pragma once

#include <abi/ipc.hpp>
#include <kernel/base/list.hpp>
#include <kernel/mm/vector.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

struct SysvKeyTag;

// Who may do what with an object. Guarded as its object says.
struct SysvPermissions {
    u32 user = 0, group = 0, creator_user = 0, creator_group = 0;
    u32 mode = 0;  // nine permission bits

    // Of the running process.
    static SysvPermissions make(MayLock& context, u32 mode);
    // wanted: permission bits as in a mode, in any of the three places. Errors: eacces.
    Result<void> check(MayLock& context, u32 wanted) const;
    // IPC_SET, IPC_RMID. Errors: eperm.
    Result<void> check_owner(MayLock& context) const;
    abi::IpcPermissions describe(i32 key, i32 id) const;
    void set(const abi::IpcPermissions& wanted);
};

inline constexpr u32 sysv_read = 0444, sysv_write = 0222;

class SysvObject : public HeapObject, public TreeHook<SysvKeyTag> {
public:
    i32 key() const { return key_; }
    i32 id() const { return id_; }

protected:
    SysvObject() = default;

private:
    template <typename T>
    friend class SysvTable;
    friend struct SysvByKey;
    i32 key_ = abi::ipc::key_private;
    i32 id_ = -1;
};

struct SysvByKey {
    bool operator()(const SysvObject& left, const SysvObject& right) const { return left.key_ < right.key_; }
    bool operator()(const SysvObject& left, i32 right) const { return left.key_ < right; }
    bool operator()(i32 left, const SysvObject& right) const { return left < right.key_; }
};

// The objects of one kind by key and id. T derives from SysvObject and RefCounted. Its owner's lock guards it.
// By id O(1), by key O(log n), a new one O(n).
template <typename T>
class SysvTable {
public:
    Ref<T> find(i32 id)
    {
        T* object = id < 0 ? nullptr : at(static_cast<u32>(id) % id_stride);
        return object && object->id_ == id ? Ref<T>::share(*object) : nullptr;
    }
    Ref<T> at_index(i32 index)
    {
        T* object = index < 0 ? nullptr : at(static_cast<u32>(index));
        return object ? Ref<T>::share(*object) : nullptr;
    }
    Ref<T> find_key(i32 key)
    {
        if (key == abi::ipc::key_private) return nullptr;
        auto found = by_key_.find(key, SysvByKey());
        return found == by_key_.end() ? nullptr : Ref<T>::share(static_cast<T&>(*found));
    }
    // Errors: eexist (the key), enospc, enomem.
    Result<i32> add(MayLock& context, i32 key, Ref<T> object, usize maximum)
    {
        if (key != abi::ipc::key_private && by_key_.find(key, SysvByKey()) != by_key_.end()) return Errno::eexist;
        usize index = 0;
        while (index < slots_.size() && slots_[index].object) index++;  // bound: maximum
        if (index >= maximum) return Errno::enospc;
        if (index == slots_.size()) TRY(slots_.push_back(context, Slot{}));
        Slot& slot = slots_[index];
        object->key_ = key;
        object->id_ = static_cast<i32>(slot.sequence * id_stride + index);
        if (key != abi::ipc::key_private) by_key_.insert(*object);
        slot.sequence = (slot.sequence + 1) & 0xffff;
        i32 id = object->id_;
        slot.object = std::move(object);
        used_++;
        return id;
    }
    // The object has no key any more.
    void forget_key(T& object)
    {
        if (object.TreeHook<SysvKeyTag>::is_linked()) by_key_.erase(by_key_.iterator_to(object));
        object.key_ = abi::ipc::key_private;
    }
    // Takes an object out; null when it is not there any more.
    Ref<T> remove(T& object)
    {
        u32 index = static_cast<u32>(object.id_) % id_stride;
        if (at(index) != &object) return nullptr;
        forget_key(object);
        used_--;
        return std::exchange(slots_[index].object, nullptr);
    }
    i32 used() const { return static_cast<i32>(used_); }
    // Indices are below this.
    i32 index_end() const { return static_cast<i32>(slots_.size()); }
    // IPC_INFO and the like: the highest index in use, 0 if there is none.
    i32 highest_index() const
    {
        usize index = slots_.size();
        while (index > 0 && !slots_[index - 1].object) index--;  // bound: objects there ever were
        return index == 0 ? 0 : static_cast<i32>(index - 1);
    }

private:
    static constexpr u32 id_stride = 32768;
    struct Slot {
        Ref<T> object;
        u32 sequence = 0;
    };
    using ByKey =
        boost::intrusive::set<SysvObject, boost::intrusive::base_hook<TreeHook<SysvKeyTag>>,
                              boost::intrusive::compare<SysvByKey>, boost::intrusive::constant_time_size<false>>;

    T* at(u32 index) { return index < slots_.size() ? slots_[index].object.get() : nullptr; }

    Vector<Slot> slots_;
    ByKey by_key_;
    u32 used_ = 0;
};

// Seconds since 1970, as the objects' times have them.
i64 sysv_time();
// The running process's id.
i32 sysv_pid(const MayLock& context);

}  // namespace takt
