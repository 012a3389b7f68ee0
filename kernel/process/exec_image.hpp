// The memory of a program that is about to be executed: segments, loader, vDSO and the initial stack in a new address
// space.
#pragma once

#include <kernel/process/exec.hpp>
#include <kernel/process/program.hpp>

namespace takt {

struct ExecImage {
    Ref<AddressSpace> space;
    u64 entry = 0;
    u64 stack_pointer = 0;
};

// Errors: e2big, efault, enomem, enoexec, elibbad.
Result<ExecImage> build_exec_image(MayBlock& context, Program& program, const ExecRequest& request,
                                   const ExecCredentials& credentials);

}  // namespace takt
