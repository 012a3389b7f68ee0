// takt-mutants SOURCE_FOLDER OUTPUT_FOLDER FILE...: writes the files with all their mutants, and mutants.json.
#include "mutants.hpp"

#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

namespace fs = std::filesystem;

// Only if it is another: what depends on it needs no new build.
void write(const fs::path& path, const std::string& text)
{
    std::ifstream old(path);
    if (std::stringstream content; old && content << old.rdbuf() && content.str() == text) return;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

}  // namespace

int main(int count, char** values)
try {
    if (count < 4) {
        fmt::print(stderr, "usage: takt-mutants SOURCE_FOLDER OUTPUT_FOLDER FILE...\n");
        return 2;
    }
    const fs::path source = values[1], output = values[2];
    nlohmann::ordered_json table = nlohmann::ordered_json::array();
    for (int index = 3; index < count; index++) {
        std::ifstream in(source / values[index]);
        if (!in) throw std::runtime_error(fmt::format("can't read {}", values[index]));
        std::stringstream text;
        text << in.rdbuf();
        const takt::mutation::MutatedFile file =
            takt::mutation::mutate(text.str(), values[index], static_cast<unsigned>(table.size()) + 1);
        for (const takt::mutation::Mutant& mutant : file.mutants)
            table.push_back({{"number", mutant.number},
                             {"file", mutant.file},
                             {"line", mutant.line},
                             {"change", mutant.change},
                             {"key", mutant.key()}});
        write(output / values[index], file.text);
    }
    write(output / "mutants.json", table.dump(1) + "\n");
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "takt-mutants: {}\n", error.what());
    return 1;
}
