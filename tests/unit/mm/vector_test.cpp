// Vector, make() and make_ref(): elements live and die once; when memory runs out nothing has changed.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/mm/vector.hpp>
#include <sim/test_machine.hpp>
#include <support/panics.hpp>
#include <vector>

namespace takt {
namespace {

int alive = 0;

class Counted {
public:
    explicit Counted(int number = 0) : number_(number) { alive++; }
    Counted(Counted&& other) noexcept : number_(std::exchange(other.number_, -1)) { alive++; }
    ~Counted() { alive--; }
    int number() const { return number_; }

private:
    int number_;
};

// Takes all memory, until it goes.
class NoMemory {
public:
    explicit NoMemory(MayBlock& context)
    {
        for (usize size : {page_size, usize{2048}, usize{512}, usize{64}, usize{16}})
            while (void* memory = allocate(context, size)) all_.push_back(memory);
    }
    ~NoMemory()
    {
        for (void* memory : all_) free(memory);
    }

private:
    std::vector<void*> all_;
};

TEST(Vector, ElementsLiveOnce)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        {
            Vector<Counted> vector;
            for (int number = 0; number < 1000; number++) {
                ASSERT_TRUE(vector.push_back(context, Counted(number)).ok());
                ASSERT_EQ(alive, number + 1);
            }
            for (int number = 0; number < 1000; number++) ASSERT_EQ(vector[number].number(), number);
            Vector<Counted> other(std::move(vector));
            EXPECT_TRUE(vector.empty());
            EXPECT_EQ(other.size(), 1000u);
            ASSERT_TRUE(other.resize(context, 10).ok());
            EXPECT_EQ(alive, 10);
            ASSERT_TRUE(other.resize(context, 20).ok());
            EXPECT_EQ(other.back().number(), 0);
            vector = std::move(other);
            EXPECT_EQ(vector.size(), 20u);
            vector = Vector<Counted>();
            EXPECT_EQ(alive, 0);
            ASSERT_TRUE(vector.push_back(context, Counted(1)).ok());
        }
        EXPECT_EQ(alive, 0);
    });
}

TEST(Vector, WithoutMemoryNothingChanges)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        Vector<u64> vector;
        for (u64 number = 0; number < 8; number++) ASSERT_TRUE(vector.push_back(context, number).ok());
        {
            NoMemory none(context);
            EXPECT_EQ(vector.push_back(context, 8).error(), Errno::enomem);
            EXPECT_EQ(vector.resize(context, 1 << 20).error(), Errno::enomem);
            EXPECT_EQ(vector.size(), 8u);
            for (u64 number = 0; number < 8; number++) EXPECT_EQ(vector[number], number);
        }
        EXPECT_TRUE(vector.push_back(context, 8).ok());
    });
}

struct Thing : HeapObject, Counted {
    using Counted::Counted;
};
struct SharedThing : HeapObject, RefCounted<SharedThing>, Counted {
    using Counted::Counted;
};

TEST(Make, ObjectsEndWithTheirLastOwner)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        {
            Owned<Thing> owned = make<Thing>(context, 5).value();
            EXPECT_EQ(owned->number(), 5);
            Ref<SharedThing> shared = make_ref<SharedThing>(context, 6).value();
            Ref<SharedThing> second = shared;
            shared = nullptr;
            EXPECT_EQ(second->number(), 6);
            EXPECT_EQ(alive, 2);
            NoMemory none(context);
            EXPECT_EQ(make<Thing>(context, 7).error(), Errno::enomem);
            EXPECT_EQ(make_ref<SharedThing>(context, 7).error(), Errno::enomem);
            EXPECT_EQ(alive, 2);
        }
        EXPECT_EQ(alive, 0);
    });
}

TEST(Vector, IndexesAreChecked)
{
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            Vector<u64> vector;
            static_cast<void>(vector.resize(context, 3));
            vector[3] = 1;
        },
        "index < size_"));
    EXPECT_TRUE(panics(
        [](MayBlock&) {
            Vector<u64> vector;
            vector.pop_back();
        },
        "size_ > 0"));
}

}  // namespace
}  // namespace takt
