#pragma once

namespace rein {

/// Whether what was known beforehand fits this machine, tested as it runs: a sequential likelihood
/// ratio test (Wald 1945), begun anew at 0 (CUSUM: Page 1954). Where it fits, conditions change no
/// more often when a new action is taken up than while an action stays. Where it does not, what a
/// new action takes is as if conditions had changed, time and again.
class FitTest {
 public:
  /// Something was measured. @param is_new  for the first time since an action was taken up.
  /// @param surprises  what was measured fits other conditions, or another action, better.
  /// @return whether the evidence against the fit is enough; the test begins anew then.
  bool note(bool is_new, bool surprises);

 private:
  double stayed_ = 0.0;  ///< Periods of actions that stayed, and those of them that surprised.
  double surprised_ = 0.0;
  double evidence_ = 0.0;  ///< A logarithm.
};

}  // namespace rein
