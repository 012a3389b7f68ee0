// scale: throughput grows with the CPUs where they share nothing by the benchmark's nature, and the model shows it when
// they do. Virtual time only: the figures are the same on every host.
#include <gtest/gtest.h>
#include <scenario/scale.hpp>

namespace takt::scenario {
namespace {

TEST(Scale, KeepsFourFifthsOfLinearWhereNothingIsShared)
{
    for (const ScaleRow& row : measure_scale(128, false)) {
        if (row.name == "path lookup") continue;  // one path, so the same directories: docs/scalability.md
        for (usize index = 0; index < row.rates.size(); index++)
            EXPECT_GE(row.percent_of_linear(index), 80) << row.name << ", " << scale_sizes[index] << " CPUs";
    }
}

TEST(Scale, OneLockLosesNearlyAll)
{
    for (const ScaleRow& row : measure_scale(16, true)) EXPECT_LE(row.percent_of_linear(4), 20) << row.name;
}

}  // namespace
}  // namespace takt::scenario
