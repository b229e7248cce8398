#pragma once

namespace rein {

/// To be called before Armadillo computes with more than a few numbers: OpenBLAS asks for a buffer
/// of 128 MiB again and again, without end, where it gets none (`ulimit -v`). It keeps the one that
/// it has got. @throws std::bad_alloc.
void require_blas_memory();

}  // namespace rein
