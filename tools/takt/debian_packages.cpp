#include "debian_packages.hpp"

#include "failure.hpp"
#include "process.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <unistd.h>

namespace takt {

namespace {

using Json = nlohmann::json;

// What only maintainer scripts use, which takt does not run.
bool serves_installation(const std::string& name)
{
    static const std::set<std::string> names = {"debconf",  "debconf-2.0",         "dpkg",
                                                "cdebconf", "init-system-helpers", "ucf"};
    return names.contains(name);
}

struct Needs {
    // Each is a choice: the names that would do, the preferred one first.
    std::vector<std::vector<std::string>> choices;
};

// Reads the paragraphs of `apt-cache depends`:
//   NAME            or <NAME> for a package that is only a name
//    |Depends: X    an alternative to the line after it
//     Depends: Y
//       PROVIDER    follows a <NAME>
std::map<std::string, Needs> read_needs(const std::string& apt_output)
{
    std::map<std::string, Needs> packages;
    Needs* package = nullptr;
    bool continues = false;
    std::istringstream lines(apt_output);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line[0] != ' ') {
            package = &packages[line];
            continues = false;
            continue;
        }
        if (package == nullptr) continue;
        const size_t colon = line.find(": ");
        if (colon == std::string::npos) {  // a provider
            const size_t start = line.find_first_not_of(' ');
            if (start != std::string::npos && !package->choices.empty())
                package->choices.back().push_back(line.substr(start));
            continue;
        }
        if (!continues) package->choices.emplace_back();
        package->choices.back().push_back(line.substr(colon + 2));
        continues = line.size() > 1 && line[1] == '|';
    }
    return packages;
}

std::string without_architecture(const std::string& name) { return name.substr(0, name.find(':')); }

}  // namespace

std::vector<std::string> dependency_closure(const std::string& apt_output, const std::string& name)
{
    const std::map<std::string, Needs> packages = read_needs(apt_output);
    std::set<std::string> closure;
    std::vector<std::string> waiting = {name};
    while (!waiting.empty()) {
        const std::string next = waiting.back();
        waiting.pop_back();
        const auto needs = packages.find(next);
        if (needs == packages.end() || !closure.insert(next).second) continue;
        for (const auto& choice : needs->second.choices) {
            const bool met = std::ranges::any_of(choice, [&](const std::string& candidate) {
                return closure.contains(candidate) || serves_installation(candidate);
            });
            const auto real =
                std::ranges::find_if(choice, [](const std::string& candidate) { return !candidate.starts_with('<'); });
            if (!met && real != choice.end()) waiting.push_back(*real);
        }
    }
    return {closure.begin(), closure.end()};
}

std::vector<DebianPackage> DebianPackages::fetch(const std::vector<std::string>& names)
{
    std::string set = "packages";
    for (const std::string& name : names) set += " " + name;
    const FileLock lock(cache_ / ".lock");
    std::vector<DebianPackage> packages = recorded(set);
    if (packages.empty()) {
        packages = download(names);
        remember(set, packages);
    }
    return packages;
}

std::vector<DebianPackage> DebianPackages::fetch_with_dependencies(const std::string& name)
{
    const std::string set = "closure " + name;
    const FileLock lock(cache_ / ".lock");
    std::vector<DebianPackage> packages = recorded(set);
    if (!packages.empty()) return packages;
    const CommandResult answer = capture({"apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests",
                                          "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", name},
                                         {.directory = {}, .merge_errors = true});
    const std::vector<std::string> names = dependency_closure(answer.output, name);
    if (answer.status != 0 || names.empty())
        throw Failure(exit_takt_failed,
                      "--package {}: apt knows no such package; check the name, or run "
                      "`apt-get update`",
                      name);
    packages = download(names);
    remember(set, packages);
    return packages;
}

std::vector<DebianPackage> DebianPackages::recorded(const std::string& set) const
{
    if (!fs::exists(record_)) return {};
    const Json record = Json::parse(read_text(record_), nullptr, false);
    if (!record.is_object() || !record.contains(set)) return {};
    std::vector<DebianPackage> packages;
    for (const auto& [name, directory] : record[set].items()) {
        if (!directory.is_string() || !fs::is_directory(cache_ / directory.get<std::string>())) return {};
        packages.push_back({name, cache_ / directory.get<std::string>()});
    }
    return packages;
}

void DebianPackages::remember(const std::string& set, const std::vector<DebianPackage>& packages) const
{
    Json record = Json::object();
    if (fs::exists(record_)) record = Json::parse(read_text(record_), nullptr, false);
    if (!record.is_object()) record = Json::object();
    Json entry = Json::object();
    for (const DebianPackage& package : packages) entry[package.name] = package.directory.filename().string();
    record[set] = entry;
    fs::create_directories(record_.parent_path());
    write_text(record_, record.dump(2) + "\n");
}

std::vector<DebianPackage> DebianPackages::download(const std::vector<std::string>& names) const
{
    // Root may download into directories that apt's own user cannot enter.
    Arguments command = {"apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"};
    const size_t options = command.size();
    command.insert(command.end(), names.begin(), names.end());
    Arguments question = command;
    question.insert(question.begin() + 1, "--print-uris");
    const std::string what = "cannot get Debian packages (check the network, or run "
                             "`apt-get update`)";
    std::istringstream answers(capture_or_fail(what, question, {.directory = {}, .merge_errors = false}));
    std::vector<DebianPackage> packages;
    command.resize(options);
    for (std::string uri, file, line; answers >> uri >> file && std::getline(answers, line);) {
        const std::string name = without_architecture(file.substr(0, file.find('_')));
        const std::string directory = file.substr(0, file.rfind(".deb"));
        packages.push_back({name, cache_ / directory});
        if (!fs::is_directory(cache_ / directory)) command.push_back(name);
    }
    if (packages.size() != names.size())
        throw Failure(exit_takt_failed, "{}: apt offers only {} of {}", what, packages.size(), names.size());
    if (command.size() == options) return packages;
    say("getting {} Debian package(s) into {}", command.size() - options, cache_.string());
    const fs::path work = cache_ / fmt::format(".download-{}", getpid());
    fs::create_directories(work);
    capture_or_fail(what, command, {.directory = work, .merge_errors = true});
    for (const auto& archive : fs::directory_iterator(work)) {
        if (archive.path().extension() != ".deb") continue;
        const fs::path unpacked = work / archive.path().stem();
        capture_or_fail("cannot unpack a Debian package",
                        {"dpkg-deb", "-x", archive.path().string(), unpacked.string()},
                        {.directory = {}, .merge_errors = true});
        fs::rename(unpacked, cache_ / unpacked.filename());
    }
    fs::remove_all(work);
    return packages;
}

}  // namespace takt
