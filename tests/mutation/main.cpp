// takt-mutate: lets each mutant of the kernel run on new seeds and sees whether the simulator notices (README.md).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <random>
#include <regex>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace takt::mutation {
namespace {

using Clock = std::chrono::steady_clock;

struct Mutant {
    unsigned number;
    std::string file;
    unsigned line;
    std::string change;
    std::string key;
};

// What a mutant has to survive to be called alive: so many new seeds of a scenario, each of about so many events.
struct Trial {
    const char* scenario;
    unsigned cpus;
    unsigned seeds;
    unsigned events;
    const char* mode;
    unsigned seconds_max;  // of processor time; unchanged, it takes a fifth
    bool insists = false;  // also if the scenario did not reach the mutant before
    const char* faults = "none";
};
constexpr Trial trials[] = {
    {"mixed", 2, 4, 5000, "explore", 2},
    {"futexes", 2, 4, 20'000, "explore", 2},
    {"futexes", 4, 6, 20'000, "explore", 3},
    {"mixed", 4, 6, 10'000, "explore", 3},
    {"drills", 2, 6, 20'000, "explore", 2},
    {"processes", 2, 3, 5000, "explore", 3},
    {"drills", 3, 10, 20'000, "explore", 2},
    {"mixed", 1, 4, 10'000, "explore", 2},
    {"shares", 2, 6, 0, "explore", 2},
    {"mixed", 3, 4, 10'000, "measure", 2},
    {"drills", 1, 20, 20'000, "explore", 2, true},
    {"futexes", 1, 10, 20'000, "explore", 3},
    {"drills", 4, 100, 20'000, "explore", 8, true},
    {"futexes", 3, 40, 20'000, "explore", 8, true},
    {"processes", 4, 10, 20'000, "explore", 8, true},
    {"mixed", 2, 20, 20'000, "explore", 6, true},
    {"mixed", 3, 20, 20'000, "explore", 6, true},
    {"mixed", 2, 10, 10'000, "explore", 6, true, "all"},
};
constexpr double wanted_percent = 90, unexplained_percent_max = 2;

struct Options {
    unsigned sample = 0;
    unsigned long seed = 0;
    double minutes = 0;
    unsigned jobs = 2;
    std::string only;
    bool list = false;
    bool verbose = false;
    bool json = false;
};

struct Verdict {
    enum class Kind { alive, not_reached, killed } kind = Kind::alive;
    std::string how;
    double seconds = 0;
    unsigned long events = 0;  // of runs that came to their end
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void become(const Mutant* mutant, const Trial& trial, unsigned long seed, int output)
{
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    const rlimit limit{trial.seconds_max, trial.seconds_max};
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CPU, &limit);
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("TAKT_MUTANT", std::to_string(mutant ? mutant->number : 0).c_str(), 1);
    execl(TAKT_SIM_MUTATED, "takt-sim", "--json", "--no-shrink", "--scenario", trial.scenario, "--mode", trial.mode,
          "--cpus", std::to_string(trial.cpus).c_str(), "--seeds", std::to_string(trial.seeds).c_str(), "--events",
          std::to_string(trial.events).c_str(), "--seed", std::to_string(seed).c_str(), "--faults", trial.faults,
          nullptr);
    _exit(127);
}

// Null: the kernel unchanged.
Verdict try_on(const Mutant* mutant, const Trial& trial, unsigned long seed)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) become(mutant, trial, seed, ends[1]);
    close(ends[1]);
    std::string text;
    char part[4096];
    for (ssize_t count; (count = read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(count));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    Verdict verdict;
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        verdict = {Verdict::Kind::killed, signal == SIGKILL || signal == SIGXCPU ? "hangs" : strsignal(signal)};
    } else if (WEXITSTATUS(status) == 127) {
        throw std::runtime_error("can't run " TAKT_SIM_MUTATED);
    } else if (WEXITSTATUS(status) != 0) {
        verdict = {Verdict::Kind::killed, text.substr(0, text.find('\n'))};
    } else if (text.find("mutant not reached") != std::string::npos) {
        verdict.kind = Verdict::Kind::not_reached;
    }
    constexpr std::string_view events = "\"events\": ";
    if (const std::size_t at = text.find(events); at != std::string::npos)
        verdict.events = std::strtoul(text.c_str() + at + events.size(), nullptr, 10);
    return verdict;
}

Verdict judge(const Mutant* mutant, unsigned long seed)
{
    const auto start = Clock::now();
    Verdict verdict{Verdict::Kind::not_reached, {}};
    unsigned long events = 0;
    std::set<std::string> in_vain;  // scenarios that did not reach it
    for (const Trial& trial : trials) {
        if (mutant && !trial.insists && in_vain.contains(trial.scenario)) continue;
        Verdict one = try_on(mutant, trial, seed);
        seed += trial.seeds;
        events += one.events;
        if (one.kind == Verdict::Kind::not_reached)
            in_vain.insert(trial.scenario);
        else
            verdict = std::move(one);
        if (verdict.kind == Verdict::Kind::killed) break;
    }
    verdict.events = events;
    verdict.seconds = seconds_since(start);
    return verdict;
}

std::vector<Mutant> chosen(const Options& options)
{
    std::ifstream in(TAKT_MUTANTS);
    const std::regex only(options.only.empty() ? "" : options.only);
    std::vector<Mutant> mutants;
    for (const auto& entry : nlohmann::json::parse(in)) {
        Mutant mutant{entry["number"], entry["file"], entry["line"], entry["change"], entry["key"]};
        if (std::regex_search(mutant.key, only)) mutants.push_back(std::move(mutant));
    }
    if (options.sample || options.minutes > 0) {
        std::mt19937_64 random(options.seed);
        std::ranges::shuffle(mutants, random);
        if (options.sample && options.sample < mutants.size()) mutants.resize(options.sample);
    }
    return mutants;
}

// The keys in survivors.md, each with the reason why it may live: list items that begin with the key as code.
std::set<std::string> explained()
{
    std::ifstream in(TAKT_SURVIVORS);
    std::set<std::string> keys;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("- `")) keys.insert(line.substr(3, line.find("`: ") - 3));
    return keys;
}

struct Tally {
    unsigned total = 0, killed = 0;
    void add(bool was_killed)
    {
        total++;
        killed += was_killed;
    }
    double percent() const { return total ? 100.0 * killed / total : 0; }
};

class Check {
public:
    explicit Check(const Options& options) : options_(options), mutants_(chosen(options)), explained_(explained()) {}

    int run()
    {
        if (options_.list) {
            for (const Mutant& mutant : mutants_) fmt::print("{}\n", mutant.key);
            return 0;
        }
        const Verdict unchanged = judge(nullptr, options_.seed * 1'000'003);
        if (unchanged.kind == Verdict::Kind::killed)
            throw std::runtime_error("the kernel fails without any mutant: " + unchanged.how);
        std::vector<std::jthread> workers;
        for (unsigned job = 0; job < options_.jobs; job++) workers.emplace_back([this] { work(); });
        workers.clear();
        return report();
    }

private:
    void work()
    {
        for (;;) {
            const std::size_t index = next_++;
            if (index >= mutants_.size() || (options_.minutes > 0 && seconds_since(start_) > options_.minutes * 60))
                return;
            const Mutant& mutant = mutants_[index];
            const Verdict verdict = judge(&mutant, options_.seed * 1'000'003 + mutant.number * 1000);
            const std::lock_guard guard(lock_);
            note(mutant, verdict);
        }
    }
    void note(const Mutant& mutant, const Verdict& verdict)
    {
        const bool killed = verdict.kind == Verdict::Kind::killed;
        all_.add(killed);
        by_file_[mutant.file].add(killed);
        by_change_[mutant.change].add(killed);
        events_ += verdict.events;
        seconds_ += verdict.seconds;
        const bool known = explained_.contains(mutant.key);
        if (!killed) {
            if (!known) unexplained_++;
            survivors_.push_back({{"name", mutant.key},
                                  {"line", mutant.line},
                                  {"reached", verdict.kind != Verdict::Kind::not_reached},
                                  {"explained", known}});
            fmt::print(stderr, "{}{}: {}:{} `{}`\n", known ? "explained" : "ALIVE",
                       verdict.kind == Verdict::Kind::not_reached ? ", not reached" : "", mutant.file, mutant.line,
                       mutant.key);
        } else if (options_.verbose) {
            fmt::print(stderr, "killed in {:.2f} s: `{}`: {}\n", verdict.seconds, mutant.key, verdict.how);
        }
    }
    int report() const
    {
        const bool enough = !falls_short();
        const bool failed = all_.total == 0 || !enough || 100.0 * unexplained_ > unexplained_percent_max * all_.total;
        if (options_.json) {
            print_json(failed);
            return failed;
        }
        for (const auto* table : {&by_file_, &by_change_})
            for (const auto& [name, tally] : *table)
                fmt::print("{:33} {:4} mutants, {:4} killed ({:.1f} %)\n", name, tally.total, tally.killed,
                           tally.percent());
        fmt::print("{} mutants: {} killed ({:.1f} %); {} alive, {} of them unexplained; seed {}; {} events; {:.0f} s, "
                   "{:.2f} s for a mutant\n",
                   all_.total, all_.killed, all_.percent(), all_.total - all_.killed, unexplained_, options_.seed,
                   events_, seconds_since(start_), seconds_ / all_.total);
        if (!enough) fmt::print("That is below {} % by more than chance.\n", wanted_percent);
        return failed;
    }
    // If nine of ten mutants are killed, so few of a sample are in less than one of a thousand.
    bool falls_short() const
    {
        double probability = 0, term = 0;
        const double share = wanted_percent / 100;
        for (unsigned killed = 0; killed <= all_.killed; killed++) {
            term = std::lgamma(all_.total + 1.0) - std::lgamma(killed + 1.0) - std::lgamma(all_.total - killed + 1.0) +
                   killed * std::log(share) + (all_.total - killed) * std::log(1 - share);
            probability += std::exp(term);
        }
        return probability < 0.001;
    }
    void print_json(bool failed) const
    {
        const auto tallies = [](const std::map<std::string, Tally>& table) {
            nlohmann::ordered_json all;
            for (const auto& [name, tally] : table) all[name] = {{"mutants", tally.total}, {"killed", tally.killed}};
            return all;
        };
        nlohmann::ordered_json document;
        document["schema"] = "takt-mutate-1";
        document["seed"] = options_.seed;
        document["mutants"] = all_.total;
        document["killed"] = all_.killed;
        document["unexplained"] = unexplained_;
        document["events"] = events_;
        document["host_seconds"] = seconds_since(start_);
        document["files"] = tallies(by_file_);
        document["changes"] = tallies(by_change_);
        document["survivors"] = survivors_;
        document["failed"] = failed;
        fmt::print("{}\n", document.dump(2));
    }

    const Options& options_;
    const std::vector<Mutant> mutants_;
    const std::set<std::string> explained_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<std::size_t> next_{0};
    std::mutex lock_;
    Tally all_;
    std::map<std::string, Tally> by_file_, by_change_;
    double seconds_ = 0;
    unsigned unexplained_ = 0;
    unsigned long events_ = 0;
    nlohmann::ordered_json survivors_ = nlohmann::ordered_json::array();
};

}  // namespace
}  // namespace takt::mutation

int main(int count, char** values)
{
    using namespace takt::mutation;
    Options options;
    options.seed = std::random_device{}();
    CLI::App app{"See whether the simulator notices small changes to the kernel", "takt mutate"};
    app.add_option("--sample", options.sample, "So many mutants, drawn at random (default: all)");
    app.add_option("--minutes", options.minutes, "As many as are done in this time, drawn at random");
    app.add_option("--seed", options.seed, "Of the draw and of the runs (default: a new one)");
    app.add_option("--only", options.only, "Those whose name, as --list shows it, has a match")->type_name("REGEX");
    app.add_option("--jobs", options.jobs, "At a time")->capture_default_str()->check(CLI::Range(1, 64));
    app.add_flag("--list", options.list, "Only show the names");
    app.add_flag("--json", options.json, "The result as JSON");
    app.add_flag("--verbose", options.verbose, "Tell what noticed each mutant");
    try {
        app.parse(count, values);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        return Check(options).run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "takt mutate: {}\n", error.what());
        return 1;
    }
}
