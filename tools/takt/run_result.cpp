#include "run_result.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace takt {

namespace {

using Json = nlohmann::ordered_json;

Json nanoseconds(std::optional<uint64_t> ticks, double ns_per_tick)
{
    if (!ticks || ns_per_tick <= 0) return nullptr;
    return static_cast<uint64_t>(std::llround(static_cast<double>(*ticks) * ns_per_tick));
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string run_result_json(const SessionResult& result, const MachineOptions& machine, const Arguments& program,
                            const std::string& model, int exit_status, const std::string& error)
{
    const ControlReport& report = result.report;
    const double ns_per_tick = report.ns_per_tick(machine.icount);
    std::optional<uint64_t> ran;
    if (report.start_tsc && report.end_tsc) ran = *report.end_tsc - *report.start_tsc;
    Json json;
    json["schema"] = "takt.run";
    json["version"] = 1;
    json["exit_status"] = exit_status;
    json["signal"] = report.signal ? Json(*report.signal) : Json(nullptr);
    json["error"] = text_or_null(error);
    json["program"] = program;
    json["virtual_ns"] = nanoseconds(ran, ns_per_tick);
    json["boot_ns"] = nanoseconds(report.boot_tsc, ns_per_tick);
    json["wall_s"] = std::round(result.wall_s * 1000) / 1000;
    json["kernel_version"] = text_or_null(report.kernel);
    json["cpus"] = machine.cpus;
    json["memory"] = machine.memory;
    json["accel"] = accelerator_name(machine.accelerator);
    json["icount"] = machine.icount;
    json["preempt"] = environment("TAKT_KERNEL") ? Json(nullptr) : Json(model);
    return json.dump(2) + "\n";
}

}  // namespace takt
