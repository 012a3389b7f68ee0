// Intrusive lists: Boost.Intrusive's, with the options the kernel uses everywhere.
//
// A type may be on several lists: derive from ListHook<Tag> once per tag. Hooks are plain (no auto-unlink): whoever
// links also unlinks, and destroying a linked object is a bug that the hook's destructor asserts.
#pragma once

#include <kernel/base/assert.hpp>
// Boost's assertions are the kernel's.
#ifndef BOOST_INTRUSIVE_SAFE_HOOK_DEFAULT_ASSERT
#define BOOST_INTRUSIVE_SAFE_HOOK_DEFAULT_ASSERT(condition) ASSERT(condition)
#define BOOST_INTRUSIVE_SAFE_HOOK_DESTRUCTOR_ASSERT(condition) ASSERT(condition)
#define BOOST_INTRUSIVE_INVARIANT_ASSERT(condition) ASSERT(condition)
#endif
#ifndef BOOST_ENABLE_ASSERT_HANDLER
#define BOOST_ENABLE_ASSERT_HANDLER
#endif
namespace boost {
[[noreturn]] inline void assertion_failed(const char* expression, const char*, const char* file, long line)
{
    takt::panic(expression, file, static_cast<int>(line));
}
[[noreturn]] inline void assertion_failed_msg(const char* expression, const char*, const char*, const char* file,
                                              long line)
{
    takt::panic(expression, file, static_cast<int>(line));
}
}  // namespace boost
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

namespace takt {

template <typename Tag = void>
using ListHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>>;

// O(1) push, pop, erase by object (list.erase(list.s_iterator_to(object))); size is not kept.
template <typename T, typename Tag = void>
using List =
    boost::intrusive::list<T, boost::intrusive::base_hook<ListHook<Tag>>, boost::intrusive::constant_time_size<false>>;

template <typename Tag = void>
using TreeHook = boost::intrusive::set_base_hook<boost::intrusive::tag<Tag>, boost::intrusive::optimize_size<true>>;

// A red-black tree ordered by Compare; equal elements keep insertion order. O(log n).
template <typename T, typename Compare, typename Tag = void>
using Tree =
    boost::intrusive::multiset<T, boost::intrusive::base_hook<TreeHook<Tag>>, boost::intrusive::compare<Compare>,
                               boost::intrusive::constant_time_size<false>>;

}  // namespace takt
