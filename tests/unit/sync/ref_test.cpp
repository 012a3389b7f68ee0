// Ref and RefCounted: the object goes with its last reference, once.
#include <gtest/gtest.h>
#include <kernel/sync/ref.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

struct Counted : RefCounted<Counted> {
    explicit Counted(int& deleted) : deleted_(deleted) {}
    virtual ~Counted() { deleted_++; }
    int& deleted_;
};
struct Derived : Counted {
    using Counted::Counted;
};

TEST(Ref, CopiesMovesAndComparisons)
{
    int deleted = 0;
    Ref<Counted> first = Ref<Counted>::adopt(new Counted(deleted));
    EXPECT_EQ(first->reference_count(), 1u);
    Ref<Counted> second = first;
    EXPECT_EQ(first->reference_count(), 2u);
    EXPECT_TRUE(first == second);
    Ref<Counted> third = std::move(second);
    EXPECT_FALSE(second);
    EXPECT_EQ(third->reference_count(), 2u);
    third = nullptr;
    EXPECT_EQ(first->reference_count(), 1u);
    first = Ref<Counted>::share(*first);  // itself
    EXPECT_EQ(first->reference_count(), 1u);
    EXPECT_EQ(deleted, 0);
    first = nullptr;
    EXPECT_EQ(deleted, 1);
}

TEST(Ref, ConvertsToItsBase)
{
    int deleted = 0;
    {
        Ref<Derived> derived = Ref<Derived>::adopt(new Derived(deleted));
        Ref<Counted> base = derived;
        EXPECT_EQ(base->reference_count(), 2u);
        derived = nullptr;
        EXPECT_EQ(deleted, 0);
    }
    EXPECT_EQ(deleted, 1);
}

TEST(Ref, ReleaseGivesTheReferenceAway)
{
    int deleted = 0;
    Ref<Counted> reference = Ref<Counted>::adopt(new Counted(deleted));
    Counted* object = reference.release();
    EXPECT_FALSE(reference);
    EXPECT_EQ(object->reference_count(), 1u);
    object->drop_reference();
    EXPECT_EQ(deleted, 1);
}

// last_reference_gone() is called while the whole object stands; a lookup that comes then finds it gone.
TEST(Ref, LastReferenceGone)
{
    struct Watched : RefCounted<Watched> {
        void last_reference_gone() const
        {
            called_ = true;
            found_ = try_add_reference();
        }
        explicit Watched(bool& called, bool& found) : called_(called), found_(found) {}
        bool& called_;
        bool& found_;
    };
    bool called = false, found = true;
    {
        Ref<Watched> reference = Ref<Watched>::adopt(new Watched(called, found));
    }
    EXPECT_TRUE(called);
    EXPECT_FALSE(found);
}

// Four CPUs take and drop references of one object: it goes once, at the end.
TEST(Ref, CountsAcrossCpus)
{
    TestMachine machine(4);
    int deleted = 0;
    Ref<Counted> shared = Ref<Counted>::adopt(new Counted(deleted));
    for (u32 cpu = 0; cpu < 4; cpu++)
        machine.spawn("thread", 10, [&machine, &deleted, own = shared](MayBlock&) mutable {
            for (int round = 0; round < 100; round++) {
                Ref<Counted> copy = own;
                machine.compute(nanoseconds(7));
                EXPECT_TRUE(own->try_add_reference());
                own->drop_reference();
            }
            EXPECT_EQ(deleted, 0);
            own = nullptr;
        });
    shared = nullptr;
    machine.run();
    EXPECT_EQ(deleted, 1);
}

}  // namespace
}  // namespace takt
