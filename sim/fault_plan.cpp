#include <sim/fault_plan.hpp>
#include <sstream>
#include <stdexcept>

namespace takt::sim {
namespace {

struct Point {
    const char* name;
    u32 one_in;
};
constexpr Point points[fault_point_count] = {
    {"frame", 20},        {"user_frame", 40},     {"page_table", 40},   {"slab", 100},
    {"kernel_stack", 20}, {"spurious_timer", 20}, {"spurious_ipi", 20}, {"spurious_line", 20},
    {"delayed_ipi", 20},  {"lost_ipi", 2},        {"clock_step", 20},
};

std::string names_of(u32 set)
{
    std::string text;
    for (u32 point = 0; point < fault_point_count; point++)
        if (set >> point & 1) text += (text.empty() ? "" : ",") + std::string(points[point].name);
    return text;
}

}  // namespace

FaultPlan::FaultPlan(const FaultOptions& options, u64 seed, u32 processors) : options_(options)
{
    constexpr u64 first_stream = 100'000;
    if (options.points == 0) return;
    for (u64 index = 0; index < processors * fault_point_count; index++)
        randoms_.push_back(Random::stream(seed, first_stream + index));
}

bool FaultPlan::draws(FaultPoint point, u32 processor)
{
    FaultCounts& counts = counts_[static_cast<usize>(point)];
    counts.reached++;
    const u32 one_in = options_.one_in ? options_.one_in : points[static_cast<usize>(point)].one_in;
    const bool drawn = once_ ? left_ != 0 && --left_ == 0 : random(point, processor).one_in(one_in);
    if (drawn) counts.injected++;
    return drawn;
}

bool FaultPlan::happens_to_thread(FaultPoint point, u32 processor, u32 thread)
{
    if (!armed_) return false;
    if (auto left = left_alone_.find(thread); left != left_alone_.end()) {
        if (--left->second == 0) left_alone_.erase(left);
        return false;
    }
    if (!happens(point, processor)) return false;
    left_alone_[thread] = left_alone_count;
    return true;
}

const char* FaultPlan::name(FaultPoint point) { return points[static_cast<usize>(point)].name; }

u32 FaultPlan::parse(const std::string& text)
{
    if (text == "all") return all_fault_points;
    if (text == "none") return 0;
    u32 set = 0;
    std::istringstream list(text);
    for (std::string word; std::getline(list, word, ',');) {
        u32 point = 0;
        while (point < fault_point_count && word != points[point].name) point++;
        if (point == fault_point_count) throw std::invalid_argument("no fault point " + word);
        set |= 1u << point;
    }
    return set;
}

std::string FaultPlan::text(u32 set)
{
    if (set == 0) return "none";
    return set == all_fault_points ? "all" : names_of(set);
}

std::string FaultPlan::names() { return names_of(all_fault_points); }

}  // namespace takt::sim
