#include "models/data_set.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace rein {

const std::vector<DataSet>& data_sets() {
  static const DataSet fashion_mnist = {
      .name = "fashion-mnist",
      .class_names = {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt",
                      "sneaker", "bag", "ankle boot"},
      .read = read_idx_images,
      .default_folder = "/usr/share/datasets/fashion-mnist"};
  static const std::vector<DataSet> sets = {
      fashion_mnist,
      {.name = "fashion-mnist-56",  // The same images with twice as long sides.
       .class_names = fashion_mnist.class_names,
       .read = [](const std::filesystem::path& folder,
                  ImageSplit split) { return enlarged(read_idx_images(folder, split), 2); },
       .default_folder = fashion_mnist.default_folder},
      {.name = "cifar10",
       .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
                       "ship", "truck"},
       .read = read_cifar10_images,
       .default_folder = {}},
  };
  return sets;
}

const DataSet& find_data_set(const std::string& name) {
  std::string known;
  for (const DataSet& set : data_sets()) {
    if (set.name == name) {
      return set;
    }
    known += (known.empty() ? "" : ", ") + set.name;
  }
  throw ConfigError(fmt::format("data set: expected one of {}, found '{}'", known, name));
}

}  // namespace rein
