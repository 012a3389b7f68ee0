// List and Tree: order, and that a linked object may not go.
#include <gtest/gtest.h>
#include <kernel/base/list.hpp>
#include <vector>

namespace takt {
namespace {

struct OtherTag;
struct Item : ListHook<>, TreeHook<OtherTag> {
    Item(int item_key, int item_number) : key(item_key), number(item_number) {}
    int key;
    int number;
};
struct SmallerFirst {
    bool operator()(const Item& left, const Item& right) const { return left.key < right.key; }
};

// A tree orders by its comparison, and equals by their coming: what every queue in priority order relies on.
TEST(List, TreeKeepsEqualsInOrder)
{
    std::vector<Item> items;
    for (int number = 0; number < 60; number++) items.emplace_back(number * 7 % 5, number);
    Tree<Item, SmallerFirst, OtherTag> tree;
    for (Item& item : items) tree.insert(item);
    int key = -1, number = -1;
    for (Item& item : tree) {
        EXPECT_TRUE(item.key > key || (item.key == key && item.number > number));
        key = item.key;
        number = item.number;
    }
    tree.clear();
}

// One object on two lists at once; erased by itself.
TEST(List, ObjectsAreOnSeveralLists)
{
    Item first(1, 1), second(2, 2);
    List<Item> list;
    Tree<Item, SmallerFirst, OtherTag> tree;
    for (Item* item : {&second, &first}) {
        list.push_back(*item);
        tree.insert(*item);
    }
    EXPECT_EQ(&list.front(), &second);
    EXPECT_EQ(&*tree.begin(), &first);
    list.erase(list.s_iterator_to(second));
    EXPECT_EQ(&list.front(), &first);
    list.clear();
    tree.clear();
}

TEST(List, DestroyingALinkedObjectIsABug)
{
    EXPECT_DEATH(
        {
            List<Item> list;
            Item item(1, 1);
            list.push_back(item);
        },
        "panic");
}

}  // namespace
}  // namespace takt
