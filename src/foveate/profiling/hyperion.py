"""Size and accuracy of qualities per class on profiling frames -> a `ClassProfile` (Hyperion, section III-B)."""
