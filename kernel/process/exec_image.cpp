#include <kernel/process/exec_image.hpp>

#include <abi/process.hpp>
#include <algorithm>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/user_stack.hpp>

namespace takt {

namespace {

// Where a position-independent program that has a loader goes: two thirds up, as on Linux without randomisation.
constexpr u64 dynamic_base = 0x555555554000;
constexpr u64 string_bytes_max = 6ull << 20;
constexpr u64 string_bytes_min = 128ull << 10;
constexpr u64 argument_count_max = 0x7fffffff;
constexpr u32 rseq_feature_bytes = 20;
constexpr u32 rseq_alignment = 32;

class Builder : public HeapObject {
public:
    Builder(MayBlock& context, Program& program, const ExecRequest& request, const ExecCredentials& credentials,
            const MemoryLimits& limits)
        : context_(context), program_(program), request_(request), credentials_(credentials), limits_(limits)
    {
    }
    Result<ExecImage> build();

private:
    struct Strings {
        Vector<u64> addresses;  // of the last one first
        u64 start = 0, end = 0;
    };
    Result<void> map_program();
    Result<void> map_loader();
    Result<u64> find_room(u64 bytes, u64 alignment);
    Result<usize> count(const ArgumentList& list);
    Result<void> push_one(UserStack& stack, const ArgumentList& list, usize index);
    Result<void> push_list(UserStack& stack, const ArgumentList& list, usize count, usize first, Strings& strings);
    Result<void> push_prefix(UserStack& stack, Strings& strings);
    Result<void> push_strings(UserStack& stack);
    Result<void> push_tables(UserStack& stack);
    Result<void> push_auxiliary(UserStack& stack);
    Result<void> add(abi::Auxiliary kind, u64 value);
    void fill_layout();

