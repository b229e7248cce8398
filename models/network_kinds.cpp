#include "models/network_kinds.hpp"

#include "models/slimmable_network.hpp"

namespace rein {

const std::vector<NetworkKind>& network_kinds() {
  static const std::vector<NetworkKind> kinds = {
      {.name = "slimmable", .load = load_slimmable_network},
  };
  return kinds;
}

}  // namespace rein
