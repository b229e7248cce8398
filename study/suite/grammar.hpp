#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "study/suite/draw.hpp"

// What the worlds of the suite `held-out` are drawn from: all of its numbers. docs/held-out.md
// tells what they mean. Intervals are log-uniform unless it is said.
namespace rein::suite {

// A board: a shipped one, of which numbers are multiplied.

/// Numbers of a board file that are multiplied by a drawn factor.
struct Scaling {
  std::vector<std::string_view> keys;  ///< With * for every entry; what is not there is left out.
  Interval factor;
  /// One factor for the board, or one for each make of device.
  enum class Per { kBoard, kMake } per = Per::kBoard;
  double most = 1e12;  ///< That the reader takes.
};

constexpr Interval kBoardSlowness{0.5, 2.0};
constexpr Interval kBoardPower{0.5, 2.0};

/// In this order. Beside them: kBoardSlowness of kTimes, kBoardPower of kPowers.
inline const std::vector<std::string_view> kTimes = {
    "simulation.devices.*.kinds.*.compute_ms", "simulation.devices.*.kinds.*.memory_ms",
    "simulation.devices.*.kinds.*.launch_ms",  "simulation.devices.*.kinds.*.launch_mcycles",
    "simulation.devices.*.launch_ms",          "simulation.devices.*.launch_mcycles"};
inline const std::vector<std::string_view> kPowers = {"simulation.devices.*.dynamic_w",
                                                      "simulation.devices.*.idle_w",
                                                      "simulation.devices.*.leakage_w",
                                                      "simulation.rails.*.base_w",
                                                      "power_model.idle_w",
                                                      "power_model.cpu_w"};
/// The time of everything else that happens, for boards that are slower or faster as a whole.
inline const std::vector<std::string_view> kDelays = {
    "simulation.migration_ms", "simulation.devices.*.raise_ms", "simulation.devices.*.lower_ms"};
/// What gets as hot at any power.
inline const std::vector<std::string_view> kResistances = {
    "simulation.zones.*.stages.*.resistance_k_per_w"};
inline const std::vector<std::string_view> kTimeConstants = {
    "simulation.zones.*.stages.*.time_constant_s"};

inline const std::vector<Scaling> kScalings = {
    // Devices: time.
    {kTimes, {0.7, 1.4}, Scaling::Per::kMake},
    {{"simulation.devices.*.kinds.*.memory_ms"}, {0.5, 2.0}, Scaling::Per::kMake},
    {{"simulation.devices.*.kinds.*.launch_ms", "simulation.devices.*.kinds.*.launch_mcycles",
      "simulation.devices.*.launch_ms", "simulation.devices.*.launch_mcycles"},
     {0.3, 2.0},
     Scaling::Per::kMake},
    {{"simulation.devices.*.kinds.*.exponent"}, {0.85, 1.15}, Scaling::Per::kMake, 2.0},
    {{"simulation.devices.*.thread_exponent"}, {0.85, 1.1}, Scaling::Per::kMake, 1.0},
    // Devices: power.
    {{"simulation.devices.*.dynamic_w", "simulation.devices.*.idle_w",
      "simulation.devices.*.leakage_w"},
     {0.7, 1.4},
     Scaling::Per::kMake},
    {{"simulation.devices.*.leakage_per_k"}, {0.5, 1.5}, Scaling::Per::kMake, 0.1},
    {{"simulation.devices.*.stall_activity", "simulation.devices.*.kinds.*.activity"},
     {0.7, 1.3},
     Scaling::Per::kMake,
     10.0},
    // The rest of the board.
    {{"simulation.rails.*.base_w"}, {0.5, 2.0}},
    {kResistances, {0.6, 1.6}, Scaling::Per::kBoard, 1000.0},
    {kTimeConstants, {0.2, 1.5}},
    {{"simulation.latency_noise.sigma"}, {0.3, 3.0}, Scaling::Per::kBoard, 0.2},
    {{"simulation.latency_noise.tail_share"}, {0.2, 2.0}, Scaling::Per::kBoard, 0.5},
    {{"simulation.latency_noise.tail_scale"}, {0.5, 2.0}, Scaling::Per::kBoard, 10.0},
    {kDelays, {0.3, 5.0}},
};
constexpr Interval kAmbientC{5.0, 45.0};  // Uniform.

// Places, operating points, levels.

constexpr std::size_t kMostPlaces = 3;            ///< 1 to this, each as often.
constexpr std::size_t kMostOpps = 4;              ///< Of a domain, likewise.
constexpr std::size_t kMostLevels = 8;            ///< Of the network: 2 to this.
constexpr std::size_t kFewestConfigurations = 8;  ///< By more levels.
constexpr std::size_t kMostConfigurations = 96;   ///< By fewer operating points.
constexpr double kLargeNetwork = 0.7;             ///< The chance of the kind of work `cnn`.
constexpr Interval kWidest{0.3, 3.0};             ///< Times the reference of the kind of work.
constexpr Interval kCostRatio{3.0, 40.0};         ///< Of the widest level to the narrowest.
constexpr Interval kCostStep{0.5, 2.0};           ///< From level to level, relative to each other.
constexpr Interval kHighestTop1{0.6, 0.97};       ///< Uniform.
constexpr Interval kTop1Span{0.02, 0.3};          ///< Uniform.
constexpr Interval kTop1Bend{0.3, 1.0};       ///< Exponent over the logarithm of the cost; uniform.
constexpr Interval kSensitivity{0.3, 2.0};    ///< To CPU, GPU and memory.
constexpr Interval kSwitchShare{0.005, 0.5};  ///< The time of a switch over that of a request.
constexpr std::array<std::size_t, 6> kBatches = {1, 1, 1, 4, 8, 16};

// Requests.

constexpr std::array<std::size_t, 5> kQueueLimits = {1, 2, 4, 8, 16};
constexpr double kDropsExpired = 0.7;
constexpr std::array<double, 6> kMissRates = {0.01, 0.01, 0.01, 0.002, 0.03, 0.1};
/// The request that the load is meant for takes this times as long as at the drawn level and the
/// highest clocks.
constexpr Interval kSlack{1.05, 2.0};

/// Gaps and deadlines become so much longer, so many times at most, until the best configuration
/// misses no more than kMostLate beyond what it may; otherwise the world is drawn anew.
constexpr double kStretch = 1.3;
constexpr std::size_t kMostStretches = 8;
constexpr double kMostLate = 0.005;
/// Nor is it where some configuration gets hotter than any chip lives through.
constexpr double kHottestBoardC = 150.0;
constexpr double kFewestRequests = 40.0;  ///< In the episode; with fewer gaps are halved.

// Kinds of worlds.

struct Kind {
  std::string_view name;
  /// Empty: kAnyArrival.
  std::string_view arrival;
  Interval gap;       ///< Between requests, times that request's time.
  Interval deadline;  ///< Likewise.
};
inline const std::vector<Kind> kKinds = {
    {"periodic", "periodic", {1.05, 4.0}, {1.05, 3.0}},
    {"poisson", "poisson", {1.7, 6.0}, {2.0, 8.0}},
    {"bursty", "recorded", {3.0, 15.0}, {3.0, 15.0}},
    {"closed-loop", "closed_loop", {1.0, 1.0}, {1.05, 3.0}},
    {"overload", "periodic", {1.2, 3.0}, {1.3, 6.0}},
    {"heat", "", {1.05, 2.5}, {1.05, 3.0}},
    {"energy", "", {1.05, 4.0}, {1.05, 3.0}},
    {"small-limits", "", {1.05, 4.0}, {1.05, 3.0}},
    {"conflict", "", {1.05, 4.0}, {1.05, 3.0}},
    {"alternating", "", {1.2, 4.0}, {1.3, 4.0}},
    {"slow-board", "", {1.05, 3.0}, {1.05, 3.0}},
};
/// The chances of Poisson arrivals and of a closed loop where the kind leaves it open; periodic
/// otherwise. And that of Poisson arrivals of an overload.
constexpr double kPoissonShare = 0.3;
constexpr double kClosedLoopShare = 0.1;
constexpr double kPoissonOverloads = 0.5;
/// By which gaps and deadlines are longer with Poisson arrivals where they are not the kind.
constexpr double kPoissonGap = 1.6;
constexpr double kPoissonDeadline = 2.0;

// Time.

constexpr std::array<double, 5> kPeriodsMs = {50.0, 100.0, 100.0, 200.0, 500.0};
constexpr Interval kDurationS{20.0, 40.0};  ///< Uniform.
constexpr double kFewestPeriods = 150.0;    ///< An episode is longer where it has fewer, up to ...
constexpr double kLongestS = 60.0;          ///< ... this.
constexpr double kMostPerPeriod = 40.0;     ///< Requests: gaps are made longer.
/// Gap of a slow board, which is slowed down until it has it; the period is the nearest below twice
/// that.
constexpr Interval kSlowGapMs{150.0, 600.0};
/// Deadline of small limits, for which the board is made faster, and the factor of its powers.
constexpr Interval kSmallDeadlineMs{0.3, 0.95};
constexpr Interval kSmallPower{0.0005, 0.03};

// Bursty arrivals: the shipped recording, or phases of two rates.

constexpr double kShippedRecording = 0.3;
constexpr std::size_t kRecordedArrivals = 2000;
constexpr Interval kBurstRate{4.0, 20.0};    ///< Of the burst over that between bursts.
constexpr Interval kBurstLength{3.0, 60.0};  ///< Requests in a burst, the mean.
constexpr Interval kBurstShare{0.3, 0.9};    ///< Of the requests that come in bursts; uniform.

// Others.

constexpr Interval kCpuLoad{0.25, 2.0};
constexpr Interval kGpuPressure{0.1, 1.5};
constexpr Interval kMemoryShare{0.05, 0.7};
constexpr double kComesInBursts = 0.3;
constexpr Interval kShortOnOffMs{20.0, 1000.0};
constexpr double kAlsoGpu = 0.2;     ///< The chance that a program elsewhere uses it too.
constexpr double kAlsoMemory = 0.5;  ///< Likewise.
constexpr Interval kAlternatingLoad{0.7, 1.5};  ///< In worlds of that kind.
constexpr Interval kAlternatingGpu{0.4, 1.2};
constexpr Interval kAlternationMs{50.0, 5000.0};  ///< On, and off, in worlds of that kind.
/// None, one all the time, one that comes once and goes, or many.
constexpr std::array<double, 4> kCoRunnerShares = {0.3, 0.2, 0.25, 0.25};
constexpr Interval kPhaseS{2.0, 8.0};
constexpr double kCoRunnerShare = 0.35;  ///< Of many: the chance that one runs in a phase.
constexpr Interval kOnceFrom{0.2, 0.5};  ///< Of the episode; uniform. And until, in what is left:
constexpr Interval kOnceUntil{0.3, 0.9};

// Changes, where there are phases.

constexpr double kChangesBudgets = 0.25;  ///< The chance that a world has such.
constexpr double kChangesRate = 0.25;
constexpr double kChangesPhase = 0.5;  ///< And then the chance that a phase has other budgets.
constexpr Interval kRelativeDeadline{0.7, 1.6};
constexpr Interval kRelativePower{0.9, 1.3};
constexpr Interval kRelativeRate{0.5, 1.3};
constexpr Interval kOverloadRate{1.5, 3.0};
constexpr Interval kOverloadS{1.0, 4.0};  ///< Uniform. And before and after it:
constexpr Interval kBetweenOverloadsS{5.0, 10.0};
constexpr double kAmbientStep = 0.5;  ///< The chance in worlds of heat.
constexpr Interval kAmbientStepK{3.0, 12.0};
/// Time constants in worlds of heat are at most this share of the episode.
constexpr double kHeatWithin = 0.15;

// Objective, budgets, prices.

constexpr std::array<std::string_view, 5> kObjectives = {"max_accuracy", "max_accuracy",
                                                         "min_energy", "min_power", "min_latency"};
constexpr Interval kReference{1.0, 2.0};   ///< Over the mean of the configurations that will do.
constexpr double kFloorShare = 0.85;       ///< With objectives other than accuracy ...
constexpr double kFloorShareOfMax = 0.15;  ///< ... and with that.
constexpr double kPowerShare = 0.6;
constexpr double kEnergyShare = 0.15;
constexpr double kBatteryShare = 0.1;
constexpr double kBatteryOfEnergy = 0.5;  ///< In worlds of energy.
constexpr double kTemperatureShare = 0.1;
/// A limit is where so many of the configurations that kept the ones before keep it.
constexpr Interval kKept{0.1, 0.8};
constexpr Interval kMargin{1.01, 1.05};  ///< Beyond what the last of them came to; uniform.
constexpr Interval kMarginK{0.5, 2.0};   ///< The same of a temperature; uniform.
constexpr double kFloorBelow = 5e-4;     ///< A floor is this below a level's accuracy.
/// Of the power that a floor needs, where these conflict; uniform.
constexpr Interval kBelowNeed{0.8, 0.97};
constexpr double kOtherWindow = 0.5;  ///< The chance that a window is not the usual one.
constexpr Interval kWindowS{0.5, 5.0};
constexpr double kOtherPrices = 0.4;  ///< The chance; always in conflicts.
constexpr Interval kPrice{1.0, 30.0};

}  // namespace rein::suite
