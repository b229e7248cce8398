#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

/// A level for each knob, by its index.
using Action = std::vector<std::size_t>;

/// One integer that stands for an action, where there are tables.
using ActionId = std::size_t;

/// One thing that can be set: `width.<application>`, `mapping.<application>`,
/// `bandwidth.<domain>`, `frequency.<domain>`.
struct Knob {
  enum class Kind { kWidth, kMapping, kFrequency, kBandwidth };
  /// What a higher level does to latency, power and energy, other things being equal.
  enum class Effect {
    kUnordered,  ///< Nothing can be said: places.
    kCostlier,   ///< All of them rise: more work (width).
    kFaster,     ///< Latency falls, power rises: frequency, bandwidth.
  };
  struct Level {
    std::string label;
    double value = 0.0;          ///< In `unit`; of a place its threads.
    std::vector<int> cpus = {};  ///< Of a place that computes on CPUs; empty of all else.
  };

  std::string name;
  std::string unit;
  Kind kind = Kind::kMapping;
  std::vector<Level> levels;    ///< Never empty.
  std::vector<int> cpus = {};   ///< Of a frequency domain; empty if it is not of CPUs.
  std::size_t application = 0;  ///< Whose width or mapping; of no meaning for a domain's.

  Effect effect() const;
  /// Whether an application has it, and not a domain of the machine.
  bool is_applications() const { return kind == Kind::kWidth || kind == Kind::kMapping; }
  /// The application or domain that has it.
  std::string owner() const { return name.substr(name.find('.') + 1); }
  /// The index of the level with this label, or of the one whose value the text says.
  /// @throws Error listing the labels.
  std::size_t find(const std::string& label) const;
};

/// [Knob::Kind]: what the name of such a knob begins with, before the dot.
constexpr std::array<std::string_view, 4> kKnobKinds = {"width", "mapping", "frequency",
                                                        "bandwidth"};
constexpr std::string_view name_of(Knob::Kind kind) {
  return kKnobKinds[static_cast<std::size_t>(kind)];
}

/// All combinations of the knobs' levels, numbered in mixed base with the last knob fastest:
/// knobs of 2, 3 and 6 levels at {1, 1, 1} are 1 x 18 + 1 x 6 + 1 = 25.
class ActionSpace {
 public:
  /// @pre every knob has a level.
  explicit ActionSpace(std::vector<Knob> knobs);

  const std::vector<Knob>& knobs() const { return knobs_; }
  /// The index of an application's knob; empty if there is none.
  std::optional<std::size_t> find(Knob::Kind kind, std::size_t application) const;
  /// Of the first domain's of that kind.
  std::optional<std::size_t> find_domain(Knob::Kind kind) const;
  /// The greatest number there is if they are more: then nothing else can be asked of it but
  /// knobs().
  std::size_t size() const { return size_; }
  /// @throws std::out_of_range if levels do not fit the knobs.
  ActionId encode(const Action& levels) const;
  /// @throws std::out_of_range if action >= size().
  Action decode(ActionId action) const;
  /// The same into `levels`, whose memory is used again.
  void decode(ActionId action, Action& levels) const;
  /// @throws std::out_of_range if levels do not fit the knobs.
  void check(const Action& levels) const;
  /// For people: "width.app 0.5, mapping.app cpu1".
  std::string describe(const Action& action) const;

 private:
  std::vector<Knob> knobs_;
  std::size_t size_ = 1;
};

}  // namespace rein
