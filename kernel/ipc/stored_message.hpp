// StoredMessage: one message of a System V or POSIX queue: its bytes stand behind it in the same allocation.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/mm/user_copy.hpp>

namespace takt {

class StoredMessage : public HeapObject, public ListHook<>, public TreeHook<> {
public:
    // Copies the bytes in. `rank`: the System V type or the POSIX priority. Errors: efault, enomem.
    static Result<Owned<StoredMessage>> create(MayBlock& context, i64 rank, UserAddress from, usize bytes)
    {
        void* memory = allocate(context, sizeof(StoredMessage) + bytes);
        if (!memory) return Errno::enomem;
        Owned<StoredMessage> message(new (memory) StoredMessage(rank, bytes));
        TRY(copy_from_user(context, message->data(), from, bytes));
        return message;
    }

    const i64 rank;
    const usize size;
    u8* data() { return reinterpret_cast<u8*>(this + 1); }

    StoredMessage(i64 type_or_priority, usize bytes) : rank(type_or_priority), size(bytes) {}
};

// Most urgent first; first come among equals.
struct HigherRankFirst {
    bool operator()(const StoredMessage& left, const StoredMessage& right) const { return left.rank > right.rank; }
};

}  // namespace takt
