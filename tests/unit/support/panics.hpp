// What a simulated kernel says when a test makes it panic.
#pragma once

#include <gtest/gtest.h>
#include <sim/test_machine.hpp>
#include <string>

namespace takt {

// Runs `body` in a thread of a new machine; it has to end in a panic whose text contains `what`.
inline testing::AssertionResult panics(TestMachine::Body body, std::string_view what)
{
    TestMachine machine;
    try {
        machine.run(std::move(body));
    } catch (const sim::Stopped& stopped) {
        if (std::string(stopped.what()).find(what) != std::string::npos) return testing::AssertionSuccess();
        return testing::AssertionFailure() << stopped.what();
    }
    return testing::AssertionFailure() << "nothing stopped it";
}

}  // namespace takt
