// FAULT(): code of the kernel's that doesn't look whether it got what it asked for, or keeps it when the next thing is
// refused, is found by a machine on which that goes wrong. Careful code is not troubled.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/mm/allocate.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr u32 rounds = 200;

struct Part : HeapObject {
    u64 words[8] = {};
};

struct Whole : HeapObject {
    Owned<Part> part;
};

Result<Owned<Whole>> make_whole(MayBlock& context)
{
    Owned<Whole> whole = TRY(make<Whole>(context));
    whole->part = TRY(make<Part>(context));
    return whole;
}

void careful(MayBlock& context)
{
    if (Result<Owned<Whole>> whole = make_whole(context); whole.ok()) whole.value()->part->words[0] = 1;
}

void unchecked(MayBlock& context) { make_whole(context).value()->part->words[0] = 1; }

void leaking(MayBlock& context)
{
    Result<Owned<Whole>> whole = make<Whole>(context);
    Result<Owned<Part>> part = make<Part>(context);
    if (whole.ok() && !part.ok()) (void)whole.value().release();
}

struct Found {
    bool panicked = false;
    u64 left = 0;
    u64 faults = 0;
};

Found run(void (*body)(MayBlock&), bool armed = true)
{
    TestMachine machine({.faults = {.points = 1u << static_cast<u32>(FaultPoint::slab), .one_in = 10}});
    if (armed) machine.machine().faults.arm();
    Found found;
    const u64 before = machine.core().slabs.objects_in_use();
    try {
        machine.run([&](MayBlock& context) {
            for (u32 round = 0; round < rounds; round++) body(context);
        });
    } catch (const sim::Stopped&) {
        found.panicked = true;
    }
    found.left = machine.core().slabs.objects_in_use() - before;
    found.faults = machine.machine().faults.counts(FaultPoint::slab).injected;
    return found;
}

TEST(Fault, CarefulCodeIsNotTroubled)
{
    const Found found = run(careful);
    EXPECT_FALSE(found.panicked);
    EXPECT_EQ(found.left, 0U);
    EXPECT_GT(found.faults, 5U);
}

TEST(Fault, UncheckedCodeIsFound) { EXPECT_TRUE(run(unchecked).panicked); }

TEST(Fault, LeakingCodeIsFound)
{
    const Found found = run(leaking);
    EXPECT_FALSE(found.panicked);
    EXPECT_GT(found.left, 0U);
}

TEST(Fault, NothingGoesWrongBeforeThePlanIsArmed)
{
    const Found found = run(unchecked, false);
    EXPECT_FALSE(found.panicked);
    EXPECT_EQ(found.faults, 0U);
}

}  // namespace
}  // namespace takt
