#pragma once

#include <cstddef>
#include <optional>

#include "platform/platform.hpp"

namespace rein {

/// One control of a machine and how the kernel is told. Used from one thread.
class Actuator {
 public:
  virtual ~Actuator() = default;

  /// Fixed from construction on.
  virtual const Control& control() const = 0;

  /// Whether it can be set now: not so the clock of CPUs that are offline at our own wish.
  virtual bool available() { return true; }

  /// Requests a level. What the hardware grants may be less (heat) and may take a while.
  /// @throws Error naming path and value, if the kernel refuses.
  virtual void set(std::size_t level) = 0;

  /// Whether a level may be refused for good while others are not, and a refusal leaves in force
  /// what was: places.
  virtual bool has_levels_apart() const { return false; }

  /// Whether a level that was just refused is so only until somebody else undoes what they did, and
  /// is to be tried for as long as that takes: a place whose CPUs they took offline.
  virtual bool is_refused_meanwhile(std::size_t /*level*/) const { return false; }

  /// Whether somebody else has undone what was set last, so that it has to be set again; asked when
  /// granted() differs from it. Heat undoes nothing.
  virtual bool is_undone() { return true; }

  /// What the kernel says is in force, in the control's unit; nothing if it does not tell.
  virtual std::optional<double> granted() = 0;

  /// The level that granted() was of when it was last asked, where values do not tell the levels
  /// apart: places. Nothing where they do, or if it was of none.
  virtual std::optional<std::size_t> granted_level() const { return std::nullopt; }
};

}  // namespace rein