    MayBlock& context_;
    Program& program_;
    const ExecRequest& request_;
    const ExecCredentials& credentials_;
    const MemoryLimits& limits_;
    Ref<AddressSpace> space_;
    LoadedImage image_;
    LoadedImage loader_;
    u64 vdso_ = 0;
    Strings arguments_;
    Strings environment_;
    u64 path_address_ = 0;
    u64 stack_pointer_ = 0;
    Vector<u64> auxiliary_;
};

// A free range of the new space; nobody else maps anything there.
Result<u64> Builder::find_room(u64 bytes, u64 alignment)
{
    MapRequest request;
    request.length = bytes + (alignment > page_size ? alignment : 0);
    request.flags = map_flag::private_ | map_flag::anonymous | map_flag::no_reserve;
    u64 address = TRY(space_->map(context_, request, limits_));
    TRY(space_->unmap(context_, address, request.length));
    return (address + alignment - 1) & ~(alignment - 1);
}

Result<void> Builder::map_program()
{
    ElfImage& image = program_.image;
    u64 bias = 0;
    if (image.position_independent()) {
        u64 base = program_.has_loader ? dynamic_base & ~(image.alignment() - 1)
                                       : TRY(find_room(image.extent(), image.alignment()));
        bias = base - image.first_address();
    }
    image_ = TRY(image.map(context_, *space_, bias, limits_));
    // A program without a loader stands among the mappings, where a heap would have no room above it.
    bool among_mappings = image.position_independent() && !program_.has_loader;
    space_->init_break(among_mappings ? dynamic_base : page_ceiling(image_.end));
    return {};
}

Result<void> Builder::map_loader()
{
    if (!program_.has_loader) return {};
    ElfImage& loader = program_.loader;
    u64 bias = 0;
    if (loader.position_independent())
        bias = TRY(find_room(loader.extent(), loader.alignment())) - loader.first_address();
    loader_ = TRY(loader.map(context_, *space_, bias, limits_));
    return {};
}

Result<usize> Builder::count(const ArgumentList& list)
{
    if (!list.user_array.value) return list.strings.size();
    // bound: what RLIMIT_STACK lets the pointers take
    for (usize index = 0; index < argument_count_max && index * sizeof(u64) < string_bytes_max; index++) {
        u64 pointer = TRY(UserPointer<u64>(list.user_array.value).offset(index).load(context_));
        if (!pointer) return index;
    }
    return Errno::e2big;
}

Result<void> Builder::push_one(UserStack& stack, const ArgumentList& list, usize index)
{
    if (!list.user_array.value) return stack.push_string(context_, list.strings[index]);
    u64 pointer = TRY(UserPointer<u64>(list.user_array.value).offset(index).load(context_));
    return stack.push_user_string(context_, UserAddress(pointer));
}

Result<void> Builder::push_list(UserStack& stack, const ArgumentList& list, usize count, usize first, Strings& strings)
{
    strings.end = stack.pointer();
    TRY(strings.addresses.reserve(context_, count + program_.prefix_count() + 1));
    for (usize index = count; index > first; index--) {  // bound: the string budget
        TRY(push_one(stack, list, index - 1));
        TRY(strings.addresses.push_back(context_, stack.pointer()));
    }
    strings.start = stack.pointer();
    return {};
}

// A script's interpreter and its arguments, in place of argv[0].
Result<void> Builder::push_prefix(UserStack& stack, Strings& strings)
{
    for (usize index = program_.prefix_count(); index > 0; index--) {
        TRY(stack.push_string(context_, program_.prefix(index - 1)));
        TRY(strings.addresses.push_back(context_, stack.pointer()));
    }
    // execve(2): an empty argv becomes one empty string.
    if (strings.addresses.empty()) {
        TRY(stack.push_string(context_, ""));
        TRY(strings.addresses.push_back(context_, stack.pointer()));
    }
    strings.start = stack.pointer();
    return {};
}

Result<void> Builder::push_strings(UserStack& stack)
{
    usize argument_count = TRY(count(request_.arguments));
    usize environment_count = TRY(count(request_.environment));
    u64 budget = std::max(std::min(string_bytes_max, limits_.stack_bytes / 4), string_bytes_min);
    u64 pointers = (std::max<usize>(argument_count, 1) + environment_count) * sizeof(u64);
    if (pointers >= budget) return Errno::e2big;
    stack.set_string_budget(budget - pointers);

    TRY(stack.push_string(context_, program_.shown_path()));
    path_address_ = stack.pointer();
    TRY(push_list(stack, request_.environment, environment_count, 0, environment_));
    usize first = program_.prefix_count() ? 1 : 0;
    TRY(push_list(stack, request_.arguments, argument_count, std::min(first, argument_count), arguments_));
    return push_prefix(stack, arguments_);
}

Result<void> Builder::add(abi::Auxiliary kind, u64 value)
{
    TRY(auxiliary_.push_back(context_, static_cast<u64>(kind)));
    return auxiliary_.push_back(context_, value);
}

Result<void> Builder::push_auxiliary(UserStack& stack)
{
    using enum abi::Auxiliary;
    TRY(stack.push(context_, "", 1));
    TRY(stack.push(context_, hal::platform_name.data(), hal::platform_name.size()));
    u64 platform_address = stack.pointer();
    u8 bytes[16];
    hal::kernel().random.fill(context_, bytes);
    TRY(stack.push(context_, bytes, sizeof bytes));
    u64 random_address = stack.pointer();

    const Credentials& credentials = credentials_.credentials;
    if (vdso_) TRY(add(vdso, vdso_));
    TRY(add(signal_frame_size_min, hal::signal_frame_size_min()));
    TRY(add(hardware_capabilities, hal::hardware_capabilities()));
    TRY(add(abi::Auxiliary::page_size, takt::page_size));
    TRY(add(clock_ticks, 100));
    TRY(add(program_headers, image_.program_headers));
    TRY(add(program_header_size, sizeof(abi::ElfProgramHeader)));
    TRY(add(program_header_count, program_.image.program_header_count()));
    TRY(add(base, loader_.bias));
    TRY(add(flags, 0));
    TRY(add(entry, image_.entry));
    TRY(add(user, credentials.user));
    TRY(add(effective_user, credentials.effective_user));
    TRY(add(group, credentials.group));
    TRY(add(effective_group, credentials.effective_group));
    TRY(add(secure, credentials_.secure));
    TRY(add(random, random_address));
    TRY(add(hardware_capabilities_2, hal::hardware_capabilities_2()));
    TRY(add(executable, path_address_));
    TRY(add(platform, platform_address));
    TRY(add(rseq_feature_size, rseq_feature_bytes));
    TRY(add(abi::Auxiliary::rseq_alignment, takt::rseq_alignment));
    return add(null, 0);
}

Result<void> Builder::push_tables(UserStack& stack)
{
    stack.align(16);
    usize words = auxiliary_.size() + environment_.addresses.size() + 1 + arguments_.addresses.size() + 1 + 1;
    // The stack pointer of a new program is a multiple of 16.
    if (words % 2) TRY(stack.push_word(context_, 0));
    TRY(stack.push(context_, auxiliary_.data(), auxiliary_.size() * sizeof(u64)));
    TRY(stack.push_word(context_, 0));
    for (u64 address : environment_.addresses) TRY(stack.push_word(context_, address));
    TRY(stack.push_word(context_, 0));
    for (u64 address : arguments_.addresses) TRY(stack.push_word(context_, address));
    TRY(stack.push_word(context_, arguments_.addresses.size()));
    stack_pointer_ = stack.pointer();
    return stack.flush(context_);
}

void Builder::fill_layout()
{
    AddressSpace::Layout& layout = space_->layout;
    layout.code_start = image_.code_start;
    layout.code_end = image_.code_end;
    layout.data_start = image_.data_start;
    layout.data_end = image_.data_end;
    layout.stack_start = stack_pointer_;
    layout.argument_start = arguments_.start;
    layout.argument_end = arguments_.end;
    layout.environment_start = environment_.start;
    layout.environment_end = environment_.end;
    layout.vdso = vdso_;
}

Result<ExecImage> Builder::build()
{
    space_ = TRY(AddressSpace::create(context_));
    space_->init_placement(limits_.stack_bytes);
    UserStack stack(*space_, limits_);
    TRY(stack.create(context_, program_.image.executable_stack()));
    TRY(push_strings(stack));
    TRY(map_program());
    TRY(map_loader());
    vdso_ = TRY(hal::kernel().vdso.map(context_, *space_, limits_));
    TRY(push_auxiliary(stack));
    TRY(push_tables(stack));
    fill_layout();
    ExecImage result;
    result.entry = program_.has_loader ? loader_.entry : image_.entry;
    result.stack_pointer = stack_pointer_;
    result.space = std::move(space_);
    return result;
}

MemoryLimits memory_limits(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    MemoryLimits limits;
    limits.address_space_bytes = process.limits.current(Resource::address_space);
    limits.data_bytes = process.limits.current(Resource::data);
    limits.stack_bytes = process.limits.current(Resource::stack);
    limits.locked_bytes = process.limits.current(Resource::locked_memory);
    limits.may_lock = process.credentials.has(Capability::ipc_lock);
    limits.may_map_low = process.credentials.has(Capability::sys_rawio);
    return limits;
}

}  // namespace

Result<ExecImage> build_exec_image(MayBlock& context, Program& program, const ExecRequest& request,
                                   const ExecCredentials& credentials)
{
    MemoryLimits limits = memory_limits(context);
    Owned<Builder> builder = TRY(make<Builder>(context, context, program, request, credentials, limits));
    return builder->build();
}

}  // namespace takt
