#include <kernel/process/ptrace.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

Result<i64> ptrace(MayBlock& context, i64 request, Pid id, u64 address, u64 data)
{
    return takt::ptrace(context, request, id.value, address, data);
}

}  // namespace takt::system_call
