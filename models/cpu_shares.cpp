#include "models/cpu_shares.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace rein {

struct CpuShares::Deal {
  struct Share {
    pid_t thread = 0;  ///< 0 before it is taken.
    cpu_set_t cpus{};
  };
  cpu_set_t dealt{};
  std::vector<Share> shares;  ///< By rank.

  /// Nobody has moved a thread since; those that have ended do not tell.
  bool stands() const {
    return !shares.empty() && std::ranges::all_of(shares, [](const Share& share) {
      cpu_set_t now;
      return share.thread == 0 || sched_getaffinity(share.thread, sizeof now, &now) != 0 ||
             CPU_EQUAL(&now, &share.cpus);
    });
  }
};

CpuShares::CpuShares(int threads)
    : deal_([]() -> Deal& {
        static thread_local Deal last;
        return last;
      }()) {
  if (!deal_.stands()) {
    sched_getaffinity(0, sizeof deal_.dealt, &deal_.dealt);
  }
  deal_.shares.assign(static_cast<std::size_t>(threads), {});
}

void CpuShares::take(std::size_t rank) {
  cpu_set_t mine = deal_.dealt;
  if (static_cast<std::size_t>(CPU_COUNT(&mine)) == deal_.shares.size()) {
    std::size_t place = rank;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mine) && place-- != 0) {
        CPU_CLR(cpu, &mine);
      }
    }
  }
  // A placement that fails costs speed only; the platform reports those that it makes itself.
  sched_setaffinity(0, sizeof mine, &mine);
  auto& share = deal_.shares[rank];
  sched_getaffinity(0, sizeof share.cpus, &share.cpus);
  share.thread = gettid();
}

}  // namespace rein
